package embedded

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Insert implements [engine.Tx].
func (t *tx) Insert(collection string, doc bson.Raw) error {
	c, err := t.change(collection)
	if err != nil {
		return err
	}
	id, _, err := engine.Head(doc)
	if err != nil {
		return err
	}
	keys, err := c.keys(doc, id)
	if err != nil {
		return err
	}
	delete(t.read, place{c.id, id})
	n := t.s.next
	t.s.next++
	if err := t.put(c, insertDoc, n, c.id, id, []byte(doc)); err != nil {
		return err
	}
	for i, key := range keys {
		if err := t.enter(c, c.indexes[i], key, n); err != nil {
			return err
		}
	}
	if !c.Outbox {
		return nil
	}
	t.fresh = append(t.fresh, inserted{c.id, n, bytes.Clone(doc)})
	return t.put(c, insertEntry, c.order(), orderKey(n), n)
}

// Replace implements [engine.Tx].
func (t *tx) Replace(collection string, doc bson.Raw) error {
	c, err := t.change(collection)
	if err != nil {
		return err
	}
	if c.Outbox {
		return fmt.Errorf("embedded: %s is an outbox: its documents do not change", collection)
	}
	id, ver, err := engine.Head(doc)
	if err != nil {
		return err
	}
	n, old, err := t.stored(c, id)
	if err != nil {
		return err
	}
	if n == 0 {
		return unit.ErrAbsent
	}
	_, was, err := engine.Head(old)
	if err != nil {
		return t.fail("read in "+c.Name, err)
	}
	if was != ver-1 || t.luck.replacing() {
		return t.lose(unit.ErrConflict)
	}
	return t.swap(c, id, n, old, doc)
}

// swap writes a document over its old self and moves the index entries that
// changed.
func (t *tx) swap(c *collected, id string, n int64, old, doc bson.Raw) error {
	delete(t.read, place{c.id, id})
	before, err := c.keys(old, id)
	if err != nil {
		return t.fail("read in "+c.Name, err)
	}
	after, err := c.keys(doc, id)
	if err != nil {
		return err
	}
	if err := t.put(c, updateDoc, []byte(doc), n); err != nil {
		return err
	}
	for i, ix := range c.indexes {
		if bytes.Equal(before[i], after[i]) {
			continue
		}
		if err := t.withdraw(c, ix, before[i]); err != nil {
			return err
		}
		if err := t.enter(c, ix, after[i], n); err != nil {
			return err
		}
	}
	return nil
}

// Delete implements [engine.Tx].
func (t *tx) Delete(collection, id string) error {
	c, err := t.change(collection)
	if err != nil {
		return err
	}
	n, old, err := t.stored(c, id)
	if err != nil {
		return err
	}
	if n == 0 {
		return unit.ErrAbsent
	}
	delete(t.read, place{c.id, id})
	keys, err := c.keys(old, id)
	if err != nil {
		return t.fail("read in "+c.Name, err)
	}
	for i, key := range keys {
		if err := t.withdraw(c, c.indexes[i], key); err != nil {
			return err
		}
	}
	if c.Outbox {
		if err := t.forget(c, n); err != nil {
			return err
		}
	}
	return t.put(c, deleteDoc, n)
}

// forget takes a document out of the order of an outbox and notes how far the
// order has holes now.
func (t *tx) forget(c *collected, n int64) error {
	t.s.line.batch.forgot = true
	if err := t.put(c, deleteEntry, c.order(), orderKey(n)); err != nil {
		return err
	}
	return t.put(c, setLost, n, c.id)
}

// enter adds an index entry; a nil key means that the index does not hold the
// document.
func (t *tx) enter(c *collected, ix *indexed, key []byte, n int64) error {
	if key == nil {
		return nil
	}
	return t.put(c, insertEntry, ix.id, key, n)
}

// withdraw removes an index entry.
func (t *tx) withdraw(c *collected, ix *indexed, key []byte) error {
	if key == nil {
		return nil
	}
	return t.put(c, deleteEntry, ix.id, key)
}

// put runs a statement that writes. A unique key in its way is ErrTaken.
func (t *tx) put(c *collected, k stmtKind, args ...any) error {
	err := t.c.exec(k, args...)
	if isTaken(err) {
		return t.lose(unit.ErrTaken)
	}
	if err != nil {
		return t.fail("write to "+c.Name, err)
	}
	return nil
}

// orderKey is the key of a row in the order of an outbox.
func orderKey(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
