package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// collection is a declared collection of Ts. It implements [unit.Table].
type collection[T any] struct {
	db   *DB
	name string
	plan *plan
	head func(*T) *unit.Row
}

var errOtherStore = errors.New("the unit of work belongs to another store")

// in gives the engine's side of a unit of work.
func (c *collection[T]) in(u unit.Tx) (*tx, error) {
	if t, ok := u.(*tx); ok && t.of == c.db.engine {
		return t, nil
	}
	return nil, fmt.Errorf("store: %s: %w", c.name, errOtherStore)
}

// Name is what a unit.Want calls the table.
func (c *collection[T]) Name() string { return c.name }

// Get implements [unit.Table].
func (c *collection[T]) Get(u unit.Tx, id string) (*T, error) {
	t, err := c.in(u)
	if err != nil {
		return nil, err
	}
	doc, err := t.Get(c.name, id)
	if err != nil {
		return nil, err
	}
	return c.decode(doc)
}

// Insert implements [unit.Table].
func (c *collection[T]) Insert(u unit.Tx, v *T) error {
	t, err := c.in(u)
	if err != nil {
		return err
	}
	head := c.head(v)
	if head.ID == "" {
		return fmt.Errorf("store: insert into %s without an id", c.name)
	}
	return c.write(t, v, 1, t.Insert)
}

// Replace implements [unit.Table].
func (c *collection[T]) Replace(u unit.Tx, v *T) error {
	t, err := c.in(u)
	if err != nil {
		return err
	}
	head := c.head(v)
	if head.ID == "" || head.Ver < 1 {
		return unit.ErrAbsent // it was never stored
	}
	return c.write(t, v, head.Ver+1, t.Replace)
}

// write encodes a row as the given version and hands it to put; a row that was
// not written keeps its version.
func (c *collection[T]) write(t *tx, v *T, ver int64, put func(string, bson.Raw) error) error {
	head := c.head(v)
	was := head.Ver
	head.Ver = ver
	doc, err := c.encode(v)
	if err == nil {
		err = put(c.name, ofRun(doc, t.run))
	}
	if err != nil {
		head.Ver = was
	}
	return err
}

// runField is the last field of every row: a number of the run of the unit that
// wrote it. Nobody reads it, but for an engine that compares a row with what it
// sent.
const runField = "run"

// ofRun adds the run's number to a document.
func ofRun(doc bson.Raw, run int64) bson.Raw {
	out := append(make([]byte, 0, len(doc)+len(runField)+10), doc[:len(doc)-1]...)
	out = append(bsoncore.AppendInt64Element(out, runField, run), 0)
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	return out
}

// Find implements [unit.Table].
func (c *collection[T]) Find(u unit.Tx, q unit.Query) ([]*T, error) {
	t, err := c.in(u)
	if err != nil {
		return nil, err
	}
	if q, err = c.plan.check(q); err != nil {
		return nil, fmt.Errorf("store: find in %s by %q: %w", c.name, q.Index, err)
	}
	docs, err := t.Find(c.name, q)
	if err != nil {
		return nil, err
	}
	found := make([]*T, len(docs))
	for i, doc := range docs {
		if found[i], err = c.decode(doc); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// check sees that the values of a query are of the kinds of the fields: a
// value of another kind finds nothing, and nobody would know why.
func (p *plan) check(q unit.Query) (unit.Query, error) {
	kinds, declared := p.indexes[q.Index]
	switch {
	case !declared:
		return q, errors.New("it is not declared")
	case len(q.Key) >= len(kinds) && q.Index != engine.IDIndex || len(q.Key)+len(q.After) > len(kinds):
		return q, errors.New("more values than fields")
	}
	key, err := acceptAll(kinds, q.Key)
	if err != nil {
		return q, err
	}
	if q.After != nil {
		if q.After, err = acceptAll(kinds[len(q.Key):], q.After); err != nil {
			return q, err
		}
	}
	q.Key = key
	return q, nil
}

func acceptAll(kinds []kind, values []any) ([]any, error) {
	plain := make([]any, len(values))
	for i, v := range values {
		var err error
		if plain[i], err = kinds[i].accept(v); err != nil {
			return nil, fmt.Errorf("value %d: %w", i+1, err)
		}
	}
	return plain, nil
}

func (c *collection[T]) encode(v *T) (bson.Raw, error) {
	doc, err := bson.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("store: encode a row of %s: %w", c.name, err)
	}
	if len(c.plan.sealed) == 0 {
		return doc, nil
	}
	sealed, err := c.row(c.head(v).ID).seal(doc)
	if err != nil {
		return nil, fmt.Errorf("store: encrypt a row of %s: %w", c.name, err)
	}
	return sealed, nil
}

func (c *collection[T]) decode(doc bson.Raw) (*T, error) {
	if len(c.plan.sealed) > 0 {
		id, _, err := engine.Head(doc)
		if err == nil {
			doc, err = c.row(id).open(doc)
		}
		if err != nil {
			return nil, fmt.Errorf("store: decrypt row %s of %s: %w", id, c.name, err)
		}
	}
	v := new(T)
	if err := bson.Unmarshal(doc, v); err != nil {
		return nil, fmt.Errorf("store: decode a row of %s: %w", c.name, err)
	}
	return v, nil
}

func (c *collection[T]) row(id string) *rowCipher {
	return &rowCipher{fields: c.plan.sealed, collection: c.name, id: id, keys: &c.db.rows}
}
