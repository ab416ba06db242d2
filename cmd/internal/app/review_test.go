package app_test

import (
	"testing"
	"time"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

func bindAsk(account string) ds.Ask {
	return ds.Ask{Purpose: "bind", Subject: ds.Subject{Account: account, USCC: uscc}}
}

// bound binds an account of the party's system for its agent.
func (p *party) bound(t *testing.T, account string) {
	t.Helper()
	r, err := p.system.Ask(t.Context(), bindAsk(account))
	check(t, err)
	defer r.Page.Close()
	check(t, drive.Confirm(t.Context(), p.agent, r))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	_, err = p.system.Save(t.Context(), r.Ticket)
	check(t, err)
}

func TestReviewSaveNeedsTheRedeemedResult(t *testing.T) {
	t.Parallel()
	p := newParty(t, 1, app.Options{})
	r, err := p.system.Ask(t.Context(), bindAsk("acct-0001"))
	check(t, err)
	defer r.Page.Close()
	check(t, drive.Confirm(t.Context(), p.agent, r))
	_, err = p.system.Save(t.Context(), r.Ticket)
	wantCode(t, err, "wrong-state")
	_, err = p.register(t, "另一申报系统").Save(t.Context(), r.Ticket)
	wantCode(t, err, "binding")
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	for range 2 { // the second finds it saved
		b, err := p.system.Save(t.Context(), r.Ticket)
		check(t, err)
		if b.State != "active" {
			t.Errorf("the binding is %s", b.State)
		}
	}
}

func TestReviewKilledResultSavesNothing(t *testing.T) {
	t.Parallel()
	p := newParty(t, 1, app.Options{})
	r, err := p.system.Ask(t.Context(), bindAsk("acct-0001"))
	check(t, err)
	defer r.Page.Close()
	check(t, drive.Confirm(t.Context(), p.agent, r))
	code, err := r.Page.Result(t.Context())
	check(t, err)
	_, err = p.system.Redeem(t.Context(), r.Ticket, code, r.Verifier)
	check(t, err)
	verifier, _ := ds.Verifier()
	_, err = p.system.Redeem(t.Context(), r.Ticket, code, verifier)
	wantCode(t, err, "verifier")
	_, err = p.system.Save(t.Context(), r.Ticket)
	wantCode(t, err, "wrong-state")
}

func TestReviewBindingIsSignedWithTheWholeAccount(t *testing.T) {
	t.Parallel()
	p := newParty(t, 1, app.Options{})
	r, err := p.system.Ask(t.Context(), bindAsk("acct-0001"))
	check(t, err)
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	if scan.Statement.Account != "acct-0001" {
		t.Errorf("the statement ties %q", scan.Statement.Account)
	}
	r.Page.Close()
	p.bound(t, "acct-0002")
	r, err = p.system.Ask(t.Context(), ds.Ask{Purpose: "login"})
	check(t, err)
	defer r.Page.Close()
	scan, err = drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	if scan.Statement.Account != "ac***02" {
		t.Errorf("the log-in shows %q", scan.Statement.Account)
	}
}

func TestReviewDocumentsEndWithTheirTicket(t *testing.T) {
	t.Parallel()
	p := newParty(t, 2, app.Options{})
	r, _ := p.ask(t, p.system, "r1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	check(t, err)
	check(t, p.system.Cancel(t.Context(), r.Ticket))
	err = p.agent.Look(t.Context(), scan)
	wantCode(t, err, "wrong-state")

	r, _ = p.ask(t, p.system, "r2")
	scan, err = drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	check(t, drive.Approve(t.Context(), p.agent, r, scan))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	wantCode(t, err, "wrong-state")
}

func TestReviewLogInWhenTheRegistryWordIsOld(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p := newParty(t, 1, app.Options{Now: clock.Now})
	p.bound(t, "acct-0001")
	clock.Add(25 * time.Hour)
	p.system.Now = clock.Now
	r, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "login"})
	check(t, err)
	defer r.Page.Close()
	check(t, drive.Confirm(t.Context(), p.agent, r))
}
