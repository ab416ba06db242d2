package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Bounds of one unit that brings rows: what a transaction may hold, and what the
// writers of an embedded store wait for.
const (
	copyRows  = 200
	copyBytes = 4 << 20
)

// own are the collections that a store has about itself; they stay behind.
var own = []string{"leases", "marks"}

// Collections lists what a move takes along, in order.
func (db *DB) Collections() []string {
	names := slices.Sorted(maps.Keys(db.declared))
	return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(own, n) })
}

// Copy brings the rows of a collection to another store as they are, encrypted
// fields and versions included, and tells after each unit how many there are by
// now. It goes on behind the last row that is there: an earlier run that broke
// off has brought those before it.
func (db *DB) Copy(ctx context.Context, to *DB, collection string, tell func(rows int)) error {
	after, rows, err := to.lastOf(ctx, collection)
	if err != nil {
		return fmt.Errorf("copy %s: %w", collection, err)
	}
	for {
		page, err := db.page(ctx, collection, after)
		if err != nil || len(page) == 0 {
			return wrapCopy(collection, err)
		}
		for len(page) > 0 {
			n := portion(page)
			if err := to.put(ctx, collection, page[:n]); err != nil {
				return wrapCopy(collection, err)
			}
			after, _, _ = engine.Head(page[n-1])
			page, rows = page[n:], rows+n
			tell(rows)
		}
	}
}

func wrapCopy(collection string, err error) error {
	if err != nil {
		err = fmt.Errorf("copy %s: %w", collection, err)
	}
	return err
}

// portion is how many of the rows go into one unit.
func portion(rows []bson.Raw) (n int) {
	size := 0
	for n < len(rows) && n < copyRows && (n == 0 || size+len(rows[n]) <= copyBytes) {
		size += len(rows[n])
		n++
	}
	return n
}

// page reads rows by id behind one.
func (db *DB) page(ctx context.Context, collection, after string) (rows []bson.Raw, err error) {
	q := unit.Query{Index: engine.IDIndex, Limit: copyRows}
	if after != "" {
		q.After = []any{after}
	}
	err = db.engine.View(ctx, func(t engine.Tx) (err error) {
		rows, err = t.Find(collection, q)
		return err
	})
	return rows, err
}

// lastOf gives the greatest id of a collection, and how many rows it has.
func (db *DB) lastOf(ctx context.Context, collection string) (id string, rows int, err error) {
	for {
		page, err := db.page(ctx, collection, id)
		if err != nil || len(page) == 0 {
			return id, rows, err
		}
		rows += len(page)
		if id, _, err = engine.Head(page[len(page)-1]); err != nil {
			return "", 0, err
		}
	}
}

func (db *DB) put(ctx context.Context, collection string, rows []bson.Raw) error {
	for {
		err := db.engine.Update(ctx, func(t engine.Tx) error {
			for _, row := range rows {
				if err := t.Insert(collection, row); err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, unit.ErrConflict) {
			return err
		}
	}
}

// Sum is what a collection holds: how many rows, and a hash over all of them in
// the order of their ids.
type Sum struct {
	Name string
	Rows int
	SM3  gm.Digest
}

// Sum reads a whole collection.
func (db *DB) Sum(ctx context.Context, collection string) (Sum, error) {
	s, h, after := Sum{Name: collection}, gm.NewSM3(), ""
	for {
		page, err := db.page(ctx, collection, after)
		if err != nil {
			return s, fmt.Errorf("sum %s: %w", collection, err)
		}
		if len(page) == 0 {
			copy(s.SM3[:], h.Sum(nil))
			return s, nil
		}
		for _, row := range page {
			_, _ = h.Write(row)
		}
		s.Rows += len(page)
		after, _, _ = engine.Head(page[len(page)-1])
	}
}

// ErrNotEmpty: a store that a move should fill holds something already.
var ErrNotEmpty = errors.New("the target is not empty")

// empty reports the first collection that holds a row.
func (db *DB) empty(ctx context.Context) error {
	for _, name := range db.Collections() {
		page, err := db.page(ctx, name, "")
		if err != nil {
			return err
		}
		if len(page) > 0 {
			return fmt.Errorf("%w: there are rows in %s", ErrNotEmpty, name)
		}
	}
	return nil
}
