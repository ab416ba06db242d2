package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

// keptBeats is how many beats stay in the outbox.
const keptBeats = 12

// Beat puts a row without meaning into the outbox of tickets' events and takes
// an old one out: whoever follows hears it, or knows that he hears nothing. It
// is called every so often; two calls within one period are one beat.
func (m *Main) Beat(ctx context.Context, every time.Duration) error {
	return m.Work.Update(ctx, func(u unit.Tx) error {
		n := u.Now().UnixMilli() / every.Milliseconds()
		_, err := m.Events.Get(u, beatID(n))
		if !errors.Is(err, unit.ErrAbsent) {
			return err
		}
		row := &qrflow.Event{Row: unit.Row{ID: beatID(n)}, Ticket: "beat", Seq: n, Type: "beat", At: u.Now()}
		if err := m.Events.Insert(u, row); err != nil {
			return again(err)
		}
		old, err := m.Events.Find(u, unit.Query{Index: "ticket+seq", Key: []any{"beat"}, Limit: 3})
		for _, row := range old {
			if err == nil && row.Seq <= n-keptBeats {
				err = u.(*tx).Tx.Delete("events", row.ID)
			}
		}
		return err
	})
}

func beatID(n int64) string { return fmt.Sprint("beat.", n) }
