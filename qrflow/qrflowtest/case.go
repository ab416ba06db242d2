package qrflowtest

import (
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// Case is a ticket that was played up to some state, with what its actors
// hold.
type Case struct {
	qrflow.Opened
	Purpose string
	View    qrflow.View // of the first attach
	Scan    qrflow.Scan
	Phone   *Phone
	Claim   qrflow.Claim
	Match   string
	Request qrflow.ApproveRequest
	Code    string
}

// Play takes a new ticket up to a state: by the shortest way, by the person the
// ticket expects.
func (w *World) Play(t testing.TB, purpose string, to qrflow.State) *Case {
	t.Helper()
	c := &Case{Opened: w.Open(t, purpose), Purpose: purpose, Phone: NewPhone(t, "us_1", "dv_1")}
	for _, step := range w.way(t, c, to) {
		step()
	}
	if row := w.Row(t, c.Ticket); row.StateAt(w.Now()) != to {
		t.Fatalf("played to %s, not to %s", row.StateAt(w.Now()), to)
	}
	return c
}

// way lists what must happen before a ticket is in a state.
func (w *World) way(t testing.TB, c *Case, to qrflow.State) []func() {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("on the way to %s: %v", to, err)
		}
	}
	open := func() { c.View = w.Attach(t, c.Opened); c.Scan = w.Scan(t, c.Ticket) }
	claim := func() {
		var err error
		c.Claim, err = w.Service.Claim(ctx, c.Phone.Claimant, c.Scan)
		must(err)
		c.Match = w.Match(t, c.Ticket)
		c.Request = c.Phone.Approval(t, c.Claim, c.Match)
	}
	approve := func() {
		_, err := w.Service.Approve(ctx, c.Phone.Claimant, c.Request)
		must(err)
		if c.Purpose != statement.Stamp {
			c.Code = w.Code(t, c.Ticket)
		}
	}
	sign := func() { must(w.Advance(t, c.Ticket, qrflow.Progress{To: qrflow.Signing})) }
	finish := func() {
		if c.Purpose == statement.Stamp {
			sign()
			must(w.Advance(t, c.Ticket, qrflow.Progress{To: qrflow.Done}))
			c.Code = w.Code(t, c.Ticket)
			return
		}
		_, err := w.Service.Redeem(ctx, App, c.Ticket, c.Code, []byte(Verifier))
		must(err)
	}
	end := map[qrflow.State]func(){
		qrflow.Rejected:  func() { must(w.Service.Reject(ctx, c.Phone.Claimant, c.Claim.ID)) },
		qrflow.Blocked:   func() { must(w.Service.Report(ctx, c.Phone.Claimant, c.Claim.ID)) },
		qrflow.Cancelled: func() { must(w.Service.Cancel(ctx, c.Ticket)) },
		qrflow.Expired:   func() { w.Step(w.Row(t, c.Ticket).Deadline.Sub(w.Now())) },
		qrflow.Failed:    func() { must(w.fail(t, c)) },
		qrflow.Signing:   sign, qrflow.Done: finish,
	}[to]
	switch to {
	case qrflow.Issued:
		return nil
	case qrflow.Open:
		return []func(){open}
	case qrflow.Claimed:
		return []func(){open, claim}
	case qrflow.Rejected, qrflow.Blocked, qrflow.Cancelled, qrflow.Expired:
		return []func(){open, claim, end}
	case qrflow.Approved:
		return []func(){open, claim, approve}
	default:
		return []func(){open, claim, approve, end}
	}
}

// fail ends an approved ticket without its effect.
func (w *World) fail(t testing.TB, c *Case) error {
	t.Helper()
	if c.Purpose == statement.Stamp {
		return w.Advance(t, c.Ticket, qrflow.Progress{To: qrflow.Failed, Reason: "signer-refused"})
	}
	_, _ = w.Service.Redeem(t.Context(), "app_2", c.Ticket, c.Code, nil)
	return nil
}
