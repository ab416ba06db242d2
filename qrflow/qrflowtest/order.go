package qrflowtest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/qrflow"
)

// breach makes an approval fail exactly one check of protocol.md §2.7.
type breach struct {
	check int
	want  error
	do    func(*World, *Case, *qrflow.ApproveRequest)
}

func breaches() []breach {
	return []breach{
		{5, fault.TicketUnavailable, func(_ *World, _ *Case, r *qrflow.ApproveRequest) { r.Claim = "cl_none" }},
		{6, fault.Expired, func(w *World, _ *Case, _ *qrflow.ApproveRequest) { w.Step(300 * time.Second) }},
		{7, fault.StatementChanged, func(_ *World, _ *Case, r *qrflow.ApproveRequest) { r.HeadHash = gm.SM3([]byte("other")) }},
		{8, fault.MatchWrong, func(_ *World, c *Case, r *qrflow.ApproveRequest) { r.Match = Other(c.Match) }},
		{9, fault.Signature, func(_ *World, _ *Case, r *qrflow.ApproveRequest) { r.Sig = append(slices.Clone(r.Sig), 0) }},
		{10, fault.SignatureHW, func(w *World, _ *Case, _ *qrflow.ApproveRequest) {
			w.Desk.OnRecheck = func(qrflow.Ticket, qrflow.Claimant, qrflow.Approval) error { return fault.SignatureHW }
		}},
		{20, fault.DelegationLimit, func(w *World, _ *Case, _ *qrflow.ApproveRequest) {
			w.Desk.OnSettle = func(unit.Tx, *qrflow.Ticket) error { return fault.DelegationLimit }
		}},
	}
}

// testAT038OrderOfChecks: each check fails with its code, and of two that fail the
// earlier one answers (AT-038).
func testAT038OrderOfChecks(t testing.TB, open Opener) {
	all := breaches()
	for i, first := range all {
		for _, second := range all[i:] {
			w := NewWorld(t, open)
			c := w.Play(t, statement.Stamp, qrflow.Claimed)
			r := c.Request
			second.do(w, c, &r)
			if first.check != second.check {
				first.do(w, c, &r)
			}
			if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, r); !errors.Is(err, first.want) {
				t.Errorf("checks %d and %d fail: %v", first.check, second.check, err)
			}
			if len(w.Approved(t, c.Ticket)) != 0 || string(w.Row(t, c.Ticket).Payload) != "payload" {
				t.Errorf("check %d fails, and something was written", first.check)
			}
		}
	}
}

// testAT020BadSignatures: what is not an SM2 signature over exactly these bytes by
// exactly this key is refused, and the ticket can still be approved (AT-020,
// AT-025, AT-039).
func testAT020BadSignatures(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.OpenTickets = 100 })
	c, login := w.Play(t, statement.Stamp, qrflow.Claimed), w.Play(t, statement.Login, qrflow.Claimed)
	stranger := NewPhone(t, "us_1", "dv_9")
	bare := c.Phone.Claimant
	bare.Key = stranger.Key
	sign := func(p *Phone, b []byte) []byte {
		sig, err := p.key.Sign(b)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	head, match := c.Claim.Head, c.Match
	for name, try := range map[string]struct {
		who qrflow.Claimant
		sig []byte
	}{
		"none":                  {c.Phone.Claimant, nil},
		"of another ticket":     {c.Phone.Claimant, login.Request.Sig},
		"over the head":         {c.Phone.Claimant, sign(c.Phone, head)},
		"over another number":   {c.Phone.Claimant, sign(c.Phone, statement.Complete(head, Other(match)))},
		"without the line end":  {c.Phone.Claimant, sign(c.Phone, append(slices.Clone(head), match...))},
		"by another key":        {c.Phone.Claimant, sign(stranger, statement.Complete(head, match))},
		"by a key put in place": {bare, sign(stranger, statement.Complete(head, match))},
	} {
		r := c.Request
		r.Sig = try.sig
		if _, err := w.Service.Approve(t.Context(), try.who, r); !errors.Is(err, fault.Signature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request); err != nil {
		t.Errorf("the genuine one: %v", err)
	}
}

// testAT025Replay: an approval that was used is of no use again: while the result is
// made it gives the same answer, afterwards and elsewhere it is refused.
func testAT025Replay(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Signing)
	again, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request)
	if err != nil || !again.Replayed || again.Statement != w.Row(t, c.Ticket).Statement {
		t.Errorf("while signing: %+v, %v", again, err)
	}
	if err := w.Advance(t, c.Ticket, qrflow.Progress{To: qrflow.Done}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request); !errors.Is(err, fault.WrongState) {
		t.Errorf("after done: %v", err)
	}
	late := w.Play(t, statement.Stamp, qrflow.Claimed)
	w.Step(w.Row(t, late.Ticket).Deadline.Sub(w.Now()))
	if _, err := w.Service.Approve(t.Context(), late.Phone.Claimant, late.Request); !errors.Is(err, fault.Expired) {
		t.Errorf("after its deadline: %v", err)
	}
	next := w.Play(t, statement.Stamp, qrflow.Claimed)
	r := c.Request
	r.Claim = next.Claim.ID
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, r); !errors.Is(err, fault.StatementChanged) {
		t.Errorf("on another ticket: %v", err)
	}
	r.HeadHash, r.Match = next.Claim.HeadHash, next.Match
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, r); !errors.Is(err, fault.Signature) {
		t.Errorf("its signature on another ticket: %v", err)
	}
}

// testWrongHead: a purpose that builds the statement of something else is
// stopped before anybody can sign it.
func testWrongHead(t testing.TB, open Opener) {
	for name, change := range map[string]func(*statement.Approval){
		"other ticket":   func(a *statement.Approval) { a.Ticket = "tk_other" },
		"other nonce":    func(a *statement.Approval) { a.Nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
		"other person":   func(a *statement.Approval) { a.Agent.ID = "us_2" },
		"other device":   func(a *statement.Approval) { a.Device = gm.SM3([]byte("x")) },
		"other app":      func(a *statement.Approval) { a.App.ID = "app_2" },
		"other purpose":  func(a *statement.Approval) { a.Purpose, a.Docs, a.Seals = statement.Login, nil, nil },
		"reject":         func(a *statement.Approval) { a.Decision = statement.Reject },
		"more time":      func(a *statement.Approval) { a.ExpiresAt = a.ExpiresAt.Add(time.Hour) },
		"more documents": func(a *statement.Approval) { a.Docs = append(a.Docs, a.Docs...) },
	} {
		w := NewWorld(t, open)
		c := w.Play(t, statement.Stamp, qrflow.Open)
		w.Service = w.Node(t)
		w.Desk.Change = change
		_, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan)
		if fault.CodeOf(err) != fault.InternalError.Code || w.Row(t, c.Ticket).State != qrflow.Open {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testAT027SlowRecheck: what happens while the purpose rechecks counts: a ticket that
// ends meanwhile, or whose deadline passes, is not approved.
func testAT027SlowRecheck(t testing.TB, open Opener) {
	for name, c := range map[string]struct {
		meanwhile func(*World, *Case) error
		want      error
	}{
		"page cancels":    {func(w *World, c *Case) error { return w.Service.Cancel(t.Context(), c.Ticket) }, fault.WrongState},
		"deadline passes": {func(w *World, _ *Case) error { w.Step(300 * time.Second); return nil }, fault.Expired},
		"device reports": {func(w *World, c *Case) error {
			return w.Service.Report(t.Context(), c.Phone.Claimant, c.Claim.ID)
		}, fault.WrongState},
	} {
		w := NewWorld(t, open)
		p := w.Play(t, statement.Stamp, qrflow.Claimed)
		w.Desk.OnRecheck = func(qrflow.Ticket, qrflow.Claimant, qrflow.Approval) error { return c.meanwhile(w, p) }
		if _, err := w.Service.Approve(t.Context(), p.Phone.Claimant, p.Request); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(w.Approved(t, p.Ticket)); n != 0 {
			t.Errorf("%s: %d approvals", name, n)
		}
	}
}
