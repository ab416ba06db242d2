package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/qrflow"
)

// limiter counts what goes wrong (wrong frames, tickets blocked by wrong
// numbers) in the store, for all nodes together and over restarts: whoever
// guesses must not get as many tries as there are nodes. Ordinary events are
// counted in memory by each node for itself: those limits are against floods,
// and one write for each scan would be a flood of its own.
type limiter struct {
	work   unit.Work
	table  unit.Table[store.Window]
	memory *qrflow.Windows
	log    *slog.Logger
}

func newLimiter(work unit.Work, table unit.Table[store.Window], log *slog.Logger) *limiter {
	return &limiter{work, table, qrflow.NewWindows(), log}
}

// limiterTime bounds one question to the store.
const limiterTime = 5 * time.Second

// unknown is how long to wait when the store does not answer: it would not
// answer the request itself either.
const unknown = time.Second

func shared(key string) bool {
	return strings.HasPrefix(key, "bad/") || strings.HasPrefix(key, "blocked/")
}

// Take implements qrflow.Limiter.
func (l *limiter) Take(now time.Time, key string, r qrflow.Rate) time.Duration {
	if !shared(key) {
		return l.memory.Take(now, key, r)
	}
	return l.ask(l.work.Update, key, func(tx unit.Tx, row *store.Window) (time.Duration, error) {
		if !tx.Now().Before(row.Until) {
			row.Until, row.Events = tx.Now().Add(r.Per), 0
		}
		row.Events++
		write := l.table.Replace
		if row.Ver == 0 {
			write = func(tx unit.Tx, row *store.Window) error { return takenAgain(l.table.Insert(tx, row)) }
		}
		return waitFor(row, r.Events, tx.Now()), write(tx, row)
	})
}

// Full implements qrflow.Limiter.
func (l *limiter) Full(now time.Time, key string, r qrflow.Rate) time.Duration {
	if !shared(key) {
		return l.memory.Full(now, key, r)
	}
	return l.ask(l.work.View, key, func(tx unit.Tx, row *store.Window) (time.Duration, error) {
		return waitFor(row, r.Events-1, tx.Now()), nil
	})
}

// waitFor is how long a window with more than most events still runs.
func waitFor(row *store.Window, most int, now time.Time) time.Duration {
	if row.Events > most && now.Before(row.Until) {
		return row.Until.Sub(now)
	}
	return 0
}

func (l *limiter) ask(run func(context.Context, func(unit.Tx) error) error, key string, look func(unit.Tx, *store.Window) (time.Duration, error)) (wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limiterTime)
	defer cancel()
	err := run(ctx, func(tx unit.Tx) error {
		row, err := l.table.Get(tx, key)
		if errors.Is(err, unit.ErrAbsent) {
			row, err = &store.Window{Row: unit.Row{ID: key}}, nil
		}
		if err == nil {
			wait, err = look(tx, row)
		}
		return err
	})
	if err != nil {
		l.log.Error("a limit cannot be looked up", "error", err)
		return unknown
	}
	return wait
}
