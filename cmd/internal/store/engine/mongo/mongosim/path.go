package mongosim

import (
	"sort"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// elements gives the elements of a document that came through the wire and has
// been validated there.
func elements(d doc) []bsoncore.Element {
	es, err := d.Elements()
	if err != nil {
		return nil
	}
	return es
}

// items gives the values of an array.
func items(v val) []val {
	vs, err := doc(v.Data).Values()
	if err != nil {
		return nil
	}
	return vs
}

// field gives a field of a document; its type is 0 when there is none.
func field(d doc, name string) val {
	v, err := d.LookupErr(name)
	if err != nil {
		return val{}
	}
	return v
}

func has(d doc, name string) bool { return field(d, name).Type != 0 }

func text(v val) string {
	s, _ := v.StringValueOK()
	return s
}

func truth(v val) bool {
	switch v.Type {
	case 0, bsoncore.TypeNull, bsoncore.TypeUndefined:
		return false
	case bsoncore.TypeBoolean:
		return v.Boolean()
	}
	return !v.IsNumber() || v.AsFloat64() != 0
}

func number(v val) int64 {
	n, _ := v.AsInt64OK()
	return n
}

// lookup gives the value at a dotted path without entering arrays.
func lookup(d doc, path string) val {
	first, rest, dotted := strings.Cut(path, ".")
	v := field(d, first)
	if !dotted || v.Type == 0 {
		return v
	}
	if v.Type != bsoncore.TypeEmbeddedDocument {
		return val{}
	}
	return lookup(v.Document(), rest)
}

// reach gives every value a dotted path leads to, entering arrays of documents
// on the way ("Query on Embedded/Nested Documents", "Query an Array of Embedded
// Documents"). It does not open an array at the end of the path.
func reach(d doc, path string) []val {
	first, rest, dotted := strings.Cut(path, ".")
	v := field(d, first)
	switch {
	case v.Type == 0:
		return nil
	case !dotted:
		return []val{v}
	case v.Type == bsoncore.TypeEmbeddedDocument:
		return reach(v.Document(), rest)
	case v.Type != bsoncore.TypeArray:
		return nil
	}
	found := reach(doc(v.Data), rest) // by position
	for _, item := range items(v) {
		if item.Type == bsoncore.TypeEmbeddedDocument {
			found = append(found, reach(item.Document(), rest)...)
		}
	}
	return found
}

// put gives a document with the value at a path set, and what is missing on
// the way made. Arrays are entered by position.
func put(d doc, path string, v val) (doc, error) {
	first, rest, dotted := strings.Cut(path, ".")
	old := field(d, first)
	next := v
	if dotted {
		var inner doc
		switch old.Type {
		case 0:
			inner = bsoncore.NewDocumentBuilder().Build()
		case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
			inner = doc(old.Data)
		default:
			return nil, fail(28, "Cannot create field '%s' in element {%s: %s}", rest, first, old)
		}
		changed, err := put(inner, rest, v)
		if err != nil {
			return nil, err
		}
		next = val{Type: bsoncore.TypeEmbeddedDocument, Data: changed}
		if old.Type == bsoncore.TypeArray {
			if i, err := strconv.Atoi(strings.SplitN(rest, ".", 2)[0]); err != nil || i > len(items(old)) {
				return nil, refuse("setting %q beyond the end of an array", path)
			}
			next.Type = bsoncore.TypeArray
		}
	}
	b := bsoncore.NewDocumentBuilder()
	done := false
	for _, e := range elements(d) {
		if e.Key() == first {
			b.AppendValue(first, next)
			done = true
			continue
		}
		b.AppendValue(e.Key(), e.Value())
	}
	if !done {
		b.AppendValue(first, next)
	}
	return b.Build(), nil
}

// cut gives a document without the value at a path.
func cut(d doc, path string) doc {
	first, rest, dotted := strings.Cut(path, ".")
	b := bsoncore.NewDocumentBuilder()
	for _, e := range elements(d) {
		v := e.Value()
		switch {
		case e.Key() != first:
			b.AppendValue(e.Key(), v)
		case dotted && v.Type == bsoncore.TypeEmbeddedDocument:
			b.AppendDocument(first, cut(v.Document(), rest))
		case dotted:
			b.AppendValue(first, v)
		}
	}
	return b.Build()
}

// withID gives a document whose first field is its _id.
func withID(d doc, id val) doc {
	b := bsoncore.NewDocumentBuilder().AppendValue("_id", id)
	for _, e := range elements(d) {
		if e.Key() != "_id" {
			b.AppendValue(e.Key(), e.Value())
		}
	}
	return b.Build()
}

func firstField(d doc) (string, val) {
	for _, e := range elements(d) {
		return e.Key(), e.Value()
	}
	return "", val{}
}

func sortedKeys(d doc) []bsoncore.Element {
	es := elements(d)
	sort.SliceStable(es, func(i, j int) bool { return es[i].Key() < es[j].Key() })
	return es
}

// Values of replies.

func vInt32(n int32) val { return val{Type: bsoncore.TypeInt32, Data: bsoncore.AppendInt32(nil, n)} }
func vInt64(n int64) val { return val{Type: bsoncore.TypeInt64, Data: bsoncore.AppendInt64(nil, n)} }
func vBool(b bool) val   { return val{Type: bsoncore.TypeBoolean, Data: bsoncore.AppendBoolean(nil, b)} }
func vString(s string) val {
	return val{Type: bsoncore.TypeString, Data: bsoncore.AppendString(nil, s)}
}
func vDoc(d doc) val { return val{Type: bsoncore.TypeEmbeddedDocument, Data: d} }
func vDate(ms int64) val {
	return val{Type: bsoncore.TypeDateTime, Data: bsoncore.AppendDateTime(nil, ms)}
}
func vDouble(f float64) val {
	return val{Type: bsoncore.TypeDouble, Data: bsoncore.AppendDouble(nil, f)}
}
func vNull() val { return val{Type: bsoncore.TypeNull} }

func vArray(vs ...val) val {
	b := bsoncore.NewArrayBuilder()
	for _, v := range vs {
		b.AppendValue(v)
	}
	return val{Type: bsoncore.TypeArray, Data: b.Build()}
}

func vDocs(ds []doc) val {
	b := bsoncore.NewArrayBuilder()
	for _, d := range ds {
		b.AppendDocument(d)
	}
	return val{Type: bsoncore.TypeArray, Data: b.Build()}
}

func build() *bsoncore.DocumentBuilder { return bsoncore.NewDocumentBuilder() }
