package qrflowtest

import (
	"slices"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// call is one thing an actor can do to a ticket, in whatever state it is.
type call struct {
	name string
	from []qrflow.State // where it succeeds
	to   qrflow.State   // where it leads; empty: nowhere else
	do   func(testing.TB, *World, *Case) error
}

// calls lists all of them, written down from protocol.md §2.2 and DESIGN.md and
// not from the code.
func calls() []call {
	live := []qrflow.State{qrflow.Issued, qrflow.Open, qrflow.Claimed}
	return []call{
		{"attach", []qrflow.State{qrflow.Issued}, qrflow.Open, func(t testing.TB, w *World, c *Case) error {
			_, err := w.Service.Attach(t.Context(), c.PageToken, false, Origin)
			return err
		}},
		{"frame", []qrflow.State{qrflow.Open}, "", func(t testing.TB, w *World, c *Case) error {
			_, _, _, err := w.Service.Frame(t.Context(), c.Ticket)
			return err
		}},
		{"claim", []qrflow.State{qrflow.Open}, qrflow.Claimed, func(t testing.TB, w *World, c *Case) error {
			_, err := w.Service.Claim(t.Context(), NewPhone(t, "us_1", "dv_other").Claimant, c.Scan)
			return err
		}},
		{"claim again", []qrflow.State{qrflow.Open, qrflow.Claimed}, qrflow.Claimed, func(t testing.TB, w *World, c *Case) error {
			_, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan)
			return err
		}},
		{"approve", []qrflow.State{qrflow.Claimed, qrflow.Approved, qrflow.Signing}, "", func(t testing.TB, w *World, c *Case) error {
			_, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request)
			return err
		}},
		{"reject", []qrflow.State{qrflow.Claimed}, qrflow.Rejected, func(t testing.TB, w *World, c *Case) error {
			return w.Service.Reject(t.Context(), c.Phone.Claimant, c.Claim.ID)
		}},
		{"report", []qrflow.State{qrflow.Claimed, qrflow.Approved, qrflow.Signing, qrflow.Done, qrflow.Blocked}, "", func(t testing.TB, w *World, c *Case) error {
			return w.Service.Report(t.Context(), c.Phone.Claimant, c.Claim.ID)
		}},
		{"cancel", live, qrflow.Cancelled, func(t testing.TB, w *World, c *Case) error {
			return w.Service.Cancel(t.Context(), c.Ticket)
		}},
		{"withdraw", live, qrflow.Cancelled, func(t testing.TB, w *World, c *Case) error {
			return w.Service.Withdraw(t.Context(), App, c.Ticket)
		}},
		{"sign", []qrflow.State{qrflow.Approved, qrflow.Signing}, qrflow.Signing, advance(qrflow.Signing)},
		{"finish", []qrflow.State{qrflow.Signing}, qrflow.Done, advance(qrflow.Done)},
		{"fail", []qrflow.State{qrflow.Approved, qrflow.Signing}, qrflow.Failed, advance(qrflow.Failed)},
		{"advance to nowhere", nil, "", advance(qrflow.Open)},
		{"sweep", qrflow.States(), "", func(t testing.TB, w *World, _ *Case) error {
			_, err := w.Service.Sweep(t.Context())
			return err
		}},
		{"redeem", []qrflow.State{qrflow.Done}, "", func(t testing.TB, w *World, c *Case) error {
			return w.redeem(t, App, c, c.Code, Verifier)
		}},
	}
}

func advance(to qrflow.State) func(testing.TB, *World, *Case) error {
	return func(t testing.TB, w *World, c *Case) error {
		return w.Advance(t, c.Ticket, qrflow.Progress{To: to, Reason: "test"})
	}
}

// testAT038Matrix makes every call in every state: only what the table allows
// succeeds, and everything else leaves the ticket as it was (AT-038).
func testAT038Matrix(t testing.TB, open Opener) {
	for _, state := range qrflow.States() {
		for _, call := range calls() {
			within(t, call.name+" in "+string(state), func(t testing.TB) {
				w := NewWorld(t, open)
				c := w.Play(t, statement.Stamp, state)
				events := len(w.Rows(t, c.Ticket))
				err := call.do(t, w, c)
				w.checkCall(t, c, call, state, events, err)
			})
		}
	}
}

// within is a test of its own where that can be, so that its world ends with it.
func within(t testing.TB, name string, do func(testing.TB)) {
	if parent, ok := t.(*testing.T); ok {
		parent.Run(name, func(t *testing.T) { do(t) })
		return
	}
	do(t)
}

func (w *World) checkCall(t testing.TB, c *Case, call call, state qrflow.State, events int, err error) {
	t.Helper()
	want, allowed := state, slices.Contains(call.from, state)
	switch {
	case allowed && call.to != "":
		want = call.to
	case allowed && call.name == "approve" && state == qrflow.Claimed:
		want = qrflow.Approved
	case allowed && call.name == "report" && state == qrflow.Claimed:
		want = qrflow.Blocked
	case allowed && call.name == "report" && state == qrflow.Approved:
		want = qrflow.Failed
	}
	row := w.Row(t, c.Ticket)
	if (err == nil) != allowed || row.StateAt(w.Now()) != want {
		t.Errorf("%s in %s: now %s, %v", call.name, state, row.StateAt(w.Now()), err)
	}
	grown := len(w.Rows(t, c.Ticket)) - events
	changed := want != state || call.name == "sign" && allowed || call.name == "sweep" && state == qrflow.Expired
	if (grown == 1) != changed || grown > 1 {
		t.Errorf("%s in %s: %d events", call.name, state, grown)
	}
	told := w.Desk.HowEnded(c.Ticket)
	if ended := !want.Live() && want != qrflow.Done && row.State == want; (told == want) != ended {
		t.Errorf("%s in %s: the purpose was told %q", call.name, state, told)
	}
}
