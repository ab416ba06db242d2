package mongosim

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// project gives the fields of a document that a projection includes, or all
// but those it excludes; other values of a projection are computed.
func project(d, spec doc, e env) (doc, error) {
	es := elements(spec)
	if len(es) == 0 {
		return d, nil
	}
	include, keepID := false, true
	for _, el := range es {
		if strings.Contains(el.Key(), "$") {
			return nil, refuse("projection %s", el.Key())
		}
		on := !isFlag(el.Value()) || truth(el.Value())
		if el.Key() == "_id" {
			keepID = on
			if len(es) == 1 {
				include = on
			}
			continue
		}
		include = include || on
	}
	if include {
		return included(d, es, keepID, e)
	}
	out := d
	for _, el := range es {
		if isFlag(el.Value()) && !truth(el.Value()) {
			out = cut(out, el.Key())
		}
	}
	return out, nil
}

func isFlag(v val) bool { return v.IsNumber() || v.Type == bsoncore.TypeBoolean }

func included(d doc, es []bsoncore.Element, keepID bool, e env) (doc, error) {
	keep := &shape{}
	if keepID {
		keep.add("_id")
	}
	for _, el := range es {
		if isFlag(el.Value()) && el.Key() != "_id" {
			if !truth(el.Value()) {
				return nil, fail(31254, "Cannot do exclusion on field %s in inclusion projection", el.Key())
			}
			keep.add(el.Key())
		}
	}
	out := keep.cutOut(d)
	for _, el := range es {
		if isFlag(el.Value()) {
			continue
		}
		v, err := eval(el.Value(), d, e)
		if err != nil {
			return nil, err
		}
		if v.Type == 0 {
			continue
		}
		if out, err = put(out, el.Key(), v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// shape is a tree of the fields to keep; a leaf keeps all below it.
type shape struct{ fields map[string]*shape }

func (s *shape) add(path string) {
	first, rest, dotted := strings.Cut(path, ".")
	if s.fields == nil {
		s.fields = map[string]*shape{}
	}
	next := s.fields[first]
	if next == nil {
		next = &shape{}
		s.fields[first] = next
	}
	if dotted {
		next.add(rest)
	}
}

func (s *shape) cutOut(d doc) doc {
	b := build()
	for _, el := range elements(d) {
		next := s.fields[el.Key()]
		if next == nil {
			continue
		}
		v := el.Value()
		switch {
		case next.fields == nil:
			b.AppendValue(el.Key(), v)
		case v.Type == bsoncore.TypeEmbeddedDocument:
			b.AppendDocument(el.Key(), next.cutOut(v.Document()))
		case v.Type == bsoncore.TypeArray:
			var kept []val
			for _, item := range items(v) {
				if inner, ok := item.DocumentOK(); ok {
					kept = append(kept, vDoc(next.cutOut(inner)))
				}
			}
			b.AppendValue(el.Key(), vArray(kept...))
		}
	}
	return b.Build()
}
