package cloudseal_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
)

// node makes another service on the world's stores, as a further node is.
func node(w *cloudsealtest.World, name string) *cloudseal.Service {
	w.Node = name
	w.Restart()
	return w.Service
}

// A node dies on the way. Another leaves the ticket alone while the dead one's
// lease lasts, and finishes it after that; the dead one itself, come back under
// its name, need not wait.
func TestDeadNodesWorkIsTakenOver(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"evidence", "journal", "signed", "stored"} {
		for heir, waits := range map[string]bool{"b": true, "a": false} {
			t.Run(point+" taken over by "+heir, func(t *testing.T) {
				t.Parallel()
				w := cloudsealtest.NewWorld(t)
				r := ask(w, "tk_1", w.Seal(), 2)
				w.Begin(r)
				a := node(w, "a")
				die(w, point, 1)
				if died, err := survive(func() error { return a.Stamp(t.Context(), "tk_1") }); !died {
					t.Fatalf("not reached: %v", err)
				}
				w.Checkpoint = nil
				next := node(w, heir)
				if waits {
					if err := next.Stamp(t.Context(), "tk_1"); !errors.Is(err, cloudseal.ErrLeased) {
						t.Errorf("beside a: %v", err)
					}
					if err := next.Recover(t.Context()); err != nil || w.Ending("tk_1").Told != 0 {
						t.Errorf("touched a's work: %v", err)
					}
					w.Clock.Advance(cloudseal.DefaultLimits().Lease)
				}
				if err := next.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				isDone(t, w, r)
			})
		}
	}
}

// A node falls asleep in the middle, another takes over and gets as far as
// holding the lease; the first wakes and may write no end.
func TestOvertakenNodeWritesNoEnd(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	a := node(w, "a")
	w.Checkpoint = func(name string) {
		if name != "stored" {
			return
		}
		w.Clock.Advance(cloudseal.DefaultLimits().Lease)
		die(w, "completed", 1)
		b := node(w, "b")
		if died, err := survive(func() error { return b.Stamp(t.Context(), "tk_1") }); !died {
			t.Errorf("b: %v", err)
		}
		w.Checkpoint = nil
	}
	if err := a.Stamp(t.Context(), "tk_1"); !errors.Is(err, cloudseal.ErrLeased) {
		t.Errorf("a wrote an end: %v", err)
	}
	if w.Ending("tk_1").Told != 0 {
		t.Error("an end was told")
	}
	w.Clock.Advance(cloudseal.DefaultLimits().Lease)
	if err := node(w, "c").RecoverStamps(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
}

// What a dead node left is found behind all that is under way elsewhere, however
// much that is: a batch counts once, and there are more tickets than one look holds.
func TestAbandonedIsFoundBehindMuchWork(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_z", w.Seal(), 1)
	w.Begin(r)
	err := w.Work.Update(t.Context(), func(tx unit.Tx) error {
		for i := range 2000 {
			in := &cloudseal.Intent{
				Row: unit.Row{ID: fmt.Sprintf("in_%04d", i)}, State: cloudseal.OpenIntent, CreatedAt: tx.Now(),
				Ticket: fmt.Sprintf("tk_%04d", i), Index: 1,
				Lease: cloudseal.Lease{Holder: "other", Fence: 1, Until: tx.Now().Add(time.Hour)},
			}
			if i < 1000 { // two batches
				in.Ticket, in.Index = fmt.Sprintf("tk_batch_%d", i/500), i%500+1
			}
			if err := w.Tables.Intents.Insert(tx, in); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(3 * time.Second)
	if err := node(w, "b").RecoverStamps(t.Context(), 2*time.Second); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
}

// A ticket that takes long does not hold up the others that were left open.
func TestAbandonedIsTakenSeveralAtOnce(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	one, other := ask(w, "tk_1", seal, 1), ask(w, "tk_2", seal, 1)
	w.Begin(one)
	w.Begin(other)
	var begun atomic.Int32
	both := make(chan struct{})
	w.Checkpoint = func(name string) {
		if name != "intent" {
			return
		}
		if begun.Add(1) == 2 {
			close(both)
		}
		select { // neither goes on before the other has begun
		case <-both:
		case <-time.After(time.Minute):
			t.Error("one waits for the end of the other")
		}
	}
	if err := node(w, "b").RecoverStamps(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, one)
	isDone(t, w, other)
}

// A node that goes finishes what it has in hand and begins nothing more.
func TestRecoveryEndsWithItsNode(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	requests := []*cloudsealtest.Request{ask(w, "tk_1", seal, 1), ask(w, "tk_2", seal, 1), ask(w, "tk_3", seal, 1)}
	for _, r := range requests {
		w.Begin(r)
	}
	w.Limits = cloudseal.DefaultLimits()
	w.Limits.Recover = 1
	w.Restart()
	ctx, goes := context.WithCancel(t.Context())
	var begun atomic.Int32
	w.Checkpoint = func(name string) {
		if name == "intent" {
			begun.Add(1)
			goes()
		}
	}
	if err := w.Service.RecoverStamps(ctx, 0); err != nil || begun.Load() != 1 {
		t.Fatalf("%d were begun: %v", begun.Load(), err)
	}
	if err := w.Service.RecoverStamps(t.Context(), 0); err != nil || begun.Load() != 3 {
		t.Errorf("%d were begun by the next: %v", begun.Load(), err)
	}
	for _, r := range requests {
		isDone(t, w, r)
	}
}

// A batch takes longer than a lease lasts: the lease is kept.
func TestLongBatchKeepsItsLease(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 3)
	w.Begin(r)
	a := node(w, "a")
	w.Checkpoint = func(name string) {
		if name != "stored" {
			return
		}
		w.Clock.Advance(cloudseal.DefaultLimits().Lease * 2 / 3)
	}
	if err := a.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	if in := intents(t, w, "tk_1"); in[0].Lease.Fence != 1 || in[0].Lease.Until.Sub(cloudsealtest.Start) < 2*cloudseal.DefaultLimits().Lease {
		t.Errorf("%+v", in[0].Lease)
	}
	isDone(t, w, r)
}

// What just waits in the queue of the node that took the approval is left to it.
func TestYoungApprovalsAreLeftToTheirNode(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	b := node(w, "b")
	if err := b.RecoverStamps(t.Context(), 2*time.Second); err != nil || w.Ending("tk_1").Told != 0 {
		t.Errorf("taken at once: %v", err)
	}
	w.Clock.Advance(2 * time.Second)
	if err := b.RecoverStamps(t.Context(), 2*time.Second); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
}
