package embedded

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"fmt"

	"yunzhang.dev/cmd/internal/store/engine"
)

// buildBatch bounds how many documents are held in memory while an index is
// built.
const buildBatch = 512

// Declare implements [engine.Engine]. An index that the declaration of its
// collection no longer names is dropped: with one process on the folder nobody
// else can want it, and kept it would go out of step.
func (s *Store) Declare(ctx context.Context, collections ...engine.Collection) (err error) {
	for _, c := range collections {
		if err := c.Check(); err != nil {
			return err
		}
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	settled := false
	defer func() {
		// Alone: a unit that ran before the new catalogue is in force would
		// leave the new indexes without its documents.
		if outcome := s.line.leave(true); settled && err == nil {
			err = outcome
		}
	}()
	err = s.declare(collections)
	settled = true
	return err
}

func (s *Store) declare(collections []engine.Collection) (err error) {
	t := &tx{s: s, c: s.w, begin: s.transaction, now: s.clock.read(), writable: true}
	if err := t.open(); err != nil {
		return err
	}
	defer func() { t.end(err == nil) }()
	var made []*collected
	for _, c := range collections {
		m, err := t.collect(c)
		if err != nil {
			return err
		}
		made = append(made, m)
	}
	s.line.batch.then = func() { s.declared.Store(s.declared.Load().with(made)) }
	return nil
}

// open begins writing outside any collection.
func (t *tx) open() error {
	if err := t.begin(); err != nil {
		return err
	}
	if err := t.c.exec(savepoint); err != nil {
		return t.fail("begin to declare", err)
	}
	t.wrote = true
	return nil
}

// collect brings one collection and its indexes in line with its declaration.
func (t *tx) collect(decl engine.Collection) (*collected, error) {
	c := &collected{Collection: decl}
	if err := t.numberOf(c); err != nil {
		return nil, err
	}
	known, err := t.knownIndexes(c)
	if err != nil {
		return nil, err
	}
	for _, spec := range decl.Indexes {
		if err := t.index(c, spec, known); err != nil {
			return nil, err
		}
		delete(known, spec.Name())
	}
	for _, old := range known {
		if err := t.drop(c, old.id); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// numberOf finds the number of a collection in the file, or gives it one.
func (t *tx) numberOf(c *collected) error {
	outbox := int64(0)
	if c.Outbox {
		outbox = 1
	}
	was := outbox
	find := func() error {
		return t.c.query(listCollections, func(row []driver.Value) error {
			if row[1].(string) == c.Name {
				c.id, was = row[0].(int64), row[2].(int64)
			}
			return nil
		})
	}
	err := find()
	if err == nil && c.id == 0 {
		if err = t.c.exec(addCollection, c.Name, outbox); err == nil {
			err = find()
		}
	}
	if err != nil {
		return t.fail("declare "+c.Name, err)
	}
	if was != outbox {
		return fmt.Errorf("embedded: the collection %s cannot begin or cease to be an outbox", c.Name)
	}
	return nil
}

// known is an index as the file has it.
type known struct {
	id       int64
	declared string
}

func (t *tx) knownIndexes(c *collected) (map[string]known, error) {
	found := map[string]known{}
	err := t.c.query(listIndexes, func(row []driver.Value) error {
		found[row[1].(string)] = known{row[0].(int64), row[2].(string)}
		return nil
	}, c.id)
	if err != nil {
		return nil, t.fail("declare "+c.Name, err)
	}
	return found, nil
}

// index takes over an index that is there, or makes it, after dropping one of
// the same name that was declared otherwise.
func (t *tx) index(c *collected, spec engine.Index, known map[string]known) error {
	layout, err := engine.NewLayout(spec)
	if err != nil {
		return err
	}
	ix := &indexed{Layout: layout}
	c.indexes = append(c.indexes, ix)
	old, there := known[spec.Name()]
	if there && old.declared == describe(spec) {
		ix.id = old.id
		return nil
	}
	if there {
		if err := t.drop(c, old.id); err != nil {
			return err
		}
	}
	if err := t.put(c, addIndex, c.id, spec.Name(), describe(spec)); err != nil {
		return err
	}
	found, err := t.knownIndexes(c)
	if err != nil {
		return err
	}
	ix.id = found[spec.Name()].id
	return t.build(c, ix)
}

// describe writes a declaration down, to see later whether it changed.
func describe(ix engine.Index) string {
	s := "plain"
	if ix.Unique {
		s = "unique"
	}
	if ix.While != "" {
		is, _ := engine.AppendValue(nil, ix.Is) // checked with the declaration
		s += " while " + ix.While + " " + hex.EncodeToString(is)
	}
	return s
}

func (t *tx) drop(c *collected, index int64) error {
	if err := t.put(c, dropEntries, index); err != nil {
		return err
	}
	return t.put(c, dropIndex, index)
}

// build enters all documents of a collection into a new index.
func (t *tx) build(c *collected, ix *indexed) error {
	only := &collected{Collection: c.Collection, id: c.id, indexes: []*indexed{ix}}
	return t.each(c, func(n int64, id string, doc []byte) error {
		keys, err := only.keys(doc, id)
		if err != nil {
			return fmt.Errorf("embedded: build index %s: row %s: %w", ix.Name(), id, err)
		}
		if ix.Unique && keys[0] != nil {
			_, other, err := t.ownerOf(c, ix, keys[0])
			if err != nil {
				return err
			}
			if other != "" {
				return fmt.Errorf("embedded: collection %s: index %s cannot be unique: the rows %s and %s have the same values",
					c.Name, ix.Name(), other, id)
			}
		}
		return t.enter(c, ix, keys[0], n)
	})
}

// each visits all documents of a collection in the order of ids.
func (t *tx) each(c *collected, visit func(n int64, id string, doc []byte) error) error {
	type row struct {
		n   int64
		doc []byte
	}
	for after := ""; ; {
		var rows []row
		err := t.c.query(idsUp, func(r []driver.Value) error {
			rows = append(rows, row{r[0].(int64), r[1].([]byte)})
			return nil
		}, c.id, after, int64(buildBatch))
		if err != nil {
			return t.fail("read "+c.Name, err)
		}
		for _, r := range rows {
			id, _, err := engine.Head(r.doc)
			if err != nil {
				return fmt.Errorf("embedded: collection %s: row behind %q: %w", c.Name, after, err)
			}
			if err := visit(r.n, id, r.doc); err != nil {
				return err
			}
			after = id
		}
		if len(rows) < buildBatch {
			return nil
		}
	}
}
