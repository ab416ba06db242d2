package app_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"yunzhang.dev/authz/notify"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// told waits until a phone has received a text; the node sends within a second.
func (p *party) told(t *testing.T, phone string, template notify.Template) notify.Sent {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		sent := p.app.Messages(phone)
		if i := slices.IndexFunc(sent, func(m notify.Sent) bool { return m.Template == template }); i >= 0 {
			return sent[i]
		}
		if deadline.Err() != nil {
			t.Fatalf("%s was never told of %s", phone, template)
		}
		pauseFor(deadline, 50*time.Millisecond)
	}
}

// A phone that nothing reaches is tried again, and the others get no second copy.
func TestOneWhomNobodyReachesCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p := newParty(t, 5, app.Options{Now: clock.Now})
	legal, agent := drive.Company().Legal.Phone, drive.Agent().Phone
	p.app.LoseMessages(legal)
	r, _ := p.ask(t, p.system, "rep1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	_, err = p.agent.Report(t.Context(), scan, "没有打开过这个页面")
	check(t, err)
	p.told(t, agent, notify.Reported)
	p.app.LoseMessages("")
	clock.Add(time.Minute)
	p.told(t, legal, notify.Reported)
	for _, phone := range []string{legal, agent} {
		n := 0
		for _, m := range p.app.Messages(phone) {
			if m.Template == notify.Reported {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s was told %d times", phone, n)
		}
	}
}

// "I did not start this" on the phone that has scanned.
func TestReportBlocksAndTellsEverybody(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, doc := p.ask(t, p.system, "rep1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	state, err := p.agent.Report(t.Context(), scan, "没有打开过这个页面")
	check(t, err)
	if state != "blocked" {
		t.Errorf("it is %s", state)
	}
	m, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "ended" })
	check(t, err)
	if m.State != "blocked" || m.Reason != "not-started-by-me" {
		t.Errorf("the page was told %+v", m)
	}
	wantCode(t, drive.Approve(t.Context(), p.agent, r, scan), "wrong-state")
	p.untouched(t, p.system, doc, 5)
	for _, phone := range []string{drive.Agent().Phone, drive.Company().Legal.Phone} {
		if m := p.told(t, phone, notify.Reported); m.Params["name"] != "李*" {
			t.Errorf("told %+v", m)
		}
	}
	alarms, err := p.app.Alarms(t.Context())
	check(t, err)
	if len(alarms) != 1 || alarms[0].Object != r.Ticket || alarms[0].Detail != "not-started-by-me" {
		t.Errorf("alarms: %+v", alarms)
	}
}

// What came of a request that was got out of the person ends at once.
func TestReportTakesBackABindingAndALogIn(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, err := p.system.Ask(t.Context(), bindAsk("mallory"))
	check(t, err)
	defer r.Page.Close()
	check(t, drive.Confirm(t.Context(), p.agent, r))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	_, err = p.system.Save(t.Context(), r.Ticket)
	check(t, err)
	login, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "mallory"}})
	check(t, err)
	defer login.Page.Close()
	check(t, drive.Confirm(t.Context(), p.agent, login))
	_, err = p.system.Fetch(t.Context(), login)
	check(t, err)
	for _, phone := range []string{drive.Agent().Phone, drive.Company().Legal.Phone} {
		if m := p.told(t, phone, notify.Bound); m.Params["account"] != "ma***ry" {
			t.Errorf("told %+v", m)
		}
		p.told(t, phone, notify.LoggedIn)
	}

	for _, ticket := range []string{r.Ticket, login.Ticket} {
		if st, err := p.system.Status(t.Context(), ticket); err != nil || st.Revoked {
			t.Errorf("before: %+v, %v", st, err)
		}
		if _, err := p.legal.ReportClaim(t.Context(), ticket, ""); drive.Code(err) != "ticket-unavailable" {
			t.Errorf("reported by another person: %v", err)
		}
		state, err := p.agent.ReportClaim(t.Context(), ticket, "")
		check(t, err)
		if st, err := p.system.Status(t.Context(), ticket); err != nil || state != "done" || !st.Revoked {
			t.Errorf("after: %+v, %v", st, err)
		}
	}
	_, err = p.system.Binding(t.Context(), "mallory")
	wantCode(t, err, "binding")
	_, err = p.system.Redeem(t.Context(), login.Ticket, "rc_x", login.Verifier)
	wantCode(t, err, "ticket-unavailable")
}

// A stamp that is approved and not signed is taken back; who is faster decides,
// and the signer is the one who knows.
func TestReportBeatsTheSignature(t *testing.T) {
	t.Parallel()
	stop := stopAt("intent")
	p := newParty(t, 5, app.Options{Checkpoint: stop.checkpoint})
	t.Cleanup(stop.release)
	r, doc := p.ask(t, p.system, "rep2")
	check(t, drive.Confirm(t.Context(), p.agent, r))
	stop.wait(t)
	state, err := p.agent.ReportClaim(t.Context(), r.Ticket, "")
	check(t, err)
	if state != "failed" {
		t.Errorf("it is %s", state)
	}
	stop.release()
	p.settledAs(t, doc, "ready")
	p.untouched(t, p.system, doc, 5)
}

// settledAs waits until the stamp was refused and its document is free.
func (p *party) settledAs(t *testing.T, doc, state string) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		d, err := p.system.Document(deadline, doc)
		if err == nil && d.State == state {
			return
		}
		if deadline.Err() != nil {
			t.Fatalf("the document is %+v, %v", d, err)
		}
		pauseFor(deadline, 20*time.Millisecond)
	}
}
