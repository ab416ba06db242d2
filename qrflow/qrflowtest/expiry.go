package qrflowtest

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// testAT028Unwritten: at its deadline, to the millisecond, a live ticket is dead for
// everybody, written or not (AT-027, AT-028); the sweeper only writes it down.
func testAT028Unwritten(t testing.TB, open Opener) {
	for _, state := range []qrflow.State{qrflow.Issued, qrflow.Open, qrflow.Claimed, qrflow.Approved} {
		w := NewWorld(t, open)
		c := w.Play(t, statement.Stamp, state)
		row := w.Row(t, c.Ticket)
		w.Step(row.Deadline.Sub(w.Now()) - time.Millisecond)
		if st, err := w.Service.Status(t.Context(), App, c.Ticket); err != nil || st.State != state || st.Left != time.Millisecond {
			t.Errorf("%s, a millisecond before: %+v, %v", state, st, err)
		}
		if n, err := w.Service.Sweep(t.Context()); n != 0 || err != nil {
			t.Errorf("%s: swept %d too early, %v", state, n, err)
		}
		w.Step(time.Millisecond)
		if st, err := w.Service.Status(t.Context(), App, c.Ticket); err != nil || st.State != qrflow.Expired {
			t.Errorf("%s, unwritten: %+v, %v", state, st, err)
		}
		w.checkDead(t, c, state)
		if got := w.Row(t, c.Ticket); got.State != state {
			t.Errorf("%s: a refusal wrote %s", state, got.State)
		}
		if n, err := w.Service.Sweep(t.Context()); n != 1 || err != nil {
			t.Errorf("%s: swept %d, %v", state, n, err)
		}
		w.checkDead(t, c, qrflow.Expired)
		if w.Row(t, c.Ticket).State != qrflow.Expired || w.Desk.HowEnded(c.Ticket) != qrflow.Expired {
			t.Errorf("%s: the sweeper did not end it", state)
		}
	}
}

// checkDead tries everything on a ticket whose deadline in that state passed.
func (w *World) checkDead(t testing.TB, c *Case, state qrflow.State) {
	t.Helper()
	ctx := t.Context()
	_, _, _, frame := w.Service.Frame(ctx, c.Ticket)
	tries := map[string]error{
		"frame": frame, "cancel": w.Service.Cancel(ctx, c.Ticket), "withdraw": w.Service.Withdraw(ctx, App, c.Ticket),
		"sign": w.Advance(t, c.Ticket, qrflow.Progress{To: qrflow.Signing}),
	}
	if c.Phone != nil && c.Claim.ID != "" {
		_, tries["approve"] = w.Service.Approve(ctx, c.Phone.Claimant, c.Request)
		tries["reject"] = w.Service.Reject(ctx, c.Phone.Claimant, c.Claim.ID)
		tries["report"] = w.Service.Report(ctx, c.Phone.Claimant, c.Claim.ID)
	}
	for call, err := range tries {
		if !errors.Is(err, fault.Expired) {
			t.Errorf("%s after the deadline of %s: %v", call, state, err)
		}
	}
}

// testExpiryIsSeen: a page that asks is told, without any sweeper.
func testExpiryIsSeen(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	before, err := w.Service.LastSeqs(t.Context(), []string{c.Ticket, "tk_unknown"})
	if err != nil || len(before) != 1 || before[c.Ticket].Seq != 3 {
		t.Fatalf("%v, %v", before, err)
	}
	w.Step(w.Row(t, c.Ticket).Deadline.Sub(w.Now()))
	after, err := w.Service.LastSeqs(t.Context(), []string{c.Ticket})
	if err != nil || after[c.Ticket].Seq != 4 {
		t.Errorf("the re-check shows nothing new: %v, %v", after, err)
	}
	list, err := w.Service.Events(t.Context(), c.Ticket, 3)
	if err != nil || len(list) != 1 || list[0].State != qrflow.Expired {
		t.Errorf("%+v, %v", list, err)
	}
	v, err := w.Service.Snapshot(t.Context(), c.Ticket)
	if err != nil || v.State != qrflow.Expired || v.Current.Match != "" {
		t.Errorf("%+v, %v", v, err)
	}
}

// testSigningStays: signing has no deadline; a signer may finish it tomorrow.
func testSigningStays(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Signing)
	w.Step(24 * time.Hour)
	if n, err := w.Service.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if err := w.Advance(t, c.Ticket, qrflow.Progress{To: qrflow.Signing, Made: 1}); err != nil {
		t.Error(err)
	}
	if err := w.Advance(t, c.Ticket, qrflow.Progress{To: qrflow.Done}); err != nil {
		t.Error(err)
	}
	w.checkEvents(t, c.Ticket, []string{"issued", "open", "claimed", "approved", "signing", "signing", "done"})
}

// testSweepGoesOn: one ticket that its purpose cannot end does not keep the
// others.
func testSweepGoesOn(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	stuck, good := w.Open(t, statement.Bind), w.Open(t, statement.Bind)
	broken := errors.New("cannot end")
	w.Desk.OnEnded = func(tk qrflow.Ticket) error {
		if tk.ID == stuck.Ticket {
			return broken
		}
		return nil
	}
	w.Step(time.Hour)
	if n, err := w.Service.Sweep(t.Context()); n != 1 || !errors.Is(err, broken) {
		t.Errorf("swept %d, %v", n, err)
	}
	if w.Row(t, good.Ticket).State != qrflow.Expired || w.Row(t, stuck.Ticket).State != qrflow.Issued {
		t.Error("the wrong ticket was ended")
	}
}

// testDecideTimes: how long the person has depends on purpose and documents,
// and the whole of a request, from its issue on, is never more than ten minutes.
func testDecideTimes(t testing.TB, open Opener) {
	for name, c := range map[string]struct {
		purpose   string
		documents int
		open      time.Duration // 0: the default
		want      time.Duration
	}{
		"login":                  {statement.Login, 0, 0, 90 * time.Second},
		"bind":                   {statement.Bind, 0, 0, 180 * time.Second},
		"one document":           {statement.Stamp, 1, 0, 300 * time.Second},
		"ten":                    {statement.Stamp, 10, 0, 300 * time.Second},
		"eleven":                 {statement.Stamp, 11, 0, 310 * time.Second},
		"twenty-eight":           {statement.Stamp, 28, 0, 480 * time.Second},
		"five hundred":           {statement.Stamp, 500, 0, 480 * time.Second},
		"open longer":            {statement.Stamp, 28, 5 * time.Minute, 300 * time.Second},
		"open longer, a log-in":  {statement.Login, 0, 550 * time.Second, 50 * time.Second},
		"open longer, few pages": {statement.Stamp, 1, 250 * time.Second, 300 * time.Second},
	} {
		w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.Open = c.open })
		r := Request(c.purpose)
		r.Documents = c.documents
		o, err := w.Service.Open(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		w.Attach(t, o)
		claim, err := w.Service.Claim(t.Context(), NewPhone(t, "us_1", "dv_1").Claimant, w.Scan(t, o.Ticket))
		if err != nil || claim.Left != c.want || claim.Documents != c.documents {
			t.Errorf("%s: %v, %v", name, claim.Left, err)
		}
	}
}

// testAT027NodeClocks: the clocks of two nodes are ten minutes off, in either
// direction. Frames, tokens and approvals live by the store's time on both, and
// end at the same instant.
func testAT027NodeClocks(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	nodes := []*qrflow.Service{w.Service}
	for _, off := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		w.Deps.Now = func() time.Time { return w.Clock.Now().Add(off) }
		nodes = append(nodes, w.Node(t))
	}
	for i, node := range nodes {
		w.Service = node
		c := w.Play(t, statement.Stamp, qrflow.Claimed)
		w.Step(w.Row(t, c.Ticket).Deadline.Sub(w.Clock.Now()) - time.Millisecond)
		if r, err := nodes[(i+1)%3].Approve(t.Context(), c.Phone.Claimant, c.Request); err != nil || r.State != qrflow.Approved {
			t.Errorf("node %d, a millisecond before: %+v, %v", i, r, err)
		}
		late := w.Play(t, statement.Stamp, qrflow.Claimed)
		w.Step(w.Row(t, late.Ticket).Deadline.Sub(w.Clock.Now()))
		for j, other := range nodes {
			if _, err := other.Approve(t.Context(), late.Phone.Claimant, late.Request); !errors.Is(err, fault.Expired) {
				t.Errorf("made on node %d, approved on node %d: %v", i, j, err)
			}
		}
	}
}

// testAT067AnyNode: a page on one node, its claim on another, and a third that was
// started in between: number and state are the same on all.
func testAT067AnyNode(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Open)
	pages := []*qrflow.Service{w.Service, w.Node(t)}
	claim, err := pages[1].Claim(t.Context(), c.Phone.Claimant, c.Scan)
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, w.Node(t)) // it has missed everything
	match := w.Match(t, c.Ticket)
	for i, node := range pages {
		v, err := node.Snapshot(t.Context(), c.Ticket)
		if err != nil || v.State != qrflow.Claimed || v.Current.Match != match || v.LastSeq != 3 {
			t.Errorf("node %d: %+v, %v", i, v, err)
		}
		list, err := node.Events(t.Context(), c.Ticket, 2)
		if err != nil || len(list) != 1 || list[0].Match != match {
			t.Errorf("node %d: %+v, %v", i, list, err)
		}
		again, err := node.Attach(t.Context(), c.View.Resume, true, Origin)
		if err != nil || again.Current.Match != match {
			t.Errorf("node %d: a page that comes back: %+v, %v", i, again, err)
		}
	}
	if _, err := pages[2].Approve(t.Context(), c.Phone.Claimant, c.Phone.Approval(t, claim, match)); err != nil {
		t.Errorf("approved on the third: %v", err)
	}
}
