package embedded

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Find implements [engine.Tx].
func (t *tx) Find(collection string, q unit.Query) ([]bson.Raw, error) {
	c, err := t.use(collection)
	if err != nil {
		return nil, err
	}
	if q.Limit < 0 {
		return nil, fmt.Errorf("embedded: find in %s: the limit is negative", collection)
	}
	if q.Limit == 0 {
		q.Limit = unit.DefaultLimit
	}
	if q.Index == engine.IDIndex {
		return t.findByID(c, q)
	}
	ix, err := c.index(q.Index)
	if err != nil {
		return nil, err
	}
	r, err := t.rangeOf(c, ix, q)
	if err != nil {
		return nil, err
	}
	scan := scanUp
	if q.Desc {
		scan = scanDown
	}
	return t.list(c, scan, ix.id, r.from, r.to, int64(q.Limit))
}

// list collects the documents that a statement gives behind their row numbers.
func (t *tx) list(c *collected, k stmtKind, args ...any) ([]bson.Raw, error) {
	var found []bson.Raw
	err := t.c.query(k, func(row []driver.Value) error {
		doc := bson.Raw(row[1].([]byte))
		found = append(found, doc)
		return t.note(c, row[0].(int64), doc)
	}, args...)
	if err != nil {
		return nil, t.fail("find in "+c.Name, err)
	}
	return found, nil
}

// note keeps a row that a unit has found and may replace.
func (t *tx) note(c *collected, n int64, doc bson.Raw) error {
	if !t.writable {
		return nil
	}
	id, _, err := engine.Head(doc)
	if err == nil {
		t.keep(place{c.id, id}, found{n, bytes.Clone(doc)})
	}
	return err
}

// findByID lists by id: all documents, or the one that the key names.
func (t *tx) findByID(c *collected, q unit.Query) ([]bson.Raw, error) {
	ids := make([]string, 0, 1)
	for _, v := range append(append([]any(nil), q.Key...), q.After...) {
		id, err := idOf(v)
		if err != nil {
			return nil, fmt.Errorf("embedded: find in %s by id: %w", c.Name, err)
		}
		ids = append(ids, id)
	}
	switch {
	case len(ids) > 1:
		return nil, fmt.Errorf("embedded: find in %s by id: %w", c.Name, errAfter)
	case len(q.Key) == 1:
		doc, err := t.Get(c.Name, ids[0])
		if errors.Is(err, unit.ErrAbsent) {
			return nil, nil
		}
		return []bson.Raw{doc}, err
	case q.Desc && len(ids) == 0:
		// In SQLite's order of types the empty blob is behind every text.
		return t.list(c, idsDown, c.id, []byte{}, int64(q.Limit))
	case q.Desc:
		return t.list(c, idsDown, c.id, ids[0], int64(q.Limit))
	case len(ids) == 0:
		return t.list(c, idsUp, c.id, "", int64(q.Limit))
	}
	return t.list(c, idsUp, c.id, ids[0], int64(q.Limit))
}

// keyRange is a piece of an index: keys not below from and below to.
type keyRange struct{ from, to []byte }

var errAfter = errors.New("what to resume after holds the values of the remaining fields and the id")

// rangeOf turns a query into the piece of the index that answers it.
func (t *tx) rangeOf(c *collected, ix *indexed, q unit.Query) (keyRange, error) {
	wrong := func(err error) (keyRange, error) {
		return keyRange{}, fmt.Errorf("embedded: find in %s by %s: %w", c.Name, q.Index, err)
	}
	if len(q.Key) > len(ix.Fields) {
		return wrong(errors.New("more values than fields"))
	}
	prefix, err := appendAll(nil, q.Key)
	if err != nil {
		return wrong(err)
	}
	r := keyRange{prefix, engine.Behind(prefix)}
	if r.from == nil {
		r.from = []byte{}
	}
	if q.After == nil {
		return r, nil
	}
	if len(q.Key)+len(q.After) != len(ix.Fields)+1 {
		return wrong(errAfter)
	}
	last := len(q.After) - 1
	fields, err := appendAll(prefix[:len(prefix):len(prefix)], q.After[:last])
	if err != nil {
		return wrong(err)
	}
	id, err := idOf(q.After[last])
	if err != nil {
		return wrong(err)
	}
	return t.resume(c, ix, r, fields, id, q.Desc)
}

// resume cuts a range at the row with these field values and this id.
func (t *tx) resume(c *collected, ix *indexed, r keyRange, fields []byte, id string, desc bool) (keyRange, error) {
	cut, behind := fields, !desc // the range begins behind the cut, or ends before it
	if !ix.Unique {
		cut = engine.AppendString(fields, id)
	} else {
		// The id is not in the key: one row at most has these values, and its
		// id says whether it is still to come.
		_, owner, err := t.ownerOf(c, ix, fields)
		if err != nil {
			return r, err
		}
		if owner != "" && (owner > id && !desc || owner < id && desc) {
			behind = desc
		}
	}
	if behind {
		cut = append(cut[:len(cut):len(cut)], 0) // no key lies between
	}
	if desc {
		r.to = cut
	} else {
		r.from = cut
	}
	return r, nil
}

// ownerOf finds the row that holds a key of a unique index; n is zero when
// there is none.
func (t *tx) ownerOf(c *collected, ix *indexed, key []byte) (n int64, id string, err error) {
	err = t.c.query(ownerOf, func(row []driver.Value) error {
		n, id = row[0].(int64), row[1].(string)
		return nil
	}, ix.id, key)
	if err != nil {
		err = t.fail("find in "+c.Name, err)
	}
	return n, id, err
}

func idOf(value any) (string, error) {
	v, err := engine.Scalar(value)
	if id, ok := v.(string); ok {
		return id, err
	}
	return "", fmt.Errorf("%T is no id", value)
}

func appendAll(key []byte, values []any) (_ []byte, err error) {
	for _, v := range values {
		if key, err = engine.AppendValue(key, v); err != nil {
			return nil, err
		}
	}
	return key, nil
}
