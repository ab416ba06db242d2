package mongosim

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// predicate decides whether a document is in the result.
type predicate func(doc) bool

// filter is a compiled query: the whole test, and what it demands of single
// paths, which is what an index can be used for.
type filter struct {
	test   predicate
	ranges map[string]*span
}

// span is what a filter demands of a path: one of the keys, if there are any,
// and otherwise a key from lo to hi.
type span struct {
	keys   []string
	lo, hi string // inclusive and exclusive; hi "" for no end
}

// env is what expressions see besides the document.
type env struct {
	now  int64 // milliseconds, $$NOW
	vars map[string]val
}

func compile(d doc, e env) (*filter, error) {
	f := &filter{ranges: map[string]*span{}}
	test, err := f.compile(d, e, true)
	if err != nil {
		return nil, err
	}
	f.test = test
	return f, nil
}

func (f *filter) compile(d doc, e env, top bool) (predicate, error) {
	var all []predicate
	for _, el := range elements(d) {
		var p predicate
		var err error
		switch key, v := el.Key(), el.Value(); {
		case key == "$and" || key == "$or" || key == "$nor":
			p, err = f.logical(key, v, e, top)
		case key == "$expr":
			p, err = exprPredicate(v, e)
		case key == "$comment":
			continue
		case strings.HasPrefix(key, "$"):
			return nil, refuse("query operator %s", key)
		default:
			p, err = f.condition(key, v, top)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return func(d doc) bool {
		for _, p := range all {
			if !p(d) {
				return false
			}
		}
		return true
	}, nil
}

func (f *filter) logical(op string, v val, e env, top bool) (predicate, error) {
	var parts []predicate
	for _, item := range items(v) {
		p, err := f.compile(item.Document(), e, top && op == "$and")
		if err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	if len(parts) == 0 {
		return nil, fail(codeBadValue, "%s must be a nonempty array", op)
	}
	if op == "$and" {
		return func(d doc) bool {
			for _, p := range parts {
				if !p(d) {
					return false
				}
			}
			return true
		}, nil
	}
	return func(d doc) bool {
		for _, p := range parts {
			if p(d) {
				return op == "$or"
			}
		}
		return op == "$nor"
	}, nil
}

// condition compiles "path: value" and "path: {$op: value, …}".
func (f *filter) condition(path string, v val, top bool) (predicate, error) {
	if v.Type != bsoncore.TypeEmbeddedDocument {
		return f.operator(path, "$eq", v, top)
	}
	first, _ := firstField(v.Document())
	if !strings.HasPrefix(first, "$") {
		return f.operator(path, "$eq", v, top)
	}
	var all []predicate
	for _, el := range elements(v.Document()) {
		p, err := f.operator(path, el.Key(), el.Value(), top)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return func(d doc) bool {
		for _, p := range all {
			if !p(d) {
				return false
			}
		}
		return true
	}, nil
}

func (f *filter) operator(path, op string, v val, top bool) (predicate, error) {
	if v.Type == bsoncore.TypeRegex {
		return nil, refuse("regular expressions")
	}
	switch op {
	case "$eq":
		f.note(top, path, []string{keyOf(v)}, "", "")
		return anyKey(path, keyOf(v)), nil
	case "$ne":
		return not(anyKey(path, keyOf(v))), nil
	case "$in", "$nin":
		keys := make([]string, 0, 8)
		for _, item := range items(v) {
			if item.Type == bsoncore.TypeRegex {
				return nil, refuse("regular expressions")
			}
			keys = append(keys, keyOf(item))
		}
		if op == "$nin" {
			return not(anyKey(path, keys...)), nil
		}
		f.note(top, path, keys, "", "")
		return anyKey(path, keys...), nil
	case "$gt", "$gte", "$lt", "$lte":
		return f.comparison(path, op, v, top), nil
	case "$exists":
		want := truth(v)
		return func(d doc) bool { return (len(reach(d, path)) > 0) == want }, nil
	case "$not":
		inner, err := (&filter{ranges: map[string]*span{}}).condition(path, v, false)
		if err != nil {
			return nil, err
		}
		return not(inner), nil
	}
	return nil, refuse("query operator %s", op)
}

// comparison compares within the bracket of the value's type only.
func (f *filter) comparison(path, op string, v val, top bool) predicate {
	key := keyOf(v)
	lo, hi := string(key[0]), after(string(key[0]))
	switch op {
	case "$gt":
		lo = key + "\x00"
	case "$gte":
		lo = key
	case "$lt":
		hi = key
	case "$lte":
		hi = key + "\x00"
	}
	f.note(top, path, nil, lo, hi)
	return func(d doc) bool {
		return anyValue(d, path, func(k string) bool { return k >= lo && (hi == "" || k < hi) })
	}
}

// note remembers a demand that every result fulfils.
func (f *filter) note(top bool, path string, keys []string, lo, hi string) {
	if !top {
		return
	}
	old := f.ranges[path]
	if old == nil {
		f.ranges[path] = &span{keys: keys, lo: lo, hi: hi}
		return
	}
	if old.keys != nil {
		return
	}
	if keys != nil {
		old.keys = keys
		return
	}
	old.lo = max(old.lo, lo)
	if old.hi == "" || hi != "" && hi < old.hi {
		old.hi = hi
	}
}

func not(p predicate) predicate { return func(d doc) bool { return !p(d) } }

// anyKey: the path has one of the values, itself or within an array; null
// stands for a missing field as well.
func anyKey(path string, keys ...string) predicate {
	null := false
	set := make(map[string]bool, len(keys))
	for _, k := range keys {
		set[k] = true
		null = null || k == string(rune(keyNull))
	}
	return func(d doc) bool {
		vs := reach(d, path)
		if len(vs) == 0 {
			return null
		}
		return anyOf(vs, func(k string) bool { return set[k] })
	}
}

func anyValue(d doc, path string, test func(key string) bool) bool {
	vs := reach(d, path)
	if len(vs) == 0 {
		return test(string(rune(keyNull)))
	}
	return anyOf(vs, test)
}

func anyOf(vs []val, test func(key string) bool) bool {
	for _, v := range vs {
		if test(keyOf(v)) {
			return true
		}
		if v.Type != bsoncore.TypeArray {
			continue
		}
		for _, item := range items(v) {
			if test(keyOf(item)) {
				return true
			}
		}
	}
	return false
}
