package unittest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"yunzhang.dev/authz/unit"
)

// Index declares an index of a table. Its name is its field names joined by
// "+"; a field is named by its bson tag, a field of a nested struct by the
// path "outer.inner".
type Index struct {
	Fields []string
	Unique bool
	// While, when it names a field, limits the index to rows in which that
	// field has the value Is.
	While string
	Is    any
}

// Unique declares a unique index.
func Unique(fields ...string) Index { return Index{Fields: fields, Unique: true} }

// Plain declares an index for queries only.
func Plain(fields ...string) Index { return Index{Fields: fields} }

// Only limits an index to the rows in which field has the given value, such as
// Unique("app", "account").Only("state", "active").
func (ix Index) Only(field string, is any) Index {
	ix.While, ix.Is = field, is
	return ix
}

// index is a declared index of one row type.
type index struct {
	name   string
	unique bool
	paths  [][]int
	types  []reflect.Type
	while  []int // nil: all rows
	is     []byte
}

func compile(row reflect.Type, spec Index) *index {
	ix := &index{name: strings.Join(spec.Fields, "+"), unique: spec.Unique}
	for _, field := range spec.Fields {
		path, typ := mustFind(row, field)
		ix.paths = append(ix.paths, path)
		ix.types = append(ix.types, typ)
	}
	if spec.While != "" {
		path, typ := mustFind(row, spec.While)
		is, err := encodeAs(nil, typ, spec.Is)
		if err != nil {
			panic(fmt.Sprintf("unittest: index %s while %s: %v", ix.name, spec.While, err))
		}
		ix.while, ix.is = path, is
	}
	return ix
}

// mustFind gives the way to a field named by its path of tags.
func mustFind(row reflect.Type, field string) ([]int, reflect.Type) {
	path, typ := []int(nil), row
	for _, step := range strings.Split(field, ".") {
		way, next := findTag(typ, step)
		if way == nil {
			panic(fmt.Sprintf("unittest: %s has no field with the tag %q", row, field))
		}
		path, typ = append(path, way...), next
	}
	if _, err := encode(nil, reflect.Zero(typ)); err != nil {
		panic(fmt.Sprintf("unittest: %s.%s: %v", row, field, err))
	}
	return path, typ
}

func findTag(typ reflect.Type, tag string) ([]int, reflect.Type) {
	if typ.Kind() != reflect.Struct {
		return nil, nil
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, inline := tagOf(f)
		if inline {
			if way, found := findTag(f.Type, tag); way != nil {
				return append([]int{i}, way...), found
			}
		} else if name == tag {
			return []int{i}, f.Type
		}
	}
	return nil, nil
}

// tagOf gives the name a field is stored under, "-" for not at all.
func tagOf(f reflect.StructField) (name string, inline bool) {
	name, options, _ := strings.Cut(f.Tag.Get("bson"), ",")
	if name == "" {
		name = strings.ToLower(f.Name)
	}
	return name, options == "inline"
}

// key gives the encoded fields of a row, and whether the index holds the row.
func (ix *index) key(row any) ([]byte, bool) {
	v := reflect.ValueOf(row).Elem()
	if ix.while != nil {
		if is, _ := encode(nil, v.FieldByIndex(ix.while)); !bytes.Equal(is, ix.is) {
			return nil, false
		}
	}
	var key []byte
	for _, path := range ix.paths {
		key, _ = encode(key, v.FieldByIndex(path)) // the type was tried in compile
	}
	return key, true
}

// entry is a row of an index in its order: the fields, then the id.
type entry struct {
	key []byte
	row any
}

func (ix *index) find(rows map[string]any, q unit.Query) ([]any, error) {
	prefix, after, err := ix.bounds(q)
	if err != nil {
		return nil, err
	}
	var entries []entry
	for id, row := range rows {
		if key, in := ix.key(row); in && bytes.HasPrefix(key, prefix) {
			entries = append(entries, entry{encodeText(key, id), row})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		if q.Desc {
			a, b = b, a
		}
		return bytes.Compare(a.key, b.key)
	})
	limit := q.Limit
	if limit == 0 {
		limit = unit.DefaultLimit
	}
	var found []any
	for _, e := range entries {
		order := bytes.Compare(e.key, after)
		passed := after == nil || order > 0 && !q.Desc || order < 0 && q.Desc
		if passed && len(found) < limit {
			found = append(found, e.row)
		}
	}
	return found, nil
}

// bounds encodes the key of a query and the entry it resumes behind.
func (ix *index) bounds(q unit.Query) (prefix, after []byte, err error) {
	switch {
	case len(q.Key) > len(ix.types):
		return nil, nil, errors.New("more key values than fields")
	case q.Limit < 0:
		return nil, nil, errors.New("negative limit")
	case q.After != nil && len(q.Key)+len(q.After) != len(ix.types)+1:
		return nil, nil, errors.New("what to resume after holds the remaining fields and the id")
	}
	types := append(slices.Clone(ix.types), reflect.TypeFor[string]())
	for i, value := range q.Key {
		if prefix, err = encodeAs(prefix, types[i], value); err != nil {
			return nil, nil, err
		}
	}
	if q.After == nil {
		return prefix, nil, nil
	}
	after = slices.Clone(prefix)
	for i, value := range q.After {
		if after, err = encodeAs(after, types[len(q.Key)+i], value); err != nil {
			return nil, nil, err
		}
	}
	return prefix, after, nil
}

// encodeAs encodes a value of a query in the type of the field.
func encodeAs(b []byte, typ reflect.Type, value any) ([]byte, error) {
	v := reflect.ValueOf(value)
	if !v.IsValid() || v.Kind() != typ.Kind() && !(v.CanInt() && reflect.Zero(typ).CanInt()) || !v.CanConvert(typ) {
		return nil, fmt.Errorf("%T is no value of a field of type %s", value, typ)
	}
	return encode(b, v.Convert(typ))
}

// encode appends a value so that the order of the bytes is the order of the
// values and no encoding is a prefix of another.
func encode(b []byte, v reflect.Value) ([]byte, error) {
	switch typ := v.Type(); {
	case typ == reflect.TypeFor[time.Time]():
		return encodeInt(b, v.Interface().(time.Time).UnixMilli()), nil
	case v.Kind() == reflect.String:
		return encodeText(b, v.String()), nil
	case v.Kind() == reflect.Bool && v.Bool():
		return append(b, 1), nil
	case v.Kind() == reflect.Bool:
		return append(b, 0), nil
	case v.CanInt():
		return encodeInt(b, v.Int()), nil
	case v.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Uint8:
		return encodeText(b, string(v.Bytes())), nil
	case v.Kind() == reflect.Array && typ.Elem().Kind() == reflect.Uint8:
		for i := range v.Len() {
			b = append(b, byte(v.Index(i).Uint()))
		}
		return b, nil
	default:
		return nil, fmt.Errorf("a %s cannot be indexed", typ)
	}
}

func encodeInt(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(n)^1<<63)
}

// encodeText ends in 0x00 0x00; a zero byte inside becomes 0x00 0xFF.
func encodeText(b []byte, s string) []byte {
	for i := range len(s) {
		if b = append(b, s[i]); s[i] == 0 {
			b = append(b, 0xFF)
		}
	}
	return append(b, 0, 0)
}
