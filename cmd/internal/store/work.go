package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Attempts and pauses of a unit that loses races: with pauses that double to a
// tenth of a second, the last attempt comes after about a second of losing,
// more than any honest queue for one row takes.
const (
	attempts   = 20
	firstPause = time.Millisecond
	maxPause   = 100 * time.Millisecond
)

// Work implements unit.Work over an engine.
type Work struct{ engine engine.Engine }

// NewWork makes a Work.
func NewWork(e engine.Engine) *Work { return &Work{e} }

// Update implements unit.Work: a unit that lost a race runs again.
func (w *Work) Update(ctx context.Context, fn func(unit.Tx) error) error {
	pause := firstPause
	for n := 1; ; n++ {
		err := w.engine.Update(ctx, func(tx engine.Tx) error { return fn(tx) })
		if !errors.Is(err, unit.ErrConflict) || n == attempts {
			return err
		}
		if err := wait(ctx, rand.N(pause)); err != nil {
			return err
		}
		pause = min(2*pause, maxPause)
	}
}

// View implements unit.Work.
func (w *Work) View(ctx context.Context, fn func(unit.Tx) error) error {
	return w.engine.View(ctx, func(tx engine.Tx) error { return fn(tx) })
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
