package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// IDIndex is the index that every collection has without declaring it: rows by
// id.
const IDIndex = "_id"

// Collection declares a collection.
type Collection struct {
	Name    string // letters and digits, beginning with a letter
	Indexes []Index
	// Outbox makes the collection insert-only (and deletable, for the sweeper),
	// and lets it be followed.
	Outbox bool
}

// Index declares an index over one or more fields. A field inside an embedded
// document is named by its path, "outer.inner".
type Index struct {
	Fields []string
	Unique bool
	// While, when it names a field, limits the index to documents in which
	// this field has the value Is, or is present at all when Is is nil.
	While string
	Is    any
}

// Only limits an index to documents in which field has the given value, such
// as Unique("app", "account").Only("state", "active").
func (ix Index) Only(field string, is any) Index {
	ix.While, ix.Is = field, is
	return ix
}

// WhenPresent limits an index to documents that have the field, even as null.
func (ix Index) WhenPresent(field string) Index {
	ix.While, ix.Is = field, nil
	return ix
}

// Name is what queries call the index: its fields joined by "+".
func (ix Index) Name() string { return strings.Join(ix.Fields, "+") }

// Check reports a declaration that no engine could follow.
func (c Collection) Check() error {
	if !plainName(c.Name) {
		return fmt.Errorf("engine: %q is no name for a collection", c.Name)
	}
	seen := map[string]bool{IDIndex: true}
	for _, ix := range c.Indexes {
		if err := ix.check(); err != nil {
			return fmt.Errorf("engine: collection %s: index %q: %w", c.Name, ix.Name(), err)
		}
		if seen[ix.Name()] {
			return fmt.Errorf("engine: collection %s: index %q is declared twice", c.Name, ix.Name())
		}
		seen[ix.Name()] = true
	}
	return nil
}

func (ix Index) check() error {
	if len(ix.Fields) == 0 {
		return errors.New("no fields")
	}
	fields := ix.Fields
	if ix.While != "" {
		fields = append(slices.Clone(fields), ix.While)
	} else if ix.Is != nil {
		return errors.New("a value and no field for it")
	}
	for _, f := range fields {
		if f == "" || strings.ContainsAny(f, "+\x00$") || strings.HasPrefix(f, ".") || strings.HasSuffix(f, ".") {
			return fmt.Errorf("%q is no field", f)
		}
	}
	_, err := AppendValue(nil, ix.Is)
	return err
}

func plainName(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
