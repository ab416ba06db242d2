package app_test

import (
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/notify"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// far is a page in another network than the phones of tests.
const far = "203.0.113.0/24 Chrome/Windows"

// approveNow copies the number and confirms, without showing a face.
func (p *party) approveNow(t *testing.T, phone *client.Phone, r *drive.Request, scan *client.Scan) error {
	t.Helper()
	err := phone.Look(t.Context(), scan)
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := phone.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	_, err = u.Approve(t.Context(), scan, number)
	return err
}

// AT-002: an interactive relay of a log-in, number and all, from an unknown
// browser in another network. Fresh evidence is demanded, without it nothing is
// approved, and the record says why.
func TestAT002RelayedLogInDemandsAFace(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	p.bindAtOnce(t, p.system, "lisi")
	r, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "lisi"}, Context: far})
	check(t, err)
	defer r.Page.Close()
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	for _, words := range []string{"203.0.113.0/24", "127.0.0.0/24 与页面不同", "首次从此页面"} {
		if !strings.Contains(scan.Statement.Context, words) {
			t.Errorf("the phone does not show %q: %s", words, scan.Statement.Context)
		}
	}
	wantCode(t, p.approveNow(t, p.agent, r, scan), "step-up")
	check(t, drive.Fresh(t.Context(), p.agent, "seals")) // a face shown for something else
	wantCode(t, p.approveNow(t, p.agent, r, scan), "step-up")
	if _, err := p.legal.BeginRealPersonFor(t.Context(), scan); err != nil {
		t.Fatal(err)
	}
	s, err := p.legal.BeginRealPersonFor(t.Context(), scan) // and another person's
	check(t, err)
	check(t, p.legal.FinishRealPerson(t.Context(), s.SessionID))
	wantCode(t, p.approveNow(t, p.agent, r, scan), "step-up")
	if st, err := p.system.Status(t.Context(), r.Ticket); err != nil || st.State != "claimed" {
		t.Errorf("%+v, %v", st, err)
	}
	suspects, err := p.app.Recorded(t.Context(), "ticket.risk")
	check(t, err)
	if len(suspects) != 1 || suspects[0].Object != r.Ticket || suspects[0].Detail != "relay-suspect" || suspects[0].Decision != "alarm" {
		t.Errorf("on record: %+v", suspects)
	}

	check(t, drive.FreshFor(t.Context(), p.agent, scan))
	check(t, p.approveNow(t, p.agent, r, scan))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	// The page is known from now on, and a face for one request is none for the next.
	r, err = p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "lisi"}, Context: far})
	check(t, err)
	defer r.Page.Close()
	if scan, err = drive.Claim(t.Context(), p.agent, r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(scan.Statement.Context, "首次") {
		t.Errorf("a known page is called new: %s", scan.Statement.Context)
	}
	check(t, p.approveNow(t, p.agent, r, scan))
	r, err = p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "lisi"}, Context: "198.51.100.7 Chrome/Windows"})
	check(t, err)
	defer r.Page.Close()
	scan, err = drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	if !strings.HasPrefix(scan.Statement.Context, "198.51.100.0/24 Chrome") {
		t.Errorf("the whole address is shown: %s", scan.Statement.Context)
	}
	wantCode(t, p.approveNow(t, p.agent, r, scan), "step-up")
}

// The face has to be fresh when it is used.
func TestAT002FaceAges(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p := newPartyWith(t, app.Options{Now: clock.Now})
	r, err := p.system.Ask(t.Context(), bindAsk("lisi"))
	check(t, err)
	defer r.Page.Close()
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	check(t, drive.FreshFor(t.Context(), p.agent, scan))
	clock.Add(61 * time.Second)
	wantCode(t, p.approveNow(t, p.agent, r, scan), "step-up")
	check(t, drive.FreshFor(t.Context(), p.agent, scan))
	check(t, p.approveNow(t, p.agent, r, scan))
}

// AT-009 as amended: a relayed bind needs the victim's face, he and the legal
// representative are told, and he undoes it at once, for himself.
func TestAT009RelayedBindIsToldAndUndone(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	ask := bindAsk("mallory")
	ask.Context = far
	r, err := p.system.Ask(t.Context(), ask)
	check(t, err)
	defer r.Page.Close()
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	wantCode(t, p.approveNow(t, p.agent, r, scan), "step-up") // for every bind
	check(t, drive.FreshFor(t.Context(), p.agent, scan))
	check(t, p.approveNow(t, p.agent, r, scan))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	_, err = p.system.Save(t.Context(), r.Ticket)
	check(t, err)
	for _, phone := range []string{drive.Agent().Phone, drive.Company().Legal.Phone} {
		if m := p.told(t, phone, notify.Bound); m.Params["account"] != "ma***ry" || m.Params["name"] != "李*" {
			t.Errorf("told %+v", m)
		}
	}
	_, err = p.agent.ReportClaim(t.Context(), r.Ticket, "")
	check(t, err)
	_, err = p.system.Binding(t.Context(), "mallory")
	wantCode(t, err, "binding")
	d, err := p.system.Upload(t.Context(), "攻击者的文件.pdf", samplePDF(t, "ff.pdf"))
	check(t, err)
	_, err = p.system.Ask(t.Context(), drive.StampAsk("mallory", uscc, d.ID, 1, 130, 200))
	wantCode(t, err, "binding")
	_, err = p.system.Save(t.Context(), r.Ticket)
	wantCode(t, err, "binding")
}

// A stamp that looks relayed, and one of many documents, ask for a face too.
func TestStampAboveTheRiskDemandsAFace(t *testing.T) {
	t.Parallel()
	p := newPartyWith(t, app.Options{})
	p.bindAtOnce(t, p.system, "lisi")
	var docs []string
	for range 2 {
		d, err := p.system.Upload(t.Context(), "表.pdf", samplePDF(t, "ff.pdf"))
		check(t, err)
		docs = append(docs, d.ID)
	}
	one, two := drive.StampAsk("lisi", uscc, docs[0], 1, 130, 200), drive.StampAsk("lisi", uscc, docs[0], 1, 130, 200)
	one.Context = far
	two.Documents = append(two.Documents, two.Documents[0])
	two.Documents[1].Document = docs[1]
	for name, ask := range map[string]ds.Ask{"relayed": one, "many": two} {
		r, err := p.system.Ask(t.Context(), ask)
		check(t, err)
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		if err := p.approveNow(t, p.agent, r, scan); drive.Code(err) != "step-up" {
			t.Errorf("%s: %v", name, err)
		}
		check(t, p.system.Cancel(t.Context(), r.Ticket))
		r.Page.Close()
	}
	two.Documents = two.Documents[:1]
	r, err := p.system.Ask(t.Context(), two)
	check(t, err)
	defer r.Page.Close()
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	check(t, p.approveNow(t, p.agent, r, scan))
}

// newPartyWith is a party whose node asks for a face from two documents on and
// keeps one fresh for a minute.
func newPartyWith(t *testing.T, o app.Options) *party {
	t.Helper()
	o.World = drive.World()
	dir := t.TempDir()
	base, c, a := startWith(t, dir, o, func(c *config.Config) {
		c.Risk.StampStepUp, c.Lifetimes.Evidence = 2, config.Duration(time.Minute)
	})
	return gather(t, dir, 10, base, c, a)
}
