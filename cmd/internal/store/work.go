package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Attempts and pauses of a unit that loses races: with pauses that double up
// to the longest and are taken in part, at random, the last attempt comes after
// some two seconds of losing, more than any honest queue for one row takes. A
// caller that brings the same stale row each time ends with unit.ErrConflict.
const (
	attempts   = 64
	firstPause = time.Millisecond
	maxPause   = 64 * time.Millisecond
)

// retrying is how many units that lost a race run again at once: on one row they
// only make each other lose, and a queue of two hundred for one delegation would
// never come to its end.
const retrying = 2

// Work implements unit.Work over an engine.
type Work struct {
	engine engine.Engine
	losers chan struct{} // places of units that run again
	check  func() error  // in each run of a unit that writes
}

// NewWork makes a Work.
func NewWork(e engine.Engine) *Work {
	return &Work{e, make(chan struct{}, retrying), func() error { return nil }}
}

// While has units write only while check gives no error: each run of a unit asks
// before it begins and before it is committed. It is called before the first of
// them.
func (w *Work) While(check func() error) { w.check = check }

// tx is one run of a unit of work on one engine. It remembers which, so that it
// cannot be used on a collection of another, which may have the same name.
type tx struct {
	engine.Tx
	of engine.Engine
	// run is written into every row, so that two runs never write equal ones, as
	// the engine demands.
	run int64
}

// Update implements unit.Work: a unit that lost a race runs again. With a context
// of [Held.Fenced] it commits only while that lease is held.
func (w *Work) Update(ctx context.Context, fn func(unit.Tx) error) error {
	fn = w.fenced(ctx, fn)
	err := w.once(ctx, fn)
	if !errors.Is(err, unit.ErrConflict) {
		return err
	}
	select {
	case w.losers <- struct{}{}:
		defer func() { <-w.losers }()
	case <-ctx.Done():
		return ctx.Err()
	}
	pause := firstPause
	for n := 2; ; n++ {
		err := w.once(ctx, fn)
		if !errors.Is(err, unit.ErrConflict) || n == attempts {
			return err
		}
		// At random, so that those who met do not meet again.
		if err := wait(ctx, rand.N(pause)); err != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

func (w *Work) once(ctx context.Context, fn func(unit.Tx) error) error {
	return w.engine.Update(ctx, func(t engine.Tx) error {
		if err := w.check(); err != nil {
			return err
		}
		if err := fn(&tx{t, w.engine, rand.Int64()}); err != nil {
			return err
		}
		// The last answer counts for as long as a server keeps open what was begun
		// before it: here at the latest the unit is known there.
		t.Now()
		return w.check()
	})
}

// View implements unit.Work.
func (w *Work) View(ctx context.Context, fn func(unit.Tx) error) error {
	return w.engine.View(ctx, func(t engine.Tx) error { return fn(&tx{Tx: t, of: w.engine}) })
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
