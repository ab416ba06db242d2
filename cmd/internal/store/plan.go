package store

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// plan is what is known about a type of rows, worked out once.
type plan struct {
	sealed  []sealedField
	indexes map[string][]kind // kinds of the fields of each index, and of the id
}

// sealedField is a field that is stored encrypted.
type sealedField struct {
	name, class string
	key         []byte // of the class; set by DB.Ready
}

// kind is the kind of value that a field of an index has.
type kind string

const (
	kindText  kind = "text"
	kindInt   kind = "integer"
	kindBool  kind = "bool"
	kindTime  kind = "time"
	kindBytes kind = "bytes"
)

func newPlan(t reflect.Type, indexes []engine.Index) (*plan, error) {
	p := &plan{indexes: map[string][]kind{engine.IDIndex: {kindText}}}
	if err := beginsWithRow(t); err != nil {
		return p, err
	}
	if err := storable(t, t.Name()); err != nil {
		return p, err
	}
	if err := p.readTags(t, map[string]bool{runField: true}); err != nil {
		return p, err
	}
	for _, ix := range indexes {
		if err := p.readIndex(t, ix); err != nil {
			return p, fmt.Errorf("index %s: %w", ix.Name(), err)
		}
	}
	return p, nil
}

func beginsWithRow(t reflect.Type) error {
	if t.Kind() == reflect.Struct && t.NumField() > 0 {
		if f := t.Field(0); f.Type == reflect.TypeFor[unit.Row]() && tagOf(f).inline {
			return nil
		}
	}
	return errors.New(`it does not begin with a unit.Row tagged bson:",inline"`)
}

// readTags collects the encrypted fields of the row itself and refuses two
// fields of one name.
func (p *plan) readTags(t reflect.Type, seen map[string]bool) error {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := tagOf(f)
		switch {
		case tag.name == "-":
			continue
		case tag.inline:
			if err := p.readTags(f.Type, seen); err != nil {
				return err
			}
			continue
		case seen[tag.name]:
			return fmt.Errorf("two fields are stored as %q", tag.name)
		case tag.class != "":
			p.sealed = append(p.sealed, sealedField{name: tag.name, class: tag.class})
		}
		seen[tag.name] = true
		if inner := encryptedInside(f.Type); inner != "" {
			return fmt.Errorf("field %s: %s is marked for encryption, which works on the fields of a row only", tag.name, inner)
		}
	}
	return nil
}

// encryptedInside names a field marked for encryption below the top, where the
// mark would have no effect.
func encryptedInside(t reflect.Type) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() {
		return ""
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Tag.Get("enc") != "" {
			return t.String() + "." + f.Name
		}
		if inner := encryptedInside(f.Type); inner != "" && f.Type != t {
			return inner
		}
	}
	return ""
}

// readIndex finds the fields of an index in the type.
func (p *plan) readIndex(t reflect.Type, ix engine.Index) error {
	var kinds []kind
	for _, path := range ix.Fields {
		k, err := p.kindAt(t, path)
		if err != nil {
			return err
		}
		kinds = append(kinds, k)
	}
	p.indexes[ix.Name()] = append(kinds, kindText)
	if ix.While == "" {
		return nil
	}
	k, err := p.kindAt(t, ix.While)
	if err == nil && ix.Is != nil {
		_, err = k.accept(ix.Is)
	}
	return err
}

// kindAt gives the kind of the field that a path of tags leads to.
func (p *plan) kindAt(t reflect.Type, path string) (kind, error) {
	steps := strings.Split(path, ".")
	if slices.ContainsFunc(p.sealed, func(f sealedField) bool { return f.name == steps[0] }) {
		return "", fmt.Errorf("the field %s is encrypted", steps[0])
	}
	for _, step := range steps {
		f, there := fieldByTag(t, step)
		if !there {
			return "", fmt.Errorf("there is no field %s", path)
		}
		t = f.Type
	}
	k := kindOf(t)
	if k == "" {
		return "", fmt.Errorf("the field %s is a %s, which has no order", path, t)
	}
	return k, nil
}

func fieldByTag(t reflect.Type, name string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := tagOf(f)
		if tag.inline {
			if inner, there := fieldByTag(f.Type, name); there {
				return inner, true
			}
		} else if tag.name == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func kindOf(t reflect.Type) kind {
	switch t.Kind() {
	case reflect.String:
		return kindText
	case reflect.Bool:
		return kindBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return kindInt
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return kindBytes
		}
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return kindTime
		}
	}
	return ""
}

// accept gives a value of a query in the form that engines take, if it is of
// this kind.
func (k kind) accept(value any) (any, error) {
	v, err := engine.Scalar(value)
	if err != nil {
		return nil, err
	}
	if v == nil || kindOf(reflect.TypeOf(v)) != k {
		return nil, fmt.Errorf("%T is no %s", value, k)
	}
	return v, nil
}

// tag is what a struct field says about its storage.
type tag struct {
	name   string // "-": not stored
	inline bool
	class  string // "": not encrypted
}

// tagOf reads the tags as the BSON library does.
func tagOf(f reflect.StructField) tag {
	whole := f.Tag.Get("bson")
	if whole == "-" {
		return tag{name: "-"}
	}
	parts := strings.Split(whole, ",")
	t := tag{name: parts[0], class: f.Tag.Get("enc"), inline: slices.Contains(parts[1:], "inline")}
	if t.name == "" {
		t.name = strings.ToLower(f.Name)
	}
	return t
}

// storable refuses types that would lose something on the way through the
// store.
func storable(t reflect.Type, where string) error {
	switch t.Kind() {
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return nil
		}
		return storableStruct(t, where)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return storable(t.Elem(), where)
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return fmt.Errorf("%s has keys of type %s", where, t.Key())
		}
		return storable(t.Elem(), where)
	case reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return fmt.Errorf("%s is a %s, which cannot be stored", where, t.Kind())
	}
	return nil
}

func storableStruct(t reflect.Type, where string) error {
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return fmt.Errorf("%s writes itself as text, which the store does not do: store the text", where)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if tagOf(f).name == "-" {
			continue
		}
		if !f.IsExported() {
			return fmt.Errorf("%s.%s is not exported", where, f.Name)
		}
		if err := storable(f.Type, where+"."+f.Name); err != nil {
			return err
		}
	}
	return nil
}
