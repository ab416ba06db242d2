package app_test

import (
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// movable is a clock that tests move.
type movable struct {
	mu  sync.Mutex
	off time.Duration
}

func (m *movable) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Add(m.off)
}

func (m *movable) Add(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.off += d
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if drive.Code(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

// upload uploads the sample and asks for a stamp on it.
func (p *party) ask(t *testing.T, s *drive.System, account string) (*drive.Request, string) {
	t.Helper()
	p.bindAtOnce(t, s, account)
	d, err := s.Upload(t.Context(), "参保登记表.pdf", samplePDF(t, "ff.pdf"))
	check(t, err)
	r, err := s.Ask(t.Context(), drive.StampAsk(account, uscc, d.ID, 1, 130, 200))
	check(t, err)
	t.Cleanup(r.Page.Close)
	return r, d.ID
}

// untouched makes sure that a refused request left no stamp, no used slot and a
// document that is free or still held, but never stamped.
func (p *party) untouched(t *testing.T, s *drive.System, doc string, left int) {
	t.Helper()
	d, err := s.Document(t.Context(), doc)
	check(t, err)
	if d.State == "stamped" || d.Stamped != "" {
		t.Errorf("the document is %s", d.State)
	}
	if _, err := s.Stamped(t.Context(), doc); err == nil {
		t.Error("a stamped file was given out")
	}
	place := place(t, p)
	uses, _, err := p.legal.Register(t.Context(), place.OrganizationID, "", 100)
	check(t, err)
	for _, u := range uses {
		if u.State == "open" || !u.Stamped.IsZero() {
			t.Errorf("a use is on the register: %+v", u)
		}
	}
	given, err := p.legal.DelegationsOf(t.Context(), place.OrganizationID)
	check(t, err)
	found := p.delegation == ""
	for _, g := range given {
		if g.DelegationID != p.delegation {
			continue
		}
		if found = true; g.Left != left {
			t.Errorf("%d uses left, want %d", g.Left, left)
		}
	}
	if !found {
		t.Errorf("delegation %s is not on the list", p.delegation)
	}
}

func TestRefusedAgentNotApproved(t *testing.T) {
	t.Parallel()
	o := app.Options{World: drive.World()}
	base, c, a := start(t, o)
	p := &party{app: a, Node: drive.Node{Net: drive.Net{Addr: base[len("http://"):]}, Config: c, Code: a.LastCode, Dir: t.TempDir()}}
	var err error
	p.legal, err = p.Phone("legal")
	check(t, err)
	p.agent, err = p.Phone("agent")
	check(t, err)
	check(t, p.EnrolLegal(t.Context(), p.legal, drive.Company()))
	p.seal, err = drive.ClaimSeal(t.Context(), p.legal, drive.Company(), "statutory")
	check(t, err)
	check(t, p.EnrolAgent(t.Context(), p.agent, drive.Agent(), drive.Company()))
	p.system = p.register(t, "系统")
	_, err = drive.Delegate(t.Context(), p.legal, drive.Company(), p.agent.Person(), p.system.App, p.seal, 1)
	wantCode(t, err, "agent-not-approved")
	r, err := p.system.Ask(t.Context(), bindAsk("a1"))
	check(t, err)
	t.Cleanup(r.Page.Close)
	_, err = drive.Claim(t.Context(), p.agent, r)
	wantCode(t, err, "agent-not-approved")
	// Even an account that is bound for him gets him no further.
	r, doc := p.ask(t, p.system, "a1")
	_, err = drive.Claim(t.Context(), p.agent, r)
	wantCode(t, err, "agent-not-approved")
	p.untouched(t, p.system, doc, 0)
}

func TestRefusedNotTheLegalRepresentative(t *testing.T) {
	t.Parallel()
	base, c, a := start(t, app.Options{World: drive.World()})
	n := drive.Node{Net: drive.Net{Addr: base[len("http://"):]}, Config: c, Code: a.LastCode, Dir: t.TempDir()}
	phone, err := n.Phone("impostor")
	check(t, err)
	other := drive.Company()
	other.Legal = drive.Agent() // a real person, and not the legal representative of that USCC
	wantCode(t, n.EnrolLegal(t.Context(), phone, other), "not-legal-representative")
	if phone.Device() != "" {
		t.Error("a device was enrolled")
	}
}

func TestAT036ByDelegation(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p := newParty(t, 1, app.Options{Now: clock.Now})
	other := p.register(t, "另一申报系统")
	r, doc := p.ask(t, other, "b1")
	_, err := drive.Claim(t.Context(), p.agent, r)
	wantCode(t, err, "delegation-none") // none for that application
	p.untouched(t, other, doc, 1)

	r, _ = p.ask(t, p.system, "b2")
	check(t, drive.Confirm(t.Context(), p.agent, r))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	r, doc = p.ask(t, p.system, "b3")
	_, err = drive.Claim(t.Context(), p.agent, r)
	wantCode(t, err, "delegation-limit")
	if d, err := p.system.Document(t.Context(), doc); err != nil || d.State == "stamped" {
		t.Errorf("%+v, %v", d, err)
	}
	p.bindAtOnce(t, p.system, "b4")
	clock.Add(31 * 24 * time.Hour)
	p.system.Now, other.Now = clock.Now, clock.Now
	r, _ = p.ask(t, p.system, "b4")
	_, err = drive.Claim(t.Context(), p.agent, r)
	wantCode(t, err, "delegation-expired")
}

func TestRefusedRevokedBetweenScanAndApproval(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, doc := p.ask(t, p.system, "c1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	d, err := p.legal.DraftRevocation(t.Context(), statement.OfDelegation, p.delegation, "不再需要")
	_, err = drive.Sign(t.Context(), p.legal, d, err)
	check(t, err)
	wantCode(t, drive.Approve(t.Context(), p.agent, r, scan), "delegation-revoked")
	p.untouched(t, p.system, doc, 5)
}

func TestRefusedFrozenSeal(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, doc := p.ask(t, p.system, "c2")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	_, err = p.legal.Freeze(t.Context(), p.seal, "怀疑被冒用")
	check(t, err)
	wantCode(t, drive.Approve(t.Context(), p.agent, r, scan), "seal-frozen")
	p.untouched(t, p.system, doc, 5)
	check(t, drive.Unfreeze(t.Context(), p.legal, p.seal))
	check(t, drive.Approve(t.Context(), p.agent, r, scan))
}

func TestAT027ExpiredTicket(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p := newParty(t, 5, app.Options{Now: clock.Now})
	r, doc := p.ask(t, p.system, "d1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	clock.Add(301 * time.Second) // past the nonce too: the phone fetches another
	_, err = u.Approve(t.Context(), scan, number)
	wantCode(t, err, "expired")
	p.system.Now = clock.Now
	p.untouched(t, p.system, doc, 5)
	if st, err := p.system.Status(t.Context(), r.Ticket); err != nil || st.State != "expired" {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestRefusedWrongNumberTwice(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, doc := p.ask(t, p.system, "e1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	wrong := string('0'+(number[0]-'0'+1)%10) + number[1:]
	_, err = u.Approve(t.Context(), scan, wrong)
	wantCode(t, err, "match-wrong")
	_, err = u.Approve(t.Context(), scan, wrong)
	wantCode(t, err, "blocked")
	_, err = u.Approve(t.Context(), scan, number)
	wantCode(t, err, "wrong-state")
	p.untouched(t, p.system, doc, 5)
}

func TestRefusedWrongPINFiveTimes(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	for range 4 {
		_, err := p.agent.Unlock(t.Context(), "wrong-pin1")
		wantCode(t, err, "pin-wrong")
	}
	_, err := p.agent.Unlock(t.Context(), "wrong-pin1")
	wantCode(t, err, "pin-locked")
	r, doc := p.ask(t, p.system, "f1")
	wantCode(t, drive.Confirm(t.Context(), p.agent, r), "pin-locked") // with the right one
	p.untouched(t, p.system, doc, 5)
}

func TestAT025SecondApproval(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, _ := p.ask(t, p.system, "g1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	check(t, drive.Approve(t.Context(), p.agent, r, scan))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	wantCode(t, drive.Approve(t.Context(), p.agent, r, scan), "wrong-state")
	given, err := p.legal.DelegationsOf(t.Context(), place(t, p).OrganizationID)
	check(t, err)
	if len(given) != 1 || given[0].Left != 4 {
		t.Errorf("%+v", given)
	}
}

func TestAT040ForeignIDs(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	other := p.register(t, "另一申报系统")
	p.bindAtOnce(t, other, "h2")
	r, doc := p.ask(t, p.system, "h1")
	for name, call := range map[string]func(ticket, document string) error{
		"document": func(_, d string) error { _, err := other.Document(t.Context(), d); return err },
		"stamped":  func(_, d string) error { _, err := other.Stamped(t.Context(), d); return err },
		"status":   func(k, _ string) error { _, err := other.Status(t.Context(), k); return err },
		"cancel":   func(k, _ string) error { return other.Cancel(t.Context(), k) },
		"evidence": func(k, _ string) error { _, err := other.Evidence(t.Context(), k); return err },
		"save":     func(k, _ string) error { _, err := other.Save(t.Context(), k); return err },
		"redeem":   func(k, _ string) error { _, err := other.Redeem(t.Context(), k, "x", []byte("y")); return err },
		"binding":  func(string, string) error { _, err := other.Binding(t.Context(), "h1"); return err },
		"unbind":   func(string, string) error { return other.Unbind(t.Context(), "h1") },
		"ask": func(_, d string) error {
			_, err := other.Ask(t.Context(), drive.StampAsk("h2", uscc, d, 1, 1, 1))
			return err
		},
	} {
		foreign, unknown := call(r.Ticket, doc), call("tk_aaaaaaaaaaaaaaaaaaaaaaaaaa", "doc_aaaaaaaaaaaaaaaaaaaaaaaaaa")
		if drive.Code(foreign) == "" || drive.Code(foreign) != drive.Code(unknown) {
			t.Errorf("%s: foreign %v, unknown %v", name, foreign, unknown)
		}
	}
	stranger := &client.Scan{ID: "cl_" + r.Ticket[len("tk_"):]}
	_, err := p.legal.Reject(t.Context(), stranger, "x")
	wantCode(t, err, "ticket-unavailable")
	if st, err := p.system.Status(t.Context(), r.Ticket); err != nil || st.State != "open" {
		t.Errorf("the request was touched: %+v, %v", st, err)
	}
}

func TestAT015StolenCode(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, _ := p.ask(t, p.system, "i1")
	check(t, drive.Confirm(t.Context(), p.agent, r))
	code, err := r.Page.Result(t.Context())
	check(t, err)
	verifier, _ := ds.Verifier()
	_, err = p.system.Redeem(t.Context(), r.Ticket, code, verifier)
	wantCode(t, err, "verifier")
	_, err = p.system.Redeem(t.Context(), r.Ticket, code, r.Verifier)
	wantCode(t, err, "ticket-unavailable") // the result is dead for everybody
}
