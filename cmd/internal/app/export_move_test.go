package app

import (
	"context"
	"time"

	"yunzhang.dev/cmd/internal/store"
)

// Staying is what Run does to keep a node present.
func (a *App) Staying(ctx context.Context) (context.Context, func()) { return a.staying(ctx) }

// Stay is what a node does at its turns.
func (a *App) Stay(ctx context.Context, turns <-chan time.Time) error { return a.stay(ctx, turns) }

// MoveAway moves what the node works on to another place, as happens to one that
// was asleep for so long that it was taken for gone.
func (a *App) MoveAway(ctx context.Context, to *store.Stores) error {
	if err := a.presence.Leave(ctx); err != nil {
		return err
	}
	a.main.Work.While(func() error { return nil })
	a.journal.Work.While(func() error { return nil })
	return a.MoveBeside(ctx, to)
}

// MoveBeside moves what the node works on while it does.
func (a *App) MoveBeside(ctx context.Context, to *store.Stores) error {
	from := &store.Stores{Name: "here", Main: a.main, Journal: a.journal, Blobs: a.bucket.(store.Lister)}
	_, _, err := store.Move(ctx, from, to, a.secrets.Fingerprint(), func(string, string, int) {})
	return err
}
