package unittest

import (
	"encoding"
	"fmt"
	"reflect"
	"time"
)

// clone copies a row the way a document store would give it back: deep, times
// in UTC and whole milliseconds, fields tagged "-" empty.
func clone[T any](v *T) *T {
	c := reflect.New(reflect.TypeFor[T]()).Elem()
	copyInto(c, reflect.ValueOf(v).Elem())
	return c.Addr().Interface().(*T)
}

func copyInto(to, from reflect.Value) {
	switch {
	case from.Type() == reflect.TypeFor[time.Time]():
		t := from.Interface().(time.Time).Truncate(time.Millisecond).UTC()
		to.Set(reflect.ValueOf(t).Convert(to.Type()))
	case isText(from.Type()):
		to.Set(from)
	case from.Kind() == reflect.Struct:
		for i := range from.NumField() {
			if name, _ := tagOf(from.Type().Field(i)); name != "-" {
				copyInto(to.Field(i), from.Field(i))
			}
		}
	case from.Kind() == reflect.Pointer && !from.IsNil():
		to.Set(reflect.New(from.Type().Elem()))
		copyInto(to.Elem(), from.Elem())
	case from.Kind() == reflect.Slice && !from.IsNil():
		to.Set(reflect.MakeSlice(from.Type(), from.Len(), from.Len()))
		if from.Type().Elem().Kind() == reflect.Uint8 {
			reflect.Copy(to, from) // pictures and documents: a byte at a time is minutes under the race detector
			return
		}
		for i := range from.Len() {
			copyInto(to.Index(i), from.Index(i))
		}
	case from.Kind() == reflect.Map && !from.IsNil():
		copyMap(to, from)
	default: // plain values, arrays of them, and nil
		to.Set(from)
	}
}

func copyMap(to, from reflect.Value) {
	to.Set(reflect.MakeMapWithSize(from.Type(), from.Len()))
	for _, key := range from.MapKeys() {
		value := reflect.New(from.Type().Elem()).Elem()
		copyInto(value, from.MapIndex(key))
		to.SetMapIndex(key, value)
	}
}

// isText reports a struct that writes itself as text, such as a parsed code:
// it is one value, whatever its fields are.
func isText(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) &&
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// mustKeep panics when rows of this type would lose something in a store.
func mustKeep(t reflect.Type, where string) {
	if t == reflect.TypeFor[time.Time]() || isText(t) {
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				panic(fmt.Sprintf("unittest: %s.%s is not exported: a store would lose it", where, f.Name))
			}
			if name, _ := tagOf(f); name != "-" {
				mustKeep(f.Type, where+"."+f.Name)
			}
		}
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		if t.Elem() != t {
			mustKeep(t.Elem(), where)
		}
	case reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		panic(fmt.Sprintf("unittest: %s is a %s: a store could not keep it", where, t.Kind()))
	}
}
