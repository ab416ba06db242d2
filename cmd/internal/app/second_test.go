package app_test

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// zhao is a second agent of the company.
func zhao() app.Person {
	return app.Person{Name: "赵六", IDNumber: "440304198506170016", Phone: "13600136056"}
}

// newPartyOfSeconds is a party whose delegation asks for a second person for
// every stamp, and an agent who is appointed as one.
func newPartyOfSeconds(t *testing.T, o app.Options) (p *party, boss *client.Phone) {
	t.Helper()
	o.World = drive.World()
	o.World.People = append(o.World.People, zhao())
	dir := t.TempDir()
	base, c, a := startIn(t, dir, o)
	p = gather(t, dir, 10, base, c, a)
	p.revoke(t, statement.OfDelegation, p.delegation)
	p.delegation = p.grant(t, client.Grant{
		AgentID: p.agent.Person(), Actions: []string{"bind", "login", "stamp"}, Max: 10, SecondFrom: 1,
	})
	boss, err := p.Phone("zhao")
	check(t, err)
	check(t, p.EnrolAgent(t.Context(), boss, zhao(), drive.Company()))
	check(t, drive.Fresh(t.Context(), p.legal, "member"))
	check(t, drive.ApproveAgent(t.Context(), p.legal, drive.Company(), boss.Person()))
	return p, boss
}

func (p *party) grant(t *testing.T, g client.Grant) string {
	t.Helper()
	g.AppID, g.Seals, g.NotAfter = p.system.App, []string{p.seal}, time.Now().Add(30*24*time.Hour)
	check(t, drive.Fresh(t.Context(), p.legal, "delegate"))
	d, err := p.legal.DraftDelegation(t.Context(), place(t, p), g)
	r, err := drive.Sign(t.Context(), p.legal, d, err)
	check(t, err)
	return r.SubjectID
}

// second decides as second person.
func (p *party) second(t *testing.T, phone *client.Phone, ticket string, approve bool) (string, error) {
	t.Helper()
	s, err := phone.Second(t.Context(), ticket)
	if err != nil {
		return "", err
	}
	if _, err := phone.DraftSecond(t.Context(), s, true, ""); approve && !errors.Is(err, client.ErrUnseen) {
		t.Errorf("a yes to what was not looked at: %v", err)
	}
	_, err = phone.SecondDocuments(t.Context(), s)
	check(t, err)
	d, err := phone.DraftSecond(t.Context(), s, approve, "")
	r, err := drive.Sign(t.Context(), phone, d, err)
	if err != nil {
		return "", err
	}
	return r.State, nil
}

// The answer to a second person's decision was lost: signed again it is the same.
func TestSecondPersonIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	p, _ := newPartyOfSeconds(t, app.Options{})
	for approve, want := range map[bool]string{true: "approved", false: "failed"} {
		r, _ := p.ask(t, p.system, "lisi")
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		check(t, p.approveNow(t, p.agent, r, scan))
		s, err := p.legal.Second(t.Context(), r.Ticket)
		check(t, err)
		_, err = p.legal.SecondDocuments(t.Context(), s)
		check(t, err)
		d, err := p.legal.DraftSecond(t.Context(), s, approve, "")
		for range 2 {
			signed, err := drive.Sign(t.Context(), p.legal, d, err)
			check(t, err)
			if !signed.Done || signed.State != want {
				t.Errorf("approve %v: %+v", approve, signed)
			}
		}
	}
}

func TestSecondPersonApproves(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p, boss := newPartyOfSeconds(t, app.Options{Now: clock.Now})
	p.system.Now = clock.Now
	p.grant(t, client.Grant{AgentID: boss.Person(), Actions: []string{"second"}, Max: 1})
	for name, phone := range map[string]*client.Phone{"the legal representative": p.legal, "who is appointed": boss} {
		before := p.left(t)
		r, doc := p.ask(t, p.system, "lisi")
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		check(t, p.approveNow(t, p.agent, r, scan))
		m, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "approved" })
		check(t, err)
		if m.Reason != "second-approver" || m.ResultCode != "" {
			t.Errorf("%s: the page was told %+v", name, m)
		}
		if d, err := p.system.Document(t.Context(), doc); err != nil || d.State != "held" || p.left(t) != before {
			t.Errorf("%s: something was taken or signed: %+v, %v", name, d, err)
		}
		list, _, err := phone.Seconds(t.Context(), "", 0)
		check(t, err)
		if len(list) != 1 || list[0].Ticket != r.Ticket || list[0].Statement.Agent.Name != "李四" {
			t.Fatalf("%s: it waits for him: %+v", name, list)
		}
		if list, _, err := p.agent.Seconds(t.Context(), "", 0); err != nil || len(list) != 0 {
			t.Errorf("it waits for the first person: %+v, %v", list, err)
		}
		if _, err := p.second(t, p.agent, r.Ticket, true); err == nil {
			t.Error("the first person was his own second")
		}
		clock.Add(10 * time.Minute) // long after the first one's window
		state, err := p.second(t, phone, r.Ticket, true)
		check(t, err)
		if state != "approved" {
			t.Errorf("%s: it is %s", name, state)
		}
		_, err = p.system.Fetch(t.Context(), r)
		check(t, err)
		stamped, err := p.system.Stamped(t.Context(), doc)
		check(t, err)
		p.seconded(t, r.Ticket, stamped, map[*client.Phone]string{p.legal: "张三", boss: zhao().Name}[phone], clock.Now())
		if _, err := p.second(t, phone, r.Ticket, true); err == nil {
			t.Errorf("%s: decided twice", name)
		}
	}
	p.told(t, drive.Company().Legal.Phone, notify.SecondAsked)
	p.told(t, zhao().Phone, notify.SecondAsked)
}

// seconded verifies a stamped document as anybody would, from files: it is genuine,
// and the bundle proves who the second person was.
func (p *party) seconded(t *testing.T, ticket string, stamped []byte, name string, now time.Time) {
	t.Helper()
	b, err := p.system.Evidence(t.Context(), ticket)
	check(t, err)
	bundle, err := verify.ParseBundle(b)
	check(t, err)
	trust, err := bundle.Trust()
	check(t, err)
	trust.Now = now
	r := verify.Document(stamped, trust)
	if r.Verdict != verify.Genuine || r.Stamps[0].Answer(verify.Evidence) != verify.Yes || r.Stamps[0].Evidence.Proved.SecondBy != name {
		t.Errorf("%s: %+v", r.Verdict, r.Stamps[0])
	}
}

func (p *party) left(t *testing.T) int {
	t.Helper()
	given, err := p.legal.DelegationsOf(t.Context(), place(t, p).OrganizationID)
	check(t, err)
	for _, g := range given {
		if g.DelegationID == p.delegation {
			return g.Left
		}
	}
	return -1
}

// Who is not appointed cannot be the second person; a no ends the request, and a
// revocation or an unbinding between the two wins.
func TestSecondPersonRefuses(t *testing.T) {
	t.Parallel()
	p, boss := newPartyOfSeconds(t, app.Options{})
	approve := func() (*drive.Request, string) {
		r, doc := p.ask(t, p.system, "lisi")
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		check(t, p.approveNow(t, p.agent, r, scan))
		return r, doc
	}
	r, doc := approve()
	_, err := p.second(t, boss, r.Ticket, true)
	wantCode(t, err, "not-found")
	state, err := p.second(t, p.legal, r.Ticket, false)
	check(t, err)
	m, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "ended" })
	check(t, err)
	if state != "failed" || m.State != "failed" || m.Reason != "second-refused" {
		t.Errorf("it is %s, the page was told %+v", state, m)
	}
	p.untouched(t, p.system, doc, 10)
	if d, err := p.system.Document(t.Context(), doc); err != nil || d.State != "ready" {
		t.Errorf("the document is still taken: %+v, %v", d, err)
	}

	r, doc = approve()
	check(t, p.system.Unbind(t.Context(), "lisi"))
	_, err = p.second(t, p.legal, r.Ticket, true)
	wantCode(t, err, "binding")
	p.untouched(t, p.system, doc, 10)
	check(t, p.app.Bind(t.Context(), p.system.App, "lisi", drive.Company().USCC, p.agent.Person()))

	r, doc = approve()
	p.revoke(t, statement.OfDelegation, p.delegation)
	_, err = p.second(t, p.legal, r.Ticket, true)
	wantCode(t, err, "delegation-revoked")
	p.untouched(t, p.system, doc, 10)
}

// Whoever may decide reaches everything that waits, part by part.
func TestSecondsComeInParts(t *testing.T) {
	t.Parallel()
	p, _ := newPartyOfSeconds(t, app.Options{})
	waits := map[string]int{}
	for range 3 {
		r, _ := p.ask(t, p.system, "lisi")
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		check(t, p.approveNow(t, p.agent, r, scan))
		waits[r.Ticket] = 1
	}
	cursor, parts := "", 0
	for end := false; !end && parts < 5; parts++ {
		list, next, err := p.legal.Seconds(t.Context(), cursor, 2)
		check(t, err)
		for _, one := range list {
			waits[one.Ticket]--
		}
		cursor, end = next, next == ""
	}
	for ticket, left := range waits {
		if left != 0 {
			t.Errorf("%s: %d times too few", ticket, left)
		}
	}
	if parts != 2 {
		t.Errorf("%d parts", parts)
	}
	_, _, err := p.legal.Seconds(t.Context(), "none", 2)
	wantCode(t, err, "bad-request")
}

// An approval that nobody seconds lapses, and its documents are free again.
func TestSecondPersonIsAwaitedForAWhile(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p, _ := newPartyOfSeconds(t, app.Options{Now: clock.Now})
	r, doc := p.ask(t, p.system, "lisi")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	check(t, p.approveNow(t, p.agent, r, scan))
	clock.Add(29 * time.Minute)
	p.system.Now = clock.Now
	if st, err := p.system.Status(t.Context(), r.Ticket); err != nil || st.State != "approved" {
		t.Errorf("%+v, %v", st, err)
	}
	clock.Add(time.Minute + time.Second)
	_, err = p.second(t, p.legal, r.Ticket, true)
	wantCode(t, err, "expired")
	p.settledAs(t, doc, "ready")
	p.untouched(t, p.system, doc, 10)
}
