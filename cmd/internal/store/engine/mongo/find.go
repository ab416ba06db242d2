package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// search is a query in the words of the server.
type search struct {
	hint     string
	filter   bson.D
	sort     bson.D
	min, max bson.D // bounds within the index; max is behind the last
	limit    int64
}

var errAfter = errors.New("what to resume after holds the values of the remaining fields and the id")

// Find implements [engine.Tx]. What the unit has written to the collection is
// sent before, so that the server finds it.
func (t *tx) Find(collection string, q unit.Query) ([]bson.Raw, error) {
	c, err := t.use(collection)
	if err != nil {
		return nil, err
	}
	s, err := c.search(q)
	if err != nil {
		return nil, err
	}
	if t.writing(c.Name) {
		if err := t.send(); err != nil {
			return nil, err
		}
	}
	if docs, known := t.listed[s.key(c)]; known {
		return cloneAll(docs), nil
	}
	found, err := t.list(c, s)
	if err != nil {
		return nil, err
	}
	if t.writable {
		for _, d := range found {
			if id, _, err := engine.Head(d); err == nil {
				t.seen[place{c.Name, id}] = slices.Clone(d)
			}
		}
	}
	return found, nil
}

func cloneAll(docs []bson.Raw) []bson.Raw {
	all := make([]bson.Raw, len(docs))
	for i, d := range docs {
		all[i] = slices.Clone(d)
	}
	return all
}

// batch is one more than the limit, so that no cursor is left open behind it.
func (s *search) batch() int32 { return int32(min(s.limit, 1<<20) + 1) }

// list asks the server; as the first read of a unit so that the time comes
// along.
func (t *tx) list(c *collected, s *search) ([]bson.Raw, error) {
	if t.now.IsZero() && s.min == nil && s.max == nil {
		return t.listTimed(c, s)
	}
	o := options.Find().SetHint(s.hint).SetSort(s.sort).SetLimit(s.limit).SetBatchSize(s.batch())
	if s.min != nil {
		o.SetMin(s.min)
	}
	if s.max != nil {
		o.SetMax(s.max)
	}
	var found []bson.Raw
	err := t.read(func(ctx context.Context) error {
		cursor, err := c.on.Find(ctx, s.filter, o)
		if err == nil {
			err = cursor.All(ctx, &found)
		}
		return err
	})
	if err != nil {
		return nil, t.fail("find in "+c.Name, err)
	}
	return found, nil
}

// listTimed lists with the time beside each document. Where there is none, the
// time is asked for when it is needed.
func (t *tx) listTimed(c *collected, s *search) ([]bson.Raw, error) {
	steps := mongo.Pipeline{
		{{Key: "$match", Value: s.filter}}, {{Key: "$sort", Value: s.sort}}, {{Key: "$limit", Value: s.limit}},
		{{Key: "$project", Value: bson.D{{Key: "_id", Value: 0}, {Key: "doc", Value: "$$ROOT"}, {Key: "now", Value: "$$NOW"}}}},
	}
	var found []struct {
		Doc bson.Raw      `bson:"doc"`
		Now bson.DateTime `bson:"now"`
	}
	err := t.read(func(ctx context.Context) error {
		cursor, err := c.on.Aggregate(ctx, steps, options.Aggregate().SetHint(s.hint).SetBatchSize(s.batch()))
		if err == nil {
			err = cursor.All(ctx, &found)
		}
		return err
	})
	if err != nil {
		return nil, t.fail("find in "+c.Name, err)
	}
	docs := make([]bson.Raw, len(found))
	for i, f := range found {
		docs[i] = f.Doc
	}
	if len(found) > 0 {
		t.now = t.e.floor.read(found[0].Now.Time(), clusterTime(t.s))
	}
	return docs, nil
}

// search turns a query into one of the server's.
func (c *collected) search(q unit.Query) (*search, error) {
	s, err := c.translate(q)
	if err != nil {
		return nil, fmt.Errorf("mongo: find in %s by %s: %w", c.Name, q.Index, err)
	}
	return s, nil
}

func (c *collected) translate(q unit.Query) (*search, error) {
	s := &search{filter: bson.D{}, limit: int64(q.Limit)}
	switch {
	case q.Limit < 0:
		return nil, errors.New("the limit is negative")
	case q.Limit == 0:
		s.limit = unit.DefaultLimit
	}
	key, err := scalars(q.Key)
	if err != nil {
		return nil, err
	}
	after, err := scalars(q.After)
	if err != nil {
		return nil, err
	}
	if q.Index == engine.IDIndex {
		return s, s.byID(key, after, q.Desc)
	}
	ix, err := c.index(q.Index)
	if err != nil {
		return nil, err
	}
	if len(key) > len(ix.Fields) {
		return nil, errors.New("more values than fields")
	}
	s.hint = ix.name
	for i, v := range key {
		s.filter = append(s.filter, equal(ix.Fields[i], v))
	}
	if ix.only != nil {
		s.filter = append(s.filter, bson.E{Key: "$and", Value: bson.A{ix.only}})
	}
	for _, k := range ix.keys {
		s.sort = append(s.sort, bson.E{Key: k.Key, Value: direction(q.Desc)})
	}
	if q.After == nil {
		return s, nil
	}
	if len(key)+len(after) != len(ix.Fields)+1 {
		return nil, errAfter
	}
	id, ok := after[len(after)-1].(string)
	if !ok {
		return nil, fmt.Errorf("%T is no id", after[len(after)-1])
	}
	s.resume(ix, key, after[:len(after)-1], id, q.Desc)
	return s, nil
}

func direction(desc bool) int32 {
	if desc {
		return -1
	}
	return 1
}

func equal(field string, v any) bson.E {
	return bson.E{Key: field, Value: bson.D{{Key: "$eq", Value: v}}}
}

func scalars(values []any) ([]any, error) {
	plain := make([]any, len(values))
	for i, v := range values {
		var err error
		if plain[i], err = engine.Scalar(v); err != nil {
			return nil, err
		}
	}
	return plain, nil
}

// byID lists by id: all documents, or the one that the key names.
func (s *search) byID(key, after []any, desc bool) error {
	if len(key)+len(after) > 1 {
		return errAfter
	}
	s.hint, s.sort = "_id_", bson.D{{Key: "_id", Value: direction(desc)}}
	compare := "$eq"
	switch {
	case len(after) == 1 && desc:
		compare = "$lt"
	case len(after) == 1:
		compare = "$gt"
	}
	for _, v := range append(key, after...) {
		if _, ok := v.(string); !ok {
			return fmt.Errorf("%T is no id", v)
		}
		s.filter = bson.D{{Key: "_id", Value: bson.D{{Key: compare, Value: v}}}}
	}
	return nil
}

// resume begins (or, going down, ends) the piece of the index at a row with
// these values and this id. min is the first that is in it, max the first
// that is not.
func (s *search) resume(ix *indexed, key, rest []any, id string, desc bool) {
	values := append(slices.Clone(key), rest...)
	switch {
	case !ix.Unique && desc:
		s.max = bound(ix, append(values, id), nil)
	case !ix.Unique:
		s.min = bound(ix, append(values, id+"\x00"), nil) // no string lies between
	default:
		// The id is not in the index: one row at most has these values, and
		// its id says whether it is still to come.
		s.filter = append(s.filter, bson.E{Key: "$nor", Value: bson.A{passed(ix, values, id, desc)}})
		switch {
		case len(rest) == 0: // the key names that row
			return
		case desc:
			values[len(values)-1] = next(values[len(values)-1])
			s.max = bound(ix, values, nil)
		default:
			s.min = bound(ix, values, nil)
		}
	}
	if len(key) == 0 {
		return
	}
	if desc {
		s.min = bound(ix, key, bson.MinKey{})
	} else {
		s.max = bound(ix, key, bson.MaxKey{})
	}
}

// passed is the row with these values when its id says that it was listed.
func passed(ix *indexed, values []any, id string, desc bool) bson.D {
	compare := "$lte"
	if desc {
		compare = "$gte"
	}
	row := bson.D{{Key: "_id", Value: bson.D{{Key: compare, Value: id}}}}
	for i, v := range values {
		row = append(row, equal(ix.Fields[i], v))
	}
	return row
}

// bound names a place in an index: values for its first fields, and one for all
// others.
func bound(ix *indexed, values []any, others any) bson.D {
	var at bson.D
	for i, k := range ix.keys {
		v := others
		if i < len(values) {
			v = values[i]
		}
		at = append(at, bson.E{Key: k.Key, Value: v})
	}
	return at
}

// next gives a value behind v with no indexable value between them.
func next(v any) any {
	switch v := v.(type) {
	case nil:
		return int64(-1 << 63)
	case int64:
		if v == 1<<63-1 {
			return ""
		}
		return v + 1
	case string:
		return v + "\x00"
	case []byte:
		return nextBytes(v)
	case bool:
		if !v {
			return true
		}
		return bson.DateTime(-1 << 63)
	case time.Time:
		return bson.NewDateTimeFromTime(v) + 1
	}
	return bson.MaxKey{}
}

// nextBytes is next for bytes, which go by length, then subtype, then content.
func nextBytes(b []byte) bson.Binary {
	after := slices.Clone(b)
	for i := len(after) - 1; i >= 0; i-- {
		if after[i]++; after[i] != 0 {
			return bson.Binary{Data: after}
		}
	}
	return bson.Binary{Subtype: 1, Data: after} // all zero, of the next subtype
}

// key names the search among those of one unit.
func (s *search) key(c *collected) string {
	b, err := bson.Marshal(bson.D{{Key: "f", Value: s.filter}, {Key: "s", Value: s.sort}, {Key: "l", Value: s.limit},
		{Key: "min", Value: s.min}, {Key: "max", Value: s.max}})
	if err != nil {
		return "" // never: it is made of scalars
	}
	return c.Name + " " + s.hint + " " + string(b)
}
