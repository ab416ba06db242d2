package mongo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// op is one write of a unit.
type op struct {
	c    *collected
	kind opKind
	id   string
	ver  int64    // stored version that a replacement or removal expects
	doc  bson.Raw // of an insertion or replacement
}

type opKind int

const (
	insertion opKind = iota
	replacement
	removal
)

// change is use for calls that write.
func (t *tx) change(collection string) (*collected, error) {
	if !t.writable {
		return nil, engine.ErrReadOnly
	}
	return t.use(collection)
}

// Insert implements [engine.Tx].
func (t *tx) Insert(collection string, doc bson.Raw) error {
	c, err := t.change(collection)
	if err != nil {
		return err
	}
	id, _, err := c.head(doc)
	if err != nil {
		return err
	}
	if t.seen[place{c.Name, id}] != nil {
		return t.lose(fmt.Errorf("mongo: insert into %s: %w", c.Name, unit.ErrTaken))
	}
	return t.keep(op{c: c, kind: insertion, id: id, doc: slices.Clone(doc)})
}

// Replace implements [engine.Tx].
func (t *tx) Replace(collection string, doc bson.Raw) error {
	c, err := t.change(collection)
	if err != nil {
		return err
	}
	if c.Outbox {
		return fmt.Errorf("mongo: %s is an outbox: its documents do not change", collection)
	}
	id, ver, err := c.head(doc)
	if err != nil {
		return err
	}
	stored, err := t.version(c, id)
	if err != nil {
		return err
	}
	if stored != ver-1 {
		return t.lose(fmt.Errorf("mongo: replace in %s: %w", c.Name, unit.ErrConflict))
	}
	return t.keep(op{c: c, kind: replacement, id: id, ver: stored, doc: slices.Clone(doc)})
}

// Delete implements [engine.Tx].
func (t *tx) Delete(collection, id string) error {
	c, err := t.change(collection)
	if err != nil {
		return err
	}
	stored, err := t.version(c, id)
	if err != nil {
		return err
	}
	return t.keep(op{c: c, kind: removal, id: id, ver: stored})
}

// head reads the head of a document and refuses what an index cannot hold.
func (c *collected) head(doc bson.Raw) (id string, ver int64, err error) {
	if id, ver, err = engine.Head(doc); err != nil {
		return "", 0, err
	}
	for _, ix := range c.indexes {
		if _, _, err := ix.Key(nil, doc); err != nil {
			return "", 0, fmt.Errorf("mongo: row %s of %s: index %s: %w", id, c.Name, ix.Name(), err)
		}
	}
	return id, ver, nil
}

// version gives the version of a row as the unit sees it, or unit.ErrAbsent.
func (t *tx) version(c *collected, id string) (int64, error) {
	doc, err := t.row(c, id)
	if err != nil {
		return 0, err
	}
	if doc == nil {
		return 0, unit.ErrAbsent
	}
	_, ver, err := engine.Head(doc)
	if err != nil {
		return 0, t.lose(fmt.Errorf("mongo: row %s of %s: %w", id, c.Name, err))
	}
	return ver, nil
}

// keep takes a write in, to be sent with the others.
func (t *tx) keep(o op) error {
	t.seen[place{o.c.Name, o.id}] = o.doc
	maps.DeleteFunc(t.listed, func(key string, _ []bson.Raw) bool { return strings.HasPrefix(key, o.c.Name+" ") })
	t.pending = append(t.pending, o)
	if t.mode.eager {
		return t.send()
	}
	return nil
}

// writing reports whether writes to a collection wait to be sent.
func (t *tx) writing(collection string) bool {
	return slices.ContainsFunc(t.pending, func(o op) bool { return o.c.Name == collection })
}
