package mongosim

import (
	"encoding/binary"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// version is the whole database after one entry of the log. It never changes.
type version struct {
	colls    tree[*collection]
	sessions tree[*record] // what config.transactions holds
}

// collection is one state of a collection.
type collection struct {
	ns      string
	uuid    [16]byte
	docs    tree[*document] // by the key of _id
	indexes []*index        // without that of _id
}

// document is one state of a document; another state is another pointer.
type document struct {
	key string // of _id
	id  val
	raw doc
}

func newDocument(raw doc) *document {
	id := field(raw, "_id")
	return &document{key: keyOf(id), id: id, raw: raw}
}

func (v *version) coll(ns string) *collection {
	c, _ := v.colls.get(ns)
	return c
}

func (v *version) with(c *collection) *version {
	return &version{colls: v.colls.set(c.ns, c), sessions: v.sessions}
}

func (v *version) without(ns string) *version {
	return &version{colls: v.colls.del(ns), sessions: v.sessions}
}

func (v *version) withSession(id string, r *record) *version {
	return &version{colls: v.colls, sessions: v.sessions.set(id, r)}
}

// in lists the collections of a database by name.
func (v *version) in(db string) []*collection {
	var cs []*collection
	v.colls.ascend(db+".", after(db+"."), func(_ string, c *collection) bool {
		cs = append(cs, c)
		return true
	})
	return cs
}

func (c *collection) name() string {
	_, name, _ := strings.Cut(c.ns, ".")
	return name
}

func (c *collection) index(name string) *index {
	for _, ix := range c.indexes {
		if ix.name == name {
			return ix
		}
	}
	return nil
}

// change is one thing that happened to the database: what the log records, a
// secondary applies and a change stream tells.
type change struct {
	kind   kind
	ns     string
	id     val
	before doc
	after  doc
	// edited: by operators, which change streams tell as "update" instead of
	// "replace".
	edited bool
	uuid   [16]byte
}

type kind byte

const (
	kindNoop kind = iota
	kindInsert
	kindUpdate
	kindDelete
	kindCreate
	kindDrop
	kindDropDatabase
	kindCreateIndex
	kindDropIndex
)

// draft is a version being written by a statement or a transaction.
type draft struct {
	v       *version
	changes []change
	// guard is asked before anything is touched: the key of _id, or of a unique
	// index by its name. It fails with WriteConflict or with errBusy.
	guard func(c *collection, ix *index, key string) error
	seed  uint64 // of identifiers
}

// need gives a collection, made when it does not exist.
func (w *draft) need(ns string) (*collection, error) {
	if c := w.v.coll(ns); c != nil {
		return c, nil
	}
	return w.create(ns)
}

func (w *draft) create(ns string) (*collection, error) {
	c := &collection{ns: ns, uuid: uuidOf(ns, mix(w.seed+uint64(len(w.changes))))}
	if err := w.guard(c, nil, ""); err != nil {
		return nil, err
	}
	w.v = w.v.with(c)
	w.changes = append(w.changes, change{kind: kindCreate, ns: ns, uuid: c.uuid})
	return c, nil
}

func (w *draft) insert(ns string, raw doc) error {
	c, err := w.need(ns)
	if err != nil {
		return err
	}
	d := newDocument(raw)
	if err := w.guard(c, nil, d.key); err != nil {
		return err
	}
	if old, taken := c.docs.get(d.key); taken {
		return duplicate(c, idIndex, old.raw)
	}
	return w.store(c, nil, d, change{kind: kindInsert, ns: ns, id: d.id, after: raw, uuid: c.uuid})
}

func (w *draft) replace(ns string, old *document, raw doc, edited bool) error {
	c := w.v.coll(ns)
	if err := w.guard(c, nil, old.key); err != nil {
		return err
	}
	d := newDocument(raw)
	if d.key != old.key {
		return fail(66, "Performing an update on the path '_id' would modify the immutable field '_id'")
	}
	return w.store(c, old, d, change{kind: kindUpdate, ns: ns, id: d.id, before: old.raw, after: raw, edited: edited, uuid: c.uuid})
}

func (w *draft) remove(ns string, old *document) error {
	c := w.v.coll(ns)
	if err := w.guard(c, nil, old.key); err != nil {
		return err
	}
	return w.store(c, old, nil, change{kind: kindDelete, ns: ns, id: old.id, before: old.raw, uuid: c.uuid})
}

// store puts d in the place of old in the documents and in every index.
func (w *draft) store(c *collection, old, d *document, ch change) error {
	next := *c
	next.indexes = slices.Clone(c.indexes)
	for i, ix := range c.indexes {
		changed, err := ix.move(c, old, d, w.guard)
		if err != nil {
			return err
		}
		next.indexes[i] = changed
	}
	if d == nil {
		next.docs = c.docs.del(old.key)
	} else {
		next.docs = c.docs.set(d.key, d)
	}
	w.v = w.v.with(&next)
	w.changes = append(w.changes, ch)
	return nil
}

// replay writes the changes of a transaction over a newer version. Its guards
// have kept everybody else away from what it touched.
func (w *draft) replay(changes []change) error {
	for _, ch := range changes {
		c := w.v.coll(ch.ns)
		var err error
		switch ch.kind {
		case kindCreate:
			w.v = w.v.with(&collection{ns: ch.ns, uuid: ch.uuid})
			w.changes = append(w.changes, ch)
		case kindCreateIndex:
			_, err = w.createIndex(ch.ns, ch.after)
		case kindInsert:
			err = w.insert(ch.ns, ch.after)
		default:
			if c == nil {
				return fail(codeWriteConflict, "collection %s is gone", ch.ns)
			}
			old, ok := c.docs.get(keyOf(ch.id))
			if !ok {
				return fail(codeWriteConflict, "a document of %s is gone", ch.ns)
			}
			if ch.kind == kindDelete {
				err = w.remove(ch.ns, old)
			} else {
				err = w.replace(ch.ns, old, ch.after, ch.edited)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func uuidOf(ns string, salt uint64) (id [16]byte) {
	binary.BigEndian.PutUint64(id[:], hashString(ns)^salt)
	binary.BigEndian.PutUint64(id[8:], mix(salt))
	id[6], id[8] = id[6]&0x0F|0x40, id[8]&0x3F|0x80
	return id
}

func vUUID(id [16]byte) val {
	return val{Type: bsoncore.TypeBinary, Data: bsoncore.AppendBinary(nil, 4, id[:])}
}
