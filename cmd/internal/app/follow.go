package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"yunzhang.dev/cmd/internal/store/engine"
)

// A beat is a row without meaning that one node puts into the outbox now and
// then, so that silence tells a broken stream from a quiet night. A node that
// heard nothing for deaf says that it is stale: its pages learn what happens by
// the look at all of them every few seconds, not at once.
const (
	beatEvery = 5 * time.Second
	deaf      = 30 * time.Second // beats of a node that died are taken over by then
)

// ears is when this node last heard something from the outbox.
type ears struct {
	mu    sync.Mutex
	heard time.Time // guarded by mu
}

func (e *ears) hear(now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heard = now
}

func (e *ears) last() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard
}

// follow wakes waiting pages when their ticket has an event, on whichever node
// it happened. It is a hint: the hub looks at all of its tickets every few
// seconds anyway, and at once when events may have been missed. After a failure
// it goes on from where it was.
func (a *App) follow(ctx context.Context) {
	var at engine.Position
	a.ears.hear(a.now())
	for ctx.Err() == nil {
		err := a.followFrom(ctx, &at)
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, engine.ErrHistoryLost) {
			at = ""
		}
		a.log.WarnContext(ctx, "following events broke off, going on", "error", err)
		pause(ctx, time.Second)
	}
}

// followFrom follows behind at, and moves it on. Without a position it begins at
// the end, and every page is looked after, since it may have missed something.
func (a *App) followFrom(ctx context.Context, at *engine.Position) error {
	if *at == "" {
		end, err := a.main.Engine().Tail(ctx, "events")
		if err != nil {
			return err
		}
		*at = end
		a.hub.Resync(ctx)
	}
	return a.main.Engine().Follow(ctx, "events", *at, func(c engine.Change) error {
		*at = c.Position
		a.ears.hear(a.now())
		if ticket, ok := c.Doc.Lookup("ticket").StringValueOK(); ok {
			a.hub.Wake(ticket)
		}
		return nil
	})
}

// hears is the check behind "stale" in /readyz.
func (a *App) hears(context.Context) error {
	if silent := a.now().Sub(a.ears.last()); silent > deaf {
		return fmt.Errorf("nothing was heard from the outbox for %s", silent)
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
