package mongosim

import (
	"bytes"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// index is one state of an index. Its keys are those of the fields followed by
// that of _id; the values are the keys of _id.
type index struct {
	name       string
	spec       doc // as listIndexes tells it
	fields     []string
	descending []bool
	unique     bool
	sparse     bool
	partial    *filter
	multikey   bool
	keys       tree[string]
}

var idIndex = &index{
	name: "_id_", fields: []string{"_id"}, descending: []bool{false}, unique: true,
	spec: build().AppendInt32("v", 2).AppendDocument("key", build().AppendInt32("_id", 1).Build()).AppendString("name", "_id_").Build(),
}

// newIndex reads the specification in createIndexes.
func newIndex(spec doc) (*index, error) {
	ix := &index{name: text(field(spec, "name"))}
	for _, e := range elements(spec) {
		switch v := e.Value(); e.Key() {
		case "key", "name", "v", "background":
		case "unique":
			ix.unique = truth(v)
		case "sparse":
			ix.sparse = truth(v)
		case "partialFilterExpression":
			f, err := compile(v.Document(), env{})
			if err != nil {
				return nil, err
			}
			ix.partial = f
		default:
			return nil, refuse("index option %s", e.Key())
		}
	}
	keys := field(spec, "key")
	if keys.Type != bsoncore.TypeEmbeddedDocument {
		return nil, fail(codeFailedToParse, "The 'key' field is a required property of an index specification")
	}
	for _, e := range elements(keys.Document()) {
		if !e.Value().IsNumber() || strings.Contains(e.Key(), "$") {
			return nil, refuse("index %s: %s", e.Key(), e.Value())
		}
		ix.fields = append(ix.fields, e.Key())
		ix.descending = append(ix.descending, e.Value().AsFloat64() < 0)
	}
	if ix.name == "" || len(ix.fields) == 0 {
		return nil, fail(codeFailedToParse, "an index needs a name and a key")
	}
	b := build().AppendInt32("v", 2)
	for _, e := range elements(spec) {
		if e.Key() != "v" && e.Key() != "background" {
			b.AppendValue(e.Key(), e.Value())
		}
	}
	ix.spec = b.Build()
	return ix, nil
}

// keysFor gives the keys a document has in the index, without that of _id, and
// whether an array made them.
func (ix *index) keysFor(raw doc) (keys []string, multi bool) {
	if ix.partial != nil && !ix.partial.test(raw) {
		return nil, false
	}
	rows := [][]val{nil}
	missing := 0
	for _, path := range ix.fields {
		vs := reach(raw, path)
		if len(vs) == 0 {
			vs = []val{vNull()}
			missing++
		} else if vs[0].Type == bsoncore.TypeArray || len(vs) > 1 {
			multi = true
			vs = spread(vs)
		}
		rows = product(rows, vs)
	}
	if ix.sparse && missing == len(ix.fields) {
		return nil, false
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if k := indexKey(row, ix.descending); !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys, multi
}

func spread(vs []val) []val {
	var out []val
	for _, v := range vs {
		if v.Type != bsoncore.TypeArray {
			out = append(out, v)
			continue
		}
		inner := items(v)
		if len(inner) == 0 {
			inner = []val{{Type: bsoncore.TypeUndefined}}
		}
		out = append(out, inner...)
	}
	return out
}

func product(rows [][]val, vs []val) [][]val {
	if len(vs) == 1 {
		for i := range rows {
			rows[i] = append(rows[i], vs[0])
		}
		return rows
	}
	var out [][]val
	for _, row := range rows {
		for _, v := range vs {
			out = append(out, append(row[:len(row):len(row)], v))
		}
	}
	return out
}

// owner gives the document that has a key of the index.
func (ix *index) owner(key string) (id string, ok bool) {
	ix.keys.ascend(key, after(key), func(_, v string) bool {
		id, ok = v, true
		return false
	})
	return id, ok
}

// move takes old out of the index and puts d in; either may be nil.
func (ix *index) move(c *collection, old, d *document, guard func(*collection, *index, string) error) (*index, error) {
	var gone, come []string
	multi := false
	if old != nil {
		gone, _ = ix.keysFor(old.raw)
	}
	if d != nil {
		come, multi = ix.keysFor(d.raw)
	}
	if len(gone) == 0 && len(come) == 0 || len(gone) == 1 && len(come) == 1 && gone[0] == come[0] {
		return ix, nil
	}
	next := *ix
	next.multikey = ix.multikey || multi
	for _, k := range gone {
		if ix.unique {
			if err := guard(c, ix, k); err != nil {
				return nil, err
			}
		}
		next.keys = next.keys.del(k + old.key)
	}
	for _, k := range come {
		if ix.unique {
			if err := guard(c, ix, k); err != nil {
				return nil, err
			}
			if _, taken := next.owner(k); taken {
				return nil, duplicate(c, ix, d.raw)
			}
		}
		next.keys = next.keys.set(k+d.key, d.key)
	}
	return &next, nil
}

func duplicate(c *collection, ix *index, raw doc) *failure {
	pattern, value := build(), build()
	var shown []string
	for i, path := range ix.fields {
		v := lookup(raw, path)
		if v.Type == 0 {
			v = vNull()
		}
		direction := int32(1)
		if ix.descending[i] {
			direction = -1
		}
		pattern.AppendInt32(path, direction)
		value.AppendValue(path, v)
		shown = append(shown, path+": "+v.String())
	}
	f := fail(codeDuplicateKey, "E11000 duplicate key error collection: %s index: %s dup key: { %s }", c.ns, ix.name, strings.Join(shown, ", "))
	f.extra = build().AppendDocument("keyPattern", pattern.Build()).AppendDocument("keyValue", value.Build()).Build()
	return f
}

// createIndex makes an index over what is there; making one that exists is
// nothing ("createIndexes", "Behaviors").
func (w *draft) createIndex(ns string, spec doc) (made bool, err error) {
	ix, err := newIndex(spec)
	if err != nil {
		return false, err
	}
	c, err := w.need(ns)
	if err != nil {
		return false, err
	}
	if known, err := ix.known(c); known || err != nil {
		return false, err
	}
	if err := w.guard(c, nil, ""); err != nil {
		return false, err
	}
	c.docs.ascend("", "", func(_ string, d *document) bool {
		ix, err = ix.move(c, nil, d, w.guard)
		return err == nil
	})
	if err != nil {
		return false, err
	}
	next := *c
	next.indexes = append(c.indexes[:len(c.indexes):len(c.indexes)], ix)
	w.v = w.v.with(&next)
	w.changes = append(w.changes, change{kind: kindCreateIndex, ns: ns, after: spec, uuid: c.uuid})
	return true, nil
}

// known reports an index that exists, or one that stands in the way.
func (ix *index) known(c *collection) (bool, error) {
	for _, old := range append([]*index{idIndex}, c.indexes...) {
		sameKey := bytes.Equal(field(old.spec, "key").Data, field(ix.spec, "key").Data) || fmt.Sprint(old.fields, old.descending) == fmt.Sprint(ix.fields, ix.descending)
		sameOptions := old == idIndex || old.unique == ix.unique && old.sparse == ix.sparse && bytes.Equal(field(old.spec, "partialFilterExpression").Data, field(ix.spec, "partialFilterExpression").Data)
		samePartial := bytes.Equal(field(old.spec, "partialFilterExpression").Data, field(ix.spec, "partialFilterExpression").Data)
		switch {
		case old.name == ix.name && sameKey && sameOptions:
			return true, nil
		case old.name == ix.name:
			return false, fail(codeIndexKeyConflict, "An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: %s, existing index: %s", ix.spec, old.spec)
		case sameKey && samePartial:
			if old == idIndex {
				return true, nil
			}
			return false, fail(codeIndexOptionsConflict, "Index already exists with a different name: %s", old.name)
		}
	}
	return false, nil
}

func (w *draft) dropIndex(ns, name string) error {
	c := w.v.coll(ns)
	if c == nil {
		return fail(codeNamespaceNotFound, "ns not found %s", ns)
	}
	if name == "_id_" {
		return fail(codeInvalidOptions, "cannot drop _id index")
	}
	if err := w.guard(c, nil, ""); err != nil {
		return err
	}
	next := *c
	next.indexes = nil
	for _, ix := range c.indexes {
		if ix.name != name && name != "*" {
			next.indexes = append(next.indexes, ix)
		}
	}
	if name != "*" && len(next.indexes) == len(c.indexes) {
		return fail(codeIndexNotFound, "index not found with name [%s]", name)
	}
	w.v = w.v.with(&next)
	w.changes = append(w.changes, change{kind: kindDropIndex, ns: ns, after: build().AppendString("name", name).Build(), uuid: c.uuid})
	return nil
}
