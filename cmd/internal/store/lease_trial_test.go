package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
)

// trial lets three nodes take, keep, lose and use one lease at random, one step
// after the other, and gives an error when somebody wrote with a smaller fence than
// the one before.
func (d *desk) trial(ctx context.Context, seed uint64) error {
	r := rand.New(rand.NewPCG(seed, 1))
	held := map[*node]*holder{}
	top := int64(0)
	for step := range 60 {
		n := d.nodes[r.IntN(3)]
		h := held[n]
		switch act := r.IntN(10); {
		case act < 3 || h == nil:
			if got, err := n.take(ctx, fmt.Sprint("work", seed)); err == nil {
				held[n] = got
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
			err := h.write(ctx, fmt.Sprint(seed, "-", step))
			switch {
			case errors.Is(err, store.ErrFenced):
				delete(held, n)
			case err != nil:
				return err
			case h.Fence() < top:
				return fmt.Errorf("step %d: %s wrote under fence %d after somebody under %d", step, n.name, h.Fence(), top)
			default:
				top = h.Fence()
			}
		}
	}
	return nil
}

// rush is the trial with the three nodes at once. Nobody who was overtaken before
// it began to write may have written, nor anybody in the order of commits behind
// somebody with a greater fence.
type rush struct {
	*desk
	seed   uint64
	newest atomic.Int64 // fence that was given out
	lines  atomic.Int64 // that were written
}

func (d *desk) rush(ctx context.Context, seed uint64) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	from, err := d.m.Engine().Tail(ctx, "log")
	if err != nil {
		return err
	}
	x, errs := &rush{desk: d, seed: seed}, make([]error, len(d.nodes))
	var all sync.WaitGroup
	for i, n := range d.nodes {
		all.Go(func() { errs[i] = x.hurry(ctx, n, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	all.Wait()
	return errors.Join(append(errs, x.inOrder(ctx, from))...)
}

// hurry is what each node does.
func (x *rush) hurry(ctx context.Context, n *node, r *rand.Rand) error {
	var h *holder
	for step := range 20 {
		switch act := r.IntN(10); {
		case act < 2 || h == nil:
			got, err := n.take(ctx, fmt.Sprint("rush", x.seed))
			if err != nil && !errors.Is(err, store.ErrHeld) {
				return err
			}
			if err == nil {
				h = got
				x.givenOut(h.Fence())
				continue
			}
			x.advance(time.Duration(r.Int64N(int64(life))))
		case act < 3:
			if err := h.Renew(ctx, life); err != nil && !errors.Is(err, store.ErrFenced) {
				return err
			}
		default:
			newest := x.newest.Load()
			err := h.write(ctx, fmt.Sprint("r", x.seed, n.name, step))
			switch {
			case errors.Is(err, store.ErrFenced):
				h = nil
			case err != nil:
				return err
			case h.Fence() < newest:
				return fmt.Errorf("%s wrote under fence %d when %d was given out", n.name, h.Fence(), newest)
			default:
				x.lines.Add(1)
			}
		}
	}
	return nil
}

// givenOut notes a fence. Of two that were given out at once the greater stays.
func (x *rush) givenOut(fence int64) {
	for was := x.newest.Load(); was < fence && !x.newest.CompareAndSwap(was, fence); {
		was = x.newest.Load()
	}
}

// inOrder reads what was written behind a position.
func (x *rush) inOrder(ctx context.Context, from engine.Position) error {
	left, top, enough := x.lines.Load(), int64(0), errors.New("enough")
	if left == 0 {
		return errors.New("nobody wrote anything")
	}
	err := x.m.Engine().Follow(ctx, "log", from, func(c engine.Change) error {
		fence := c.Doc.Lookup("fence").AsInt64()
		if fence < top {
			return fmt.Errorf("%s was written under fence %d behind somebody under %d", c.Doc.Lookup("_id"), fence, top)
		}
		if top, left = fence, left-1; left == 0 {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		return nil
	}
	return err
}

// seeds are how many of them a trial has. One of a few finds a lease that does not
// fence.
const seeds = 20

func TestRandomHoldersAreFenced(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, d *desk) {
		n := uint64(seeds)
		if raceDetector { // SQLite in Go is some fifteen times slower
			n = 5
		}
		for seed := range n {
			if err := errors.Join(d.trial(t.Context(), seed), d.rush(t.Context(), seed)); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		}
	})
}

// finds expects that one of the seeds finds something: the first few where two
// processors run units, some more where one has to.
func finds(t *testing.T, try func(context.Context, uint64) error) {
	t.Helper()
	const seeds = 50 * seeds
	for seed := range uint64(seeds) {
		if err := try(t.Context(), seed); err != nil {
			t.Logf("seed %d: %v", seed, err)
			return
		}
	}
	t.Errorf("%d seeds and nothing found", seeds)
}

// The trials have teeth: a lease whose check lets everybody pass is found.
func TestTrialsFindALeaseThatDoesNotFence(t *testing.T) {
	t.Parallel()
	for name, try := range map[string]func(*desk, context.Context, uint64) error{"in turn": (*desk).trial, "at once": (*desk).rush} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEngines(t, func(t *testing.T, d *desk) {
				for _, n := range d.nodes {
					n.weaken = store.Unfenced
				}
				finds(t, func(ctx context.Context, seed uint64) error { return try(d, ctx, seed) })
			})
		})
	}
}

// So is a unit that checks its lease and does not tie its commit to it, where units
// run at once.
func TestRushFindsAUnitThatIsNotTied(t *testing.T) {
	t.Parallel()
	d := newSetDesk(t)
	for _, n := range d.nodes {
		store.Untied(n.m)
	}
	finds(t, d.rush)
}
