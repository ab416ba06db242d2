package store

import (
	"errors"
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
)

// Glances reads some fields of the rows of a collection that is declared as a
// whole elsewhere: what is looked at by the thousand need not be opened.
type Glances[T any] struct{ rows collection[T] }

// Glance gives a look at a declared collection by the fields of T, none of which
// is encrypted there. What is wrong with it is said by Ready.
func Glance[T any, P entity[T]](db *DB, name string) *Glances[T] {
	p, err := newPlan(reflect.TypeFor[T](), nil)
	if whole := db.declared[name]; whole == nil {
		err = errors.Join(err, errors.New("it is not declared"))
	} else {
		err = errors.Join(err, whole.plan.inTheClear(reflect.TypeFor[T]()))
	}
	if err != nil {
		db.faults = append(db.faults, fmt.Errorf("store: a glance at %s by %s: %w", name, reflect.TypeFor[T](), err))
	}
	return &Glances[T]{collection[T]{db: db, name: name, plan: p}}
}

// inTheClear refuses a type with a field that this plan seals.
func (p *plan) inTheClear(t reflect.Type) error {
	for i := range t.NumField() {
		for _, f := range p.sealed {
			if tagOf(t.Field(i)).name == f.name {
				return fmt.Errorf("field %s is encrypted", f.name)
			}
		}
	}
	return nil
}

// Get reads a row; unit.ErrAbsent when there is none.
func (g *Glances[T]) Get(u unit.Tx, id string) (*T, error) {
	t, err := g.rows.in(u)
	if err != nil {
		return nil, err
	}
	doc, err := t.Get(g.rows.name, id)
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := bson.Unmarshal(doc, v); err != nil {
		return nil, fmt.Errorf("store: decode a row of %s: %w", g.rows.name, err)
	}
	return v, nil
}
