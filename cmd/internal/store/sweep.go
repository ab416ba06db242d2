package store

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// sweepBatch is how many rows one unit removes: short units, since others wait.
const sweepBatch = 500

// Sweep removes the rows of a collection whose time field has passed, through
// the index on that field alone, and gives how many. Nothing depends on when
// it runs: lapsed rows are refused by whoever reads them.
func (db *DB) Sweep(ctx context.Context, collection, field string, before time.Time) (int, error) {
	total := 0
	for {
		n, err := db.sweepSome(ctx, collection, field, before)
		if total += n; err != nil || n < sweepBatch {
			return total, err
		}
	}
}

func (db *DB) sweepSome(ctx context.Context, collection, field string, before time.Time) (n int, err error) {
	err = db.engine.Update(ctx, func(tx engine.Tx) error {
		n = 0
		rows, err := tx.Find(collection, unit.Query{Index: field, Limit: sweepBatch})
		if err != nil {
			return err
		}
		for _, row := range rows {
			at, ok := row.Lookup(field).TimeOK()
			if !ok || !at.Before(before) {
				return nil // in order: all that follow are later
			}
			if err := remove(tx, collection, row); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

func remove(tx engine.Tx, collection string, row bson.Raw) error {
	id, _, err := engine.Head(row)
	if err != nil {
		return err
	}
	if err := tx.Delete(collection, id); !errors.Is(err, unit.ErrAbsent) {
		return err
	}
	return nil
}
