package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
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
	return l.ask(l.work.Update, func(tx unit.Tx) (time.Duration, error) {
		row, err := l.window(tx, key)
		if err != nil {
			return 0, err
		}
		if !tx.Now().Before(row.Until) {
			row.Until, row.Events = tx.Now().Add(r.Per), 0
		}
		row.Events++
		if row.Ver == 0 {
			err = takenAgain(l.table.Insert(tx, row))
		} else {
			err = l.table.Replace(tx, row)
		}
		return waitFor(row, r.Events, tx.Now()), err
	})
}

// Full implements qrflow.Limiter.
func (l *limiter) Full(now time.Time, of ...qrflow.Limit) time.Duration {
	own := slices.DeleteFunc(slices.Clone(of), func(one qrflow.Limit) bool { return shared(one.Key) })
	wait := l.memory.Full(now, own...)
	if len(own) == len(of) {
		return wait
	}
	return max(wait, l.ask(l.work.View, func(tx unit.Tx) (longest time.Duration, err error) {
		for _, one := range of {
			if !shared(one.Key) {
				continue
			}
			row, err := l.window(tx, one.Key)
			if err != nil {
				return 0, err
			}
			longest = max(longest, waitFor(row, one.Events-1, tx.Now()))
		}
		return longest, nil
	}))
}

// waitFor is how long a window with more than most events still runs.
func waitFor(row *store.Window, most int, now time.Time) time.Duration {
	if row.Events > most && now.Before(row.Until) {
		return row.Until.Sub(now)
	}
	return 0
}

// window gives the open window of a key, an empty one when there is none.
func (l *limiter) window(tx unit.Tx, key string) (*store.Window, error) {
	row, err := l.table.Get(tx, key)
	if errors.Is(err, unit.ErrAbsent) {
		return &store.Window{Row: unit.Row{ID: key}}, nil
	}
	return row, err
}

func (l *limiter) ask(run func(context.Context, func(unit.Tx) error) error, look func(unit.Tx) (time.Duration, error)) (wait time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limiterTime)
	defer cancel()
	err := run(ctx, func(tx unit.Tx) (err error) {
		wait, err = look(tx)
		return err
	})
	if err != nil {
		l.log.Error("a limit cannot be looked up", "error", err)
		return unknown
	}
	return wait
}
