package qrflowtest

import (
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// Bench measures what a node does all day, over a store: a whole ticket with the
// phone's own signature in it, and the two looks that waiting pages cost.
func Bench(b *testing.B, open Opener) {
	many := func(d *qrflow.Deps) { d.Limits.OpenTickets = 1 << 30 }
	b.Run("open to done", func(b *testing.B) {
		w := NewWorld(b, open, many)
		for b.Loop() {
			w.Play(b, statement.Login, qrflow.Done)
		}
	})
	b.Run("frame", func(b *testing.B) {
		w := NewWorld(b, open)
		c := w.Play(b, statement.Login, qrflow.Open)
		for b.Loop() {
			if _, _, _, err := w.Service.Frame(b.Context(), c.Ticket); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("recheck of 1000 pages", func(b *testing.B) {
		w := NewWorld(b, open)
		tickets := make([]string, 1000)
		for i := range tickets {
			tickets[i] = w.Play(b, statement.Login, qrflow.Cancelled).Ticket
		}
		for b.Loop() {
			if seqs, err := w.Service.LastSeqs(b.Context(), tickets); err != nil || len(seqs) != len(tickets) {
				b.Fatal(len(seqs), err)
			}
		}
	})
}
