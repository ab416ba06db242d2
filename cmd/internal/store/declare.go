package store

import (
	"errors"
	"fmt"
	"reflect"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Unique declares a unique index over one or more fields, by their bson names;
// a field of a nested struct is "outer.inner". See [engine.Index.Only] and
// [engine.Index.WhenPresent] for one that holds some rows only. Queries name an
// index by its fields joined by "+".
func Unique(fields ...string) engine.Index { return engine.Index{Fields: fields, Unique: true} }

// Index declares an index for queries.
func Index(fields ...string) engine.Index { return engine.Index{Fields: fields} }

// entity is a struct T whose pointer is a unit.Entity.
type entity[T any] interface {
	*T
	unit.Entity
}

// Declare declares a collection of T and gives its table:
//
//	people := Declare[authz.Person](db, "people", Unique("idHash"), Index("phoneHash"))
//
// What is wrong with the declaration is said by Ready.
func Declare[T any, P entity[T]](db *DB, name string, indexes ...engine.Index) unit.Table[T] {
	return declare[T, P](db, engine.Collection{Name: name, Indexes: indexes})
}

// DeclareOutbox is Declare for a collection whose rows are only inserted, and
// which nodes follow.
func DeclareOutbox[T any, P entity[T]](db *DB, name string, indexes ...engine.Index) unit.Table[T] {
	return declare[T, P](db, engine.Collection{Name: name, Indexes: indexes, Outbox: true})
}

func declare[T any, P entity[T]](db *DB, c engine.Collection) unit.Table[T] {
	p, err := newPlan(reflect.TypeFor[T](), c.Indexes)
	err = errors.Join(c.Check(), err)
	if db.declared[c.Name] != nil {
		err = errors.Join(err, errors.New("it is declared twice"))
	}
	if err != nil {
		db.faults = append(db.faults, fmt.Errorf("store: collection %s of %s: %w", c.Name, reflect.TypeFor[T](), err))
	}
	db.declared[c.Name] = &declared{c, p}
	return &collection[T]{db: db, name: c.Name, plan: p, head: func(v *T) *unit.Row { return P(v).Head() }}
}
