package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Keys gives the field-encryption key of a class, 16 bytes.
type Keys interface {
	Class(name string) ([]byte, error)
}

// DB is a set of declared collections over an engine. Declare all of them, then
// call Ready, then use them.
type DB struct {
	engine   engine.Engine
	keys     Keys
	declared []engine.Collection
	faults   []error
}

// New makes a DB without collections.
func New(e engine.Engine, keys Keys) *DB { return &DB{engine: e, keys: keys} }

// Unique declares a unique index over fields, by their bson names.
func Unique(fields ...string) engine.Index { return engine.Index{Fields: fields, Unique: true} }

// Index declares an index for queries.
func Index(fields ...string) engine.Index { return engine.Index{Fields: fields} }

// Declare declares a collection of T and gives its table. What is wrong with
// the declaration is said by Ready.
func Declare[T any, P interface {
	*T
	unit.Entity
}](db *DB, name string, indexes ...engine.Index) unit.Table[T] {
	return declare[T, P](db, engine.Collection{Name: name, Indexes: indexes})
}

// DeclareOutbox is Declare for an insert-only collection that can be followed.
func DeclareOutbox[T any, P interface {
	*T
	unit.Entity
}](db *DB, name string, indexes ...engine.Index) unit.Table[T] {
	return declare[T, P](db, engine.Collection{Name: name, Indexes: indexes, Outbox: true})
}

func declare[T any, P interface {
	*T
	unit.Entity
}](db *DB, c engine.Collection) unit.Table[T] {
	sealed, err := newSealer(c.Name, reflect.TypeFor[T](), db.keys)
	if err != nil {
		db.faults = append(db.faults, err)
	}
	db.declared = append(db.declared, c)
	return collection[T, P]{name: c.Name, sealer: sealed}
}

// Ready makes the declared collections and indexes in the engine.
func (db *DB) Ready(ctx context.Context) error {
	if err := errors.Join(db.faults...); err != nil {
		return err
	}
	return db.engine.Declare(ctx, db.declared...)
}

// Engine gives the engine beneath.
func (db *DB) Engine() engine.Engine { return db.engine }

// collection implements unit.Table.
type collection[T any, P interface {
	*T
	unit.Entity
}] struct {
	name   string
	sealer *sealer
}

// Get implements unit.Table.
func (c collection[T, P]) Get(tx unit.Tx, id string) (*T, error) {
	t, err := of(tx)
	if err != nil {
		return nil, err
	}
	raw, err := t.Get(c.name, id)
	if err != nil {
		return nil, err
	}
	return c.decode(raw)
}

// Insert implements unit.Table.
func (c collection[T, P]) Insert(tx unit.Tx, v *T) error {
	t, err := of(tx)
	if err != nil {
		return err
	}
	head := P(v).Head()
	before := head.Ver
	head.Ver = 1
	raw, err := c.encode(v, head.ID)
	if err == nil {
		err = t.Insert(c.name, raw)
	}
	if err != nil {
		head.Ver = before
	}
	return err
}

// Replace implements unit.Table.
func (c collection[T, P]) Replace(tx unit.Tx, v *T) error {
	t, err := of(tx)
	if err != nil {
		return err
	}
	head := P(v).Head()
	head.Ver++
	raw, err := c.encode(v, head.ID)
	if err == nil {
		err = t.Replace(c.name, raw)
	}
	if err != nil {
		head.Ver--
	}
	return err
}

// Find implements unit.Table.
func (c collection[T, P]) Find(tx unit.Tx, q unit.Query) ([]*T, error) {
	t, err := of(tx)
	if err != nil {
		return nil, err
	}
	q.Key, q.After = plainAll(q.Key), plainAll(q.After)
	found, err := t.Find(c.name, q)
	if err != nil {
		return nil, err
	}
	list := make([]*T, len(found))
	for i, raw := range found {
		if list[i], err = c.decode(raw); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// of gives the engine's unit behind a domain's.
func of(tx unit.Tx) (engine.Tx, error) {
	t, ok := tx.(engine.Tx)
	if !ok {
		return nil, fmt.Errorf("store: %T is no unit of work of this store", tx)
	}
	return t, nil
}

func (c collection[T, P]) encode(v *T, id string) (bson.Raw, error) {
	raw, err := bson.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("store: write %s: %w", c.name, err)
	}
	return c.sealer.seal(raw, id)
}

func (c collection[T, P]) decode(raw bson.Raw) (*T, error) {
	plain, err := c.sealer.open(raw)
	if err != nil {
		return nil, err
	}
	v := new(T)
	if err := bson.Unmarshal(plain, v); err != nil {
		return nil, fmt.Errorf("store: read %s: %w", c.name, err)
	}
	return v, nil
}

// plainAll gives query values in the types that engines know: a domain's own
// string, number or digest type is a string, a number, bytes.
func plainAll(values []any) []any {
	if values == nil {
		return nil
	}
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = plain(v)
	}
	return out
}

func plain(v any) any {
	switch v.(type) {
	case nil, string, bool, int, int64, []byte, time.Time:
		return v
	}
	r := reflect.ValueOf(v)
	switch {
	case r.Kind() == reflect.String:
		return r.String()
	case r.CanInt():
		return r.Int()
	case r.Kind() == reflect.Bool:
		return r.Bool()
	case r.Kind() == reflect.Array && r.Type().Elem().Kind() == reflect.Uint8:
		b := make([]byte, r.Len())
		reflect.Copy(reflect.ValueOf(b), r)
		return b
	}
	return v // the engine refuses it by name
}
