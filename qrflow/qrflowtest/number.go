package qrflowtest

import (
	"errors"
	"testing"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// testAT018WrongNumber: once leaves one try, twice blocks.
func testAT018WrongNumber(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	wrong := c.Phone.Approval(t, c.Claim, Other(c.Match))
	_, err := w.Service.Approve(t.Context(), c.Phone.Claimant, wrong)
	if !errors.Is(err, fault.MatchWrong) || fault.From(err).Fields["tries_left"] != 1 {
		t.Fatalf("first wrong number: %v", err)
	}
	if match := w.Match(t, c.Ticket); match != c.Match {
		t.Errorf("the page shows %s now, not %s", match, c.Match)
	}
	_, err = w.Service.Approve(t.Context(), c.Phone.Claimant, wrong)
	if !errors.Is(err, fault.Blocked) {
		t.Fatalf("second wrong number: %v", err)
	}
	if w.Desk.HowEnded(c.Ticket) != qrflow.Blocked {
		t.Error("the purpose was not told")
	}
	list, err := w.Service.Events(t.Context(), c.Ticket, 3)
	if err != nil || len(list) != 2 || list[0].TriesLeft != 1 || list[1].State != qrflow.Blocked {
		t.Errorf("events: %+v, %v", list, err)
	}
}

// testRightAfterWrong: one wrong number costs a try and nothing else.
func testRightAfterWrong(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Bind, qrflow.Claimed)
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Phone.Approval(t, c.Claim, Other(c.Match))); !errors.Is(err, fault.MatchWrong) {
		t.Fatal(err)
	}
	r, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request)
	if err != nil || r.State != qrflow.Approved {
		t.Fatalf("%+v, %v", r, err)
	}
	w.checkEvents(t, c.Ticket, []string{"issued", "open", "claimed", "match_wrong", "approved"})
}

// testNumberIsForTheLivePage: nobody but the page of a claimed ticket is shown
// number and claimant, and the claimant only masked (AT-019).
func testNumberIsForTheLivePage(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	list, err := w.Service.Events(t.Context(), c.Ticket, 0)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	if e := list[2]; e.Who != "张*（尾号 34 的手机）" || e.Match != c.Match || e.Left <= 0 {
		t.Errorf("the page is told %+v", e)
	}
	if list[0].Match != "" || list[1].Match != "" {
		t.Error("a number on an earlier event")
	}
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request); err != nil {
		t.Fatal(err)
	}
	if list, err = w.Service.Events(t.Context(), c.Ticket, 0); err != nil || list[2].Match != "" || list[2].Who != "" {
		t.Errorf("after the approval the page is told %+v, %v", list[2], err)
	}
}

// testReport: "I did not start this" blocks and raises the alarm.
func testReport(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Login, qrflow.Blocked)
	if n := w.Audited(t, c.Ticket)[audit.Alarm]; n != 1 {
		t.Errorf("%d alarms", n)
	}
	if list, err := w.Service.Events(t.Context(), c.Ticket, 3); err != nil || list[0].Reason != "not-started-by-me" {
		t.Errorf("%+v, %v", list, err)
	}
}

// testReportOfAnApproval: what was got out of the person by a trick is his to take
// back, from any of his devices, as long as nothing is signed, and his result
// is nobody's in any case (AT-003, second half).
func testReportOfAnApproval(t testing.TB, open Opener) {
	for _, purpose := range []string{statement.Login, statement.Stamp} {
		for _, state := range []qrflow.State{qrflow.Approved, qrflow.Signing, qrflow.Done} {
			if purpose == statement.Login && state == qrflow.Signing {
				continue
			}
			w := NewWorld(t, open)
			c := w.Play(t, purpose, state)
			other := NewPhone(t, "us_1", "dv_other").Claimant
			for name, who := range map[string]qrflow.Claimant{"stranger": NewPhone(t, "us_2", "dv_1").Claimant, "nobody": {}} {
				if err := w.Service.Report(t.Context(), who, c.Claim.ID); !errors.Is(err, fault.TicketUnavailable) {
					t.Errorf("%s %s by %s: %v", purpose, state, name, err)
				}
			}
			for range 2 { // again is no error, and no second alarm
				if err := w.Service.Report(t.Context(), other, c.Claim.ID); err != nil {
					t.Errorf("%s %s: %v", purpose, state, err)
				}
			}
			want := state
			if state == qrflow.Approved {
				want = qrflow.Failed
			}
			st, err := w.Service.Status(t.Context(), App, c.Ticket)
			if err != nil || st.State != want || !st.Killed {
				t.Errorf("%s %s: %+v, %v", purpose, state, st, err)
			}
			if n := w.Audited(t, c.Ticket)[audit.Alarm]; n != 1 {
				t.Errorf("%s %s: %d alarms", purpose, state, n)
			}
			if err := w.redeem(t, App, c, c.Code, Verifier); !errors.Is(err, fault.TicketUnavailable) {
				t.Errorf("%s %s: the result was handed out: %v", purpose, state, err)
			}
		}
	}
}

// testAT007Strangers: wrong persons change nothing but a count; the third ends the
// ticket (AT-004, AT-007, AT-019).
func testAT007Strangers(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	w.Desk.OnHead = Strange("us_1")
	for purpose, person := range map[string]string{statement.Bind: "us_1", statement.Login: ""} {
		r := Request(purpose)
		r.Subject.Person = person // by qrflow itself, or left to the purpose
		o, err := w.Service.Open(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		w.Attach(t, o)
		scan := w.Scan(t, o.Ticket)
		thief := NewPhone(t, "us_9", "dv_9")
		for i := range 3 {
			if state := w.Row(t, o.Ticket).State; state != qrflow.Open {
				t.Fatalf("after %d strangers: %s", i, state)
			}
			if _, err := w.Service.Claim(t.Context(), thief.Claimant, scan); !errors.Is(err, fault.Subject) {
				t.Fatalf("a stranger's claim: %v", err)
			}
		}
		if state := w.Row(t, o.Ticket).State; state != qrflow.Blocked {
			t.Errorf("after 3 strangers: %s", state)
		}
		w.checkEvents(t, o.Ticket, []string{"issued", "open", "wrong_subject", "wrong_subject", "blocked"})
	}
}

// testRightAfterStranger: the person who is meant still can after a stranger.
func testRightAfterStranger(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Open)
	if _, err := w.Service.Claim(t.Context(), NewPhone(t, "us_9", "dv_9").Claimant, c.Scan); !errors.Is(err, fault.Subject) {
		t.Fatal(err)
	}
	if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan); err != nil {
		t.Errorf("the right person: %v", err)
	}
}

// testAT007RefusedHead: what the purpose refuses leaves the ticket open, with the
// refusal on record.
func testAT007RefusedHead(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Open)
	w.Desk.OnHead = func(*qrflow.Ticket, qrflow.Claimant) error { return fault.DelegationNone }
	if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan); !errors.Is(err, fault.DelegationNone) {
		t.Fatal(err)
	}
	row, records := w.Row(t, c.Ticket), w.Audited(t, c.Ticket)
	if row.State != qrflow.Open || row.Person != "" || row.Strangers != 0 || records[audit.Refused] != 1 {
		t.Errorf("state %s, person %q, %d strangers, records %v", row.State, row.Person, row.Strangers, records)
	}
}
