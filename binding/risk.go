package binding

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/qrflow"
)

// When a log-in needs fresh real-person evidence (Policy.LoginStepUp).
const (
	StepUpNever   = "never"
	StepUpSuspect = "suspect" // of a relay: strange network and strange page
	StepUpAlways  = "always"
)

// Policy is the part of the configuration that decides how much more than a
// scan is asked for. A bind is always asked for fresh evidence: it gives lasting
// power.
type Policy struct {
	LoginStepUp string
	// StampStepUp is the number of documents of one request from which a stamp
	// needs fresh evidence; 0: never for their number. A request that looks
	// relayed needs it in any case.
	StampStepUp int
	// KnownPage is how long a page counts as known after it was last used.
	KnownPage time.Duration
	// SecondFrom is the number of documents of one request from which a second
	// person must approve, whatever the delegation says; 0: never.
	SecondFrom int
	// SecondWait is how long an approval waits for him.
	SecondWait time.Duration
}

// DefaultPolicy is for a province in its usual days.
func DefaultPolicy() Policy {
	return Policy{LoginStepUp: StepUpSuspect, StampStepUp: 50, KnownPage: 90 * 24 * time.Hour, SecondWait: keys.DefaultSecondWait}
}

// Page is a network and browser from which an account was used and approved
// before; its id is their hash. It holds no address and no account.
type Page struct {
	unit.Row `bson:",inline"`
	App      string    `bson:"app"`
	Expires  time.Time `bson:"expires"`
}

func pageID(app, account, context string) string {
	return gm.SM3([]byte("yunzhang-page/1\x00"+app+"\x00"), []byte(account+"\x00"), []byte(context)).Hex()
}

// risk is what the scan showed beside the request.
type risk struct {
	Phone     string `json:"phone,omitempty"` // network prefix of the phone
	Elsewhere bool   `json:"elsewhere,omitempty"`
	NewPage   bool   `json:"new_page,omitempty"`
	NewDevice bool   `json:"new_device,omitempty"` // it still cools
}

// relayed reports whether it looks as if the code was carried to the phone: the
// page is in another network than the phone, and nobody has used this account
// from such a page. Each alone is everyday life.
func (r risk) relayed() bool { return r.Elsewhere && r.NewPage }

// Prefixes that name a network and not a household.
const (
	prefix4 = 24
	prefix6 = 48
)

// network cuts an address to its network.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := prefix6
	if a.Is4() {
		bits = prefix4
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// cutContext makes the context of a request what may be shown and signed: the
// network of the application's user, never his whole address, and his browser.
// A first word that is no network is left as it is and counts as not known.
func cutContext(context string) string {
	first, rest, more := strings.Cut(context, " ")
	p := networkIn(first)
	switch {
	case !p.IsValid():
		return context
	case more:
		return p.String() + " " + rest
	}
	return p.String()
}

// networkIn reads a network, or an address, from the beginning of a context.
func networkIn(context string) netip.Prefix {
	first, _, _ := strings.Cut(context, " ")
	if a, err := netip.ParseAddr(first); err == nil {
		return network(a)
	}
	p, err := netip.ParsePrefix(first)
	if err != nil {
		return netip.Prefix{}
	}
	if p.Bits() > network(p.Addr()).Bits() {
		return network(p.Addr())
	}
	return p.Masked()
}

// assess compares page and phone at the scan.
func (s *Service) assess(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request, d *authz.Device) error {
	page := networkIn(r.Context)
	r.Risk = risk{Elsewhere: !page.IsValid() || !c.From.IsValid() || !page.Contains(c.From.Unmap())}
	if phone := network(c.From); phone.IsValid() {
		r.Risk.Phone = phone.String()
	}
	if r.Risk.NewDevice = tx.Now().Before(d.CoolUntil); r.Risk.NewDevice {
		err := s.audit.Write(tx, audit.Record{
			Actor: c.Person, Role: "agent", Action: "ticket.risk", Object: t.ID, Org: r.Org, Decision: audit.Allowed, Detail: "cooling-device",
		})
		if err != nil {
			return err
		}
	}
	known, err := s.t.Pages.Get(tx, pageID(t.App, r.Account, r.Context))
	switch {
	case errors.Is(err, unit.ErrAbsent):
		r.Risk.NewPage = true
	case err != nil:
		return err
	default:
		r.Risk.NewPage = !tx.Now().Before(known.Expires)
	}
	if !r.Risk.relayed() {
		return nil
	}
	return s.audit.Write(tx, audit.Record{
		Actor: c.Person, Role: "agent", Action: "ticket.risk", Object: t.ID, Org: r.Org, Decision: audit.Alarm, Detail: "relay-suspect",
	})
}

// words are the signals as the person reads them on the phone and signs them, in
// the context line of the statement.
func (r *request) words() string {
	words := []string{r.Context}
	if r.Risk.Elsewhere {
		where := "未知"
		if r.Risk.Phone != "" {
			where = r.Risk.Phone
		}
		words = append(words, "注意：手机网络 "+where+" 与页面不同 (phone in another network)")
	}
	if r.Risk.NewPage {
		words = append(words, "注意：该账号首次从此页面办理 (first use of this page)")
	}
	if r.Risk.NewDevice {
		words = append(words, "注意：新登记的手机，冷静期内 (new phone)")
	}
	return strings.Join(words, "；")
}

// stepUp is check 11 of protocol.md §2.7.
func (s *Service) stepUp(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request) error {
	if !s.asksForFace(t, r) {
		return nil
	}
	return s.authz.Present(tx, c.Person, t.ClaimID())
}

func (s *Service) asksForFace(t *qrflow.Ticket, r *request) bool {
	switch r.Action {
	case authz.Login:
		return s.policy.LoginStepUp == StepUpAlways || s.policy.LoginStepUp == StepUpSuspect && r.Risk.relayed()
	case authz.Stamp:
		return r.Risk.relayed() || s.policy.StampStepUp > 0 && t.Documents >= s.policy.StampStepUp
	}
	return true
}

// remember makes the page of an approved request a known one.
func (s *Service) remember(tx unit.Tx, t *qrflow.Ticket, r *request) error {
	fresh := &Page{Row: unit.Row{ID: pageID(t.App, r.Account, r.Context)}, App: t.App, Expires: tx.Now().Add(s.policy.KnownPage)}
	old, err := s.t.Pages.Get(tx, fresh.ID)
	if errors.Is(err, unit.ErrAbsent) {
		return takenAs(s.t.Pages.Insert(tx, fresh), fault.StateConflict)
	}
	if err != nil || fresh.Expires.Sub(old.Expires) < 24*time.Hour {
		return err // a day's precision spares most approvals the write
	}
	fresh.Ver = old.Ver
	return s.t.Pages.Replace(tx, fresh)
}

// checkContext refuses a context that could not be signed.
func checkContext(context string) error {
	if context == "" || statement.CheckText(context) != nil || len([]rune(context)) > maxContext {
		return fault.BadRequest.With("field", "context")
	}
	return nil
}

// maxContext leaves room for the signals and a line that a phone can show.
const maxContext = 200
