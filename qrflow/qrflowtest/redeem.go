package qrflowtest

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// redeem redeems as an application with a verifier.
func (w *World) redeem(t testing.TB, app string, c *Case, code, verifier string) error {
	t.Helper()
	_, err := w.Service.Redeem(t.Context(), app, c.Ticket, code, []byte(verifier))
	return err
}

// testAT041Repeats: with the same verifier for a day; nothing happens twice.
func testAT041Repeats(t testing.TB, open Opener) {
	for _, purpose := range []string{statement.Login, statement.Stamp} {
		w := NewWorld(t, open)
		c := w.Play(t, purpose, qrflow.Done)
		if purpose == statement.Stamp {
			if err := w.redeem(t, App, c, c.Code, Verifier); err != nil {
				t.Fatal(err)
			}
		}
		w.Step(24*time.Hour - time.Millisecond)
		r, err := w.Service.Redeem(t.Context(), App, c.Ticket, c.Code, []byte(Verifier))
		if err != nil || !r.Repeated {
			t.Errorf("%s, a day later: %v, %v", purpose, r.Repeated, err)
		}
		w.Step(time.Millisecond)
		if err := w.redeem(t, App, c, c.Code, Verifier); !errors.Is(err, fault.Expired) {
			t.Errorf("%s, after a day: %v", purpose, err)
		}
	}
}

// testRedeemTooLate: a code that was not redeemed within a minute is dead, also
// that of stamps that were made.
func testRedeemTooLate(t testing.TB, open Opener) {
	for purpose, state := range map[string]qrflow.State{statement.Login: qrflow.Approved, statement.Bind: qrflow.Approved, statement.Stamp: qrflow.Done} {
		w := NewWorld(t, open)
		c := w.Play(t, purpose, state)
		w.Step(60 * time.Second)
		if err := w.redeem(t, App, c, c.Code, Verifier); !errors.Is(err, fault.Expired) {
			t.Errorf("%s: %v", purpose, err)
		}
		if v, err := w.Service.Snapshot(t.Context(), c.Ticket); err != nil || v.Current.ResultCode != "" {
			t.Errorf("%s: the page is shown %+v, %v", purpose, v.Current, err)
		}
	}
}

// testAT015CaughtCode: a genuine code with another verifier, or from another
// application, kills the result for everybody and raises the alarm.
func testAT015CaughtCode(t testing.TB, open Opener) {
	for name, c := range map[string]struct {
		purpose       string
		state         qrflow.State
		app, verifier string
		want          error
		after         qrflow.State
	}{
		"login, other verifier":    {statement.Login, qrflow.Approved, App, "another session's verifier", fault.VerifierWrong, qrflow.Failed},
		"login, no verifier":       {statement.Login, qrflow.Approved, App, "", fault.VerifierWrong, qrflow.Failed},
		"bind, other application":  {statement.Bind, qrflow.Approved, "app_2", Verifier, fault.TicketUnavailable, qrflow.Failed},
		"login, redeemed before":   {statement.Login, qrflow.Done, App, "x", fault.VerifierWrong, qrflow.Done},
		"stamp, other verifier":    {statement.Stamp, qrflow.Done, App, "x", fault.VerifierWrong, qrflow.Done},
		"stamp, other application": {statement.Stamp, qrflow.Done, "app_2", Verifier, fault.TicketUnavailable, qrflow.Done},
	} {
		w := NewWorld(t, open)
		p := w.Play(t, c.purpose, c.state)
		if err := w.redeem(t, c.app, p, p.Code, c.verifier); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.redeem(t, App, p, p.Code, Verifier); !errors.Is(err, fault.TicketUnavailable) {
			t.Errorf("%s: the owner afterwards: %v", name, err)
		}
		row := w.Row(t, p.Ticket)
		if !row.Killed || row.State != c.after || w.Audited(t, p.Ticket)[audit.Alarm] != 1 {
			t.Errorf("%s: killed %v, %s, records %v", name, row.Killed, row.State, w.Audited(t, p.Ticket))
		}
		if (w.Desk.HowEnded(p.Ticket) == qrflow.Failed) != (c.after == qrflow.Failed) {
			t.Errorf("%s: the purpose was told %q", name, w.Desk.HowEnded(p.Ticket))
		}
	}
}

// testRedeemGuessed: without the code nobody learns or destroys anything.
func testRedeemGuessed(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.OpenTickets = 100 })
	c, other := w.Play(t, statement.Login, qrflow.Approved), w.Play(t, statement.Login, qrflow.Approved)
	for name, code := range map[string]string{"none": "", "other ticket's": other.Code, "cut": c.Code[:len(c.Code)-1]} {
		for _, app := range []string{App, "app_2"} {
			if err := w.redeem(t, app, c, code, "x"); !errors.Is(err, fault.TicketUnavailable) {
				t.Errorf("%s code as %s: %v", name, app, err)
			}
		}
	}
	if err := w.redeem(t, App, &Case{Opened: qrflow.Opened{Ticket: "tk_none"}}, c.Code, Verifier); !errors.Is(err, fault.TicketUnavailable) {
		t.Errorf("unknown ticket: %v", err)
	}
	if err := w.redeem(t, App, c, c.Code, Verifier); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// testAT040Foreign: another application and another device get the same answer as
// for what does not exist.
func testAT040Foreign(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	ctx := t.Context()
	for _, ticket := range []string{c.Ticket, "tk_none", ""} {
		if _, err := w.Service.Status(ctx, "app_2", ticket); fault.CodeOf(err) != fault.TicketUnavailable.Code {
			t.Errorf("status of %q: %v", ticket, err)
		}
		if err := w.Service.Withdraw(ctx, "app_2", ticket); fault.CodeOf(err) != fault.TicketUnavailable.Code {
			t.Errorf("withdraw %q: %v", ticket, err)
		}
	}
	strangers := []qrflow.Claimant{NewPhone(t, "us_1", "dv_2").Claimant, NewPhone(t, "us_2", "dv_1").Claimant, {}}
	for _, who := range strangers {
		for _, claim := range []string{c.Claim.ID, "cl_none", "", c.Ticket} {
			r := c.Request
			r.Claim = claim
			_, approve := w.Service.Approve(ctx, who, r)
			_, held := w.Held(t, who, claim)
			for call, err := range map[string]error{
				"approve": approve, "held": held,
				"reject": w.Service.Reject(ctx, who, claim), "report": w.Service.Report(ctx, who, claim),
			} {
				if !errors.Is(err, fault.TicketUnavailable) {
					t.Errorf("%s of %q by %s/%s: %v", call, claim, who.Person, who.Device, err)
				}
			}
		}
	}
	if w.Row(t, c.Ticket).State != qrflow.Claimed {
		t.Error("a stranger moved the ticket")
	}
}

// testCodeIsShownWhileDue: the page is shown the result code from its making to
// its redeem, and never after it was caught.
func testCodeIsShownWhileDue(t testing.TB, open Opener) {
	for name, end := range map[string]func(*World, *Case) error{
		"redeemed": func(w *World, c *Case) error { return w.redeem(t, App, c, c.Code, Verifier) },
		"caught":   func(w *World, c *Case) error { return w.redeem(t, App, c, c.Code, "x") },
	} {
		for purpose, state := range map[string]qrflow.State{statement.Login: qrflow.Approved, statement.Stamp: qrflow.Done} {
			w := NewWorld(t, open)
			c := w.Play(t, purpose, state)
			shown := func() (n int) {
				list, err := w.Service.Events(t.Context(), c.Ticket, 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range list {
					if e.ResultCode != "" && e.ResultFor > 0 {
						n++
					}
				}
				return n
			}
			before := shown()
			_ = end(w, c)
			if after := shown(); before != 1 || after != 0 {
				t.Errorf("%s %s: on %d events before, on %d after", purpose, name, before, after)
			}
		}
	}
}

// testNothingToMake: log-in and bind have no progress to report.
func testNothingToMake(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Login, qrflow.Approved)
	for _, to := range []qrflow.State{qrflow.Signing, qrflow.Failed} {
		if err := w.Advance(t, c.Ticket, qrflow.Progress{To: to}); !errors.Is(err, fault.WrongState) {
			t.Errorf("advance to %s: %v", to, err)
		}
	}
}
