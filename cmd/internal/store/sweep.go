package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// sweepBatch bounds the rows that one unit removes: on the embedded engine the
// writers of the business wait for it, a few milliseconds.
const sweepBatch = 200

// Sweep removes the rows of a collection whose time lies before the given one,
// the oldest first, through an index that begins with this time, and gives how
// many. A zero time means "never" and stays. It works in small units until
// nothing is left or ctx ends. Nothing depends on when it runs: lapsed rows are
// refused by whoever reads them.
func (db *DB) Sweep(ctx context.Context, collection, index string, before time.Time) (removed int, err error) {
	field, q, err := db.lapsing(collection, index)
	if err != nil {
		return 0, fmt.Errorf("store: sweep %s by %q: %w", collection, index, err)
	}
	for {
		n := 0
		err := NewWork(db.engine).Update(ctx, func(u unit.Tx) (err error) {
			n, err = sweep(u.(*tx).Tx, collection, q, field, before)
			return err
		})
		if err != nil {
			return removed, fmt.Errorf("store: sweep %s: %w", collection, err)
		}
		if removed += n; n < sweepBatch {
			return removed, nil
		}
	}
}

// sweep removes one batch.
func sweep(t engine.Tx, collection string, q unit.Query, field []string, before time.Time) (n int, err error) {
	docs, err := t.Find(collection, q)
	if err != nil {
		return 0, err
	}
	for _, doc := range docs {
		at, ok := doc.Lookup(field...).TimeOK()
		if !ok || !at.Before(before) {
			break // in order: all that follow are later
		}
		id, _, err := engine.Head(doc)
		if err == nil {
			err = t.Delete(collection, id)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// lapsing gives the path of the time field and the query that begins behind
// the rows whose time is zero.
func (db *DB) lapsing(collection, index string) (field []string, q unit.Query, err error) {
	d := db.declared[collection]
	if d == nil {
		return nil, q, errors.New("the collection is not declared")
	}
	kinds := d.plan.indexes[index]
	if len(kinds) == 0 || kinds[0] != kindTime {
		return nil, q, errors.New("it is no declared index that begins with a time")
	}
	after := make([]any, len(kinds)) // null is before all other values
	after[0] = time.Time{}.Add(time.Millisecond)
	after[len(after)-1] = ""
	first, _, _ := strings.Cut(index, "+")
	return strings.Split(first, "."), unit.Query{Index: index, After: after, Limit: sweepBatch}, nil
}
