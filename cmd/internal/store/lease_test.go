package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// entry is something written under a lease.
type entry struct {
	unit.Row `bson:",inline"`
	Fence    int64 `bson:"fence"`
}

// desk is a store on which several nodes take leases; its clock stands still
// unless it is moved.
type desk struct {
	m   *store.Main
	log unit.Table[entry]

	mu  sync.Mutex
	now time.Time
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{now: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}
	e, err := embedded.Open(t.TempDir(), embedded.Options{Now: d.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	d.m = store.NewMain(store.New(e, keys{}))
	d.log = store.Declare[entry](d.m.DB, "log")
	if err := d.m.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// write adds a line with the fence of whoever writes.
func (d *desk) write(ctx context.Context, id string, fence int64) error {
	return d.m.Work.Update(ctx, func(tx unit.Tx) error {
		return d.log.Insert(tx, &entry{Row: unit.Row{ID: id}, Fence: fence})
	})
}

const life = 10 * time.Second

func (d *desk) take(t *testing.T, node string) *store.Held {
	t.Helper()
	h, err := d.m.LeasesOf(node).Take(t.Context(), "work", life)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOneNodeHoldsALease(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.take(t, "a")
	if _, err := d.m.LeasesOf("b").Take(t.Context(), "work", life); !errors.Is(err, store.ErrHeld) {
		t.Errorf("b beside a: %v", err)
	}
	if _, err := d.m.LeasesOf("b").Take(t.Context(), "other work", life); err != nil {
		t.Errorf("other work: %v", err)
	}
	d.advance(life - time.Millisecond)
	if err := a.Renew(t.Context(), life); err != nil {
		t.Error(err)
	}
	d.advance(life - time.Millisecond)
	if _, err := d.m.LeasesOf("b").Take(t.Context(), "work", life); !errors.Is(err, store.ErrHeld) {
		t.Errorf("b after a renewed: %v", err)
	}
	live, err := d.m.LeasesOf("").Live(t.Context())
	if err != nil || len(live) != 1 || live[0].Holder != "a" || live[0].ID != "work" {
		t.Errorf("live: %+v, %v", live, err)
	}
	if err := a.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if b := d.take(t, "b"); b.Fence() != a.Fence()+1 {
		t.Errorf("fence %d after %d", b.Fence(), a.Fence())
	}
	if err := a.Release(t.Context()); err != nil {
		t.Errorf("giving back what is another's: %v", err)
	}
	if err := a.Renew(t.Context(), life); !errors.Is(err, store.ErrFenced) {
		t.Errorf("renewing what is another's: %v", err)
	}
}

// A holder is put to sleep, overtaken, and wakes in the middle of its work.
func TestOvertakenHolderWritesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.take(t, "a")
	d.advance(life)
	if err := d.write(a.Fenced(t.Context()), "late, but nobody followed", a.Fence()); err != nil {
		t.Error(err)
	}
	b := d.take(t, "b")
	if err := d.write(a.Fenced(t.Context()), "stale", a.Fence()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("a after b: %v", err)
	}
	if err := d.write(b.Fenced(t.Context()), "good", b.Fence()); err != nil {
		t.Error(err)
	}
	again := d.take(t, "b") // came back under its name
	if err := d.write(b.Fenced(t.Context()), "stale too", b.Fence()); !errors.Is(err, store.ErrFenced) || again.Fence() != b.Fence()+1 {
		t.Errorf("b's earlier life: %v", err)
	}
}

// Whoever is overtaken between the check and the commit of its unit conflicts
// and finds out.
func TestOvertakenWithinAUnit(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.take(t, "a")
	d.advance(life)
	var overtaken sync.WaitGroup
	began, rounds := make(chan struct{}), 0
	overtaken.Go(func() {
		<-began
		_, err := d.m.LeasesOf("b").Take(t.Context(), "work", life)
		if err != nil {
			t.Error(err)
		}
	})
	err := d.m.Work.Update(a.Fenced(t.Context()), func(tx unit.Tx) error {
		if rounds++; rounds == 1 {
			close(began)
		}
		return d.log.Insert(tx, &entry{Row: unit.Row{ID: fmt.Sprint(rounds)}, Fence: a.Fence()})
	})
	overtaken.Wait()
	if err != nil && !errors.Is(err, store.ErrFenced) {
		t.Errorf("neither before nor after b: %v", err)
	}
}

// trial lets three nodes take, keep, lose and use one lease at random, and
// gives an error when somebody wrote with a smaller fence than the one before.
// With fencing off it is the same without the check in each unit.
func (d *desk) trial(ctx context.Context, seed uint64, fencing bool) error {
	r := rand.New(rand.NewPCG(seed, 1))
	held := map[string]*store.Held{}
	top := int64(0)
	for step := range 60 {
		node := string(rune('a' + r.IntN(3)))
		h := held[node]
		switch act := r.IntN(10); {
		case act < 3 || h == nil:
			if got, err := d.m.LeasesOf(node).Take(ctx, fmt.Sprint("work", seed), life); err == nil {
				held[node] = got
			} else if !errors.Is(err, store.ErrHeld) {
				return err
			}
		case act < 4:
			d.advance(time.Duration(r.Int64N(int64(2 * life))))
		case act < 5:
			if err := h.Release(ctx); err != nil {
				return err
			}
		default:
			under := ctx
			if fencing {
				under = h.Fenced(ctx)
			}
			err := d.write(under, fmt.Sprint(seed, "-", step), h.Fence())
			switch {
			case errors.Is(err, store.ErrFenced):
				delete(held, node)
			case err != nil:
				return err
			case h.Fence() < top:
				return fmt.Errorf("step %d: %s wrote under fence %d after somebody under %d", step, node, h.Fence(), top)
			default:
				top = h.Fence()
			}
		}
	}
	return nil
}

func TestRandomHoldersAreFenced(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for seed := range uint64(20) {
		if err := d.trial(t.Context(), seed, true); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	}
}

// The trial has teeth: a lease that does not fence is found.
func TestTrialFindsALeaseThatDoesNotFence(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for seed := range uint64(20) {
		if err := d.trial(t.Context(), seed, false); err != nil {
			t.Logf("seed %d: %v", seed, err)
			return
		}
	}
	t.Error("20 seeds without a fence and nothing found")
}
