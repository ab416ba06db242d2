package unittest

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"yunzhang.dev/authz/unit"
)

// Table declares a collection and gives access to it. Declaring the same name
// twice, an index over a field that does not exist, or a type that a document
// store could not keep is a mistake of the test's author: it panics.
func Table[T any, P interface {
	*T
	unit.Entity
}](db *DB, name string, indexes ...Index) unit.Table[T] {
	row := reflect.TypeFor[T]()
	mustKeep(row, row.String())
	c := &collection{name: name, rows: map[string][]version{}, indexes: map[string]*index{}}
	for _, spec := range indexes {
		ix := compile(row, spec)
		if c.indexes[ix.name] != nil {
			panic("unittest: index declared twice: " + ix.name)
		}
		c.indexes[ix.name] = ix
	}
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.tables[name] != nil {
		panic("unittest: table declared twice: " + name)
	}
	db.tables[name] = c
	return table[T, P]{db, c}
}

// collection holds the rows of a table; DB.mu guards rows.
type collection struct {
	name    string
	rows    map[string][]version
	indexes map[string]*index
}

// version is a row as one commit left it. Rows are never removed.
type version struct {
	seq int64
	row any // *T
}

// at gives the row as of commit seq, nil when there was none.
func (c *collection) at(id string, seq int64) any {
	versions := c.rows[id]
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].seq <= seq {
			return versions[i].row
		}
	}
	return nil
}

func (c *collection) changedSince(id string, seq int64) bool {
	versions := c.rows[id]
	return len(versions) > 0 && versions[len(versions)-1].seq > seq
}

// taken reports whether another row, as of commit seq and with the writes of
// own laid over it, holds a unique value of row.
func (c *collection) taken(id string, row any, seq int64, own *tx) bool {
	for _, ix := range c.indexes {
		key, in := ix.key(row)
		if !ix.unique || !in {
			continue
		}
		for otherID, other := range c.visible(seq, own) {
			otherKey, otherIn := ix.key(other)
			if otherID != id && otherIn && bytes.Equal(key, otherKey) {
				return true
			}
		}
	}
	return false
}

// visible gives all rows as of commit seq under the writes of own.
func (c *collection) visible(seq int64, own *tx) map[string]any {
	rows := make(map[string]any, len(c.rows))
	for id := range c.rows {
		if row := c.at(id, seq); row != nil {
			rows[id] = row
		}
	}
	if own == nil {
		return rows
	}
	for at, row := range own.writes {
		if at.table == c.name {
			rows[at.id] = row
		}
	}
	return rows
}

// row gives what t sees under this id, nil for nothing.
func (c *collection) row(t *tx, id string) any {
	if row, ok := t.writes[place{c.name, id}]; ok {
		return row
	}
	return c.at(id, t.seq)
}

// table implements [unit.Table].
type table[T any, P interface {
	*T
	unit.Entity
}] struct {
	db *DB
	c  *collection
}

func (tb table[T, P]) Get(u unit.Tx, id string) (*T, error) {
	t, err := tb.db.use(u, false)
	if err != nil {
		return nil, err
	}
	tb.db.mu.Lock()
	defer tb.db.mu.Unlock()
	row := tb.c.row(t, id)
	if row == nil {
		return nil, unit.ErrAbsent
	}
	return clone(row.(*T)), nil
}

func (tb table[T, P]) Insert(u unit.Tx, v *T) error {
	t, err := tb.db.use(u, true)
	if err != nil {
		return err
	}
	head := P(v).Head()
	if head.ID == "" {
		return fmt.Errorf("unittest: insert into %s without an id", tb.c.name)
	}
	tb.db.mu.Lock()
	defer tb.db.mu.Unlock()
	if tb.c.row(t, head.ID) != nil || tb.c.taken(head.ID, v, t.seq, t) {
		return unit.ErrTaken
	}
	head.Ver = 1
	t.writes[place{tb.c.name, head.ID}] = clone(v)
	return nil
}

func (tb table[T, P]) Replace(u unit.Tx, v *T) error {
	t, err := tb.db.use(u, true)
	if err != nil {
		return err
	}
	head := P(v).Head()
	tb.db.mu.Lock()
	defer tb.db.mu.Unlock()
	old := tb.c.row(t, head.ID)
	switch {
	case old == nil:
		return unit.ErrAbsent
	case P(old.(*T)).Head().Ver != head.Ver:
		return unit.ErrConflict
	case tb.c.taken(head.ID, v, t.seq, t):
		return unit.ErrTaken
	}
	head.Ver++
	t.writes[place{tb.c.name, head.ID}] = clone(v)
	return nil
}

func (tb table[T, P]) Find(u unit.Tx, q unit.Query) ([]*T, error) {
	t, err := tb.db.use(u, false)
	if err != nil {
		return nil, err
	}
	ix := tb.c.indexes[q.Index]
	if ix == nil {
		return nil, fmt.Errorf("unittest: table %s has no index %q (it has %q)",
			tb.c.name, q.Index, slices.Sorted(maps.Keys(tb.c.indexes)))
	}
	tb.db.mu.Lock()
	defer tb.db.mu.Unlock()
	rows, err := ix.find(tb.c.visible(t.seq, t), q)
	if err != nil {
		return nil, fmt.Errorf("unittest: find in %s by %s: %w", tb.c.name, q.Index, err)
	}
	found := make([]*T, len(rows))
	for i, row := range rows {
		found[i] = clone(row.(*T))
	}
	return found, nil
}
