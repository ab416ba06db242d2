package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"yunzhang.dev/cmd/internal/store/engine"
)

// Keys gives the keys that fields and blobs are encrypted under, by class. The
// classes in use are "personal", "statement", "document" and "secret". Keys
// have at least 16 bytes and live outside the database.
type Keys interface {
	Class(name string) ([]byte, error)
}

// DB is a set of declared collections over an engine. Declare all of them, then
// call Ready, then use them.
type DB struct {
	engine   engine.Engine
	keys     Keys
	declared map[string]*declared
	faults   []error
	rows     rowKeys
}

// declared is what the database itself must know of a collection.
type declared struct {
	engine.Collection
	plan *plan
}

// New makes a DB without collections. The engine stays the caller's to close.
func New(e engine.Engine, keys Keys) *DB {
	return &DB{engine: e, keys: keys, declared: map[string]*declared{}}
}

// Engine gives the engine beneath.
func (db *DB) Engine() engine.Engine { return db.engine }

// Ready makes the declared collections and indexes in the engine. It says what
// is wrong with the declarations, and which class of fields has no key.
func (db *DB) Ready(ctx context.Context) error {
	errs := slices.Clone(db.faults)
	var all []engine.Collection
	for _, name := range slices.Sorted(maps.Keys(db.declared)) {
		d := db.declared[name]
		errs = append(errs, d.plan.takeKeys(db.keys, name))
		all = append(all, d.Collection)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return db.engine.Declare(ctx, all...)
}

// takeKeys gets the key of every class of fields, once: deriving it may cost
// more than sealing a field.
func (p *plan) takeKeys(keys Keys, collection string) (err error) {
	for i := range p.sealed {
		f := &p.sealed[i]
		if f.key, err = classKey(keys, f.class); err != nil {
			return fmt.Errorf("store: collection %s: field %s: %w", collection, f.name, err)
		}
	}
	return nil
}
