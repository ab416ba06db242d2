// Package unit is the unit of work: what a domain may ask of a store, and
// nothing more.
//
// A domain declares its entities as plain structs that embed [Row], receives a
// [Table] for each of them and a [Work] to run transactions, and keeps every
// rule to itself. The store (cmd/internal/store) implements both once, over any
// engine. The package owns no rule and no storage.
package unit

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
	"time"
)

// What a Table answers besides the value. A domain turns them into its own
// faults; they never reach a caller of the system.
var (
	// ErrAbsent: no row has this id.
	ErrAbsent = errors.New("unit: no such row")
	// ErrTaken: an insert (or replace) would break a unique index or reuse an id.
	ErrTaken = errors.New("unit: unique value taken")
	// ErrConflict: the row changed since it was read. Work.Update runs the
	// function again when it sees this error, so a domain returns it untouched.
	ErrConflict = errors.New("unit: row changed since it was read")
)

// Tx is one unit of work, made by a store only. Everything done with the same
// Tx becomes durable together or not at all.
type Tx interface {
	// Now is the store's time, fixed once for the unit: UTC, whole
	// milliseconds, never earlier than any time already stored; a store of
	// several machines may fall behind one by less than a second when another of
	// them takes over. It is the only clock that decides deadlines.
	Now() time.Time
}

// Row is the part of every entity that belongs to the store.
type Row struct {
	ID string `bson:"_id"`
	// Ver starts at 1 and grows by one with every Replace; Replace compares it.
	Ver int64 `bson:"ver"`
}

// Head gives the store access to the row of an entity that embeds Row.
func (r *Row) Head() *Row { return r }

// Entity is what a Table holds: a pointer to a struct that embeds Row.
type Entity interface{ Head() *Row }

// Query asks for rows through one declared index.
type Query struct {
	Index string // name of the declared index
	Key   []any  // values for the leading fields of the index, all equal
	After []any  // resume behind these values of the remaining fields (and the id last); nil: from the start
	Desc  bool   // order of the remaining fields and the id
	Limit int    // 0: DefaultLimit
}

// DefaultLimit bounds a Query that names no limit, so that no list can take
// unbounded memory.
const DefaultLimit = 1000

// Table is a typed collection. T is the struct itself; *T is an Entity.
type Table[T any] interface {
	// Get reads a row; ErrAbsent when there is none.
	Get(tx Tx, id string) (*T, error)
	// Insert adds a row and sets Ver to 1; ErrTaken when the id or a unique
	// value exists. A store across the network may find that out later: the
	// function of the unit then runs again, and meets it here.
	Insert(tx Tx, v *T) error
	// Replace writes the row if its Ver is still the stored one and raises it;
	// ErrConflict when not. Replacing a row with equal content is a real
	// modification: it conflicts with every concurrent writer, which is how a
	// decision ties itself to what it relied on.
	Replace(tx Tx, v *T) error
	// Find lists rows in index order.
	Find(tx Tx, q Query) ([]*T, error)
}

// Work runs units of work.
type Work interface {
	// Update runs fn and commits what it wrote; on return without error it is
	// durable. fn may run several times (conflicts), so it must have no effect
	// outside the Tx and must re-read what it decides on. An error of fn rolls
	// everything back and is returned as it is.
	Update(ctx context.Context, fn func(Tx) error) error
	// View runs fn on one committed snapshot; writes fail.
	View(ctx context.Context, fn func(Tx) error) error
}

// NewID makes a public identifier: prefix, underscore, 26 lower-case characters
// of 128 random bits. Identifiers are names, not secrets.
func NewID(prefix string) string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("unit: the system has no randomness: " + err.Error())
	}
	return prefix + "_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
