package qrflowtest

import (
	"slices"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// testPlayThrough plays each purpose from the request to the redeem, and looks
// at everything that page, application and records are told.
func testPlayThrough(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	for purpose, types := range map[string][]string{
		statement.Login: {"issued", "open", "claimed", "approved", "done"},
		statement.Bind:  {"issued", "open", "claimed", "approved", "done"},
		statement.Stamp: {"issued", "open", "claimed", "approved", "signing", "done"},
	} {
		c := w.Play(t, purpose, qrflow.Done)
		r, err := w.Service.Redeem(t.Context(), App, c.Ticket, c.Code, []byte(Verifier))
		if err != nil {
			t.Fatalf("%s: redeem: %v", purpose, err)
		}
		if string(r.Ticket.Payload) != "payload"+Settled || r.Approval.Person != "us_1" {
			t.Errorf("%s: redeemed %q of %s", purpose, r.Ticket.Payload, r.Approval.Person)
		}
		signed := r.Approval.Signed()
		a, match, err := statement.ParseApproval(signed.Bytes)
		if err != nil || match != c.Match || a.Ticket != c.Ticket || !c.Phone.Key.Verify(signed.Bytes, signed.Sig) {
			t.Errorf("%s: the evidence does not hold: %v", purpose, err)
		}
		w.checkEvents(t, c.Ticket, types)
		st, err := w.Service.Status(t.Context(), App, c.Ticket)
		if err != nil || st.State != qrflow.Done || int(st.LastSeq) != len(types) {
			t.Errorf("%s: status %+v, %v", purpose, st, err)
		}
	}
}

// checkEvents compares events as stored, as delivered and as recorded with what
// must have happened: numbers without a hole, one record for each.
func (w *World) checkEvents(t testing.TB, ticket string, types []string) {
	t.Helper()
	var got []string
	for i, e := range w.Rows(t, ticket) {
		if e.Seq != int64(i+1) {
			t.Errorf("event %d has number %d", i+1, e.Seq)
		}
		got = append(got, e.Type)
	}
	if !slices.Equal(got, types) {
		t.Errorf("events %v, want %v", got, types)
	}
	if row := w.Row(t, ticket); row.Seq != int64(len(types)) {
		t.Errorf("the ticket counts %d events of %d", row.Seq, len(types))
	}
	for after := range types {
		list, err := w.Service.Events(t.Context(), ticket, int64(after))
		if err != nil || len(list) != len(types)-after || list[0].Type != types[after] {
			t.Errorf("events after %d: %+v, %v", after, list, err)
		}
	}
	records := w.Audited(t, ticket)
	count := map[string]int{}
	for _, kind := range types {
		count["ticket."+kind]++
	}
	for action, n := range count {
		if records[action] != n {
			t.Errorf("%d records of %s, want %d", records[action], action, n)
		}
	}
}
