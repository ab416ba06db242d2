package engine

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
)

// MaxDocument bounds one document in bytes: well under the 16 MiB of MongoDB,
// so that a row that can be stored here can be stored there with its frame.
const MaxDocument = 8 << 20

// What an engine answers besides unit.ErrAbsent, unit.ErrTaken and
// unit.ErrConflict.
var (
	// ErrReadOnly: a view tried to write.
	ErrReadOnly = errors.New("engine: a view cannot write")
	// ErrEnded: a Tx was used after its function returned.
	ErrEnded = errors.New("engine: the unit of work has ended")
	// ErrClosed: the engine has been closed.
	ErrClosed = errors.New("engine: closed")
	// ErrUnknown: a unit was to be committed and nobody could find out whether
	// it was. Whoever asked for it finds out by reading.
	ErrUnknown = errors.New("engine: whether the unit was committed is not known")
	// ErrHistoryLost: the outbox no longer holds what follows the position.
	// The follower starts again at Tail and looks at everything afresh.
	ErrHistoryLost = errors.New("engine: the outbox does not reach back to this position")
)

// Engine is a database of declared collections. It is safe for concurrent use.
type Engine interface {
	// Declare makes the collections and indexes that do not exist yet and
	// builds new indexes over existing documents. It is idempotent, and it is
	// called before the first use of a collection. A unique index over
	// documents that already break it is refused, and what was declared before
	// stays in force. What a declaration no longer names is dropped by an
	// engine that one process has to itself; one that several share keeps it
	// for the others, until an operator drops it.
	Declare(ctx context.Context, collections ...Collection) error

	// Update runs fn and commits what it wrote. Return without error means
	// durable; an error of fn rolls everything back and is returned as it is. A
	// lost race is unit.ErrConflict, and it is the caller who tries again. An
	// engine may run fn more than once, each time from nothing (see the
	// package comment); only its last run counts. fn must not call Update of
	// the same engine. What fn saw is committed if Update succeeds. A unit that
	// fails may have seen what a majority never had: good enough to refuse
	// somebody and let him try again, but no fact to act on.
	Update(ctx context.Context, fn func(Tx) error) error

	// View runs fn on one committed snapshot.
	View(ctx context.Context, fn func(Tx) error) error

	// Tail gives a position behind the last committed insert of an outbox. Two
	// positions at one place need not be equal.
	Tail(ctx context.Context, collection string) (Position, error)

	// Follow calls fn for every document inserted into an outbox after the
	// position, in the order of their commits, first those that are there and
	// then each one after its commit. It returns when ctx ends, when fn fails,
	// or with ErrHistoryLost. What it delivers are hints: state is read from
	// the documents.
	Follow(ctx context.Context, collection string, after Position, fn func(Change) error) error

	// Close waits for units under way and gives the database back.
	Close() error
}

// Tx is one unit of work, used by one goroutine and only inside its function.
type Tx interface {
	// Now is the time of the unit (unit.Tx).
	Now() time.Time

	// Get reads a document, or gives unit.ErrAbsent. The bytes belong to the
	// caller.
	Get(collection, id string) (bson.Raw, error)

	// Insert adds a document with the "ver" it carries; unit.ErrTaken when its
	// id or a unique value exists.
	Insert(collection string, doc bson.Raw) error

	// Replace puts doc in the place of the stored document of the same id,
	// whose "ver" must be one less than that of doc; otherwise
	// unit.ErrConflict. unit.ErrAbsent when there is none, unit.ErrTaken when a
	// unique value exists elsewhere.
	Replace(collection string, doc bson.Raw) error

	// Delete removes a document, or gives unit.ErrAbsent. Rows of the business
	// are never deleted: this is for what has lapsed.
	Delete(collection, id string) error

	// Find lists documents in the order of one declared index, or of the index
	// "_id" that every collection has. Values of the query are nil, strings,
	// integers, booleans, times and bytes. No limit means unit.DefaultLimit.
	Find(collection string, q unit.Query) ([]bson.Raw, error)
}

// Fetcher is a Tx that can read several things at once, at the price of one. An
// engine for which that gains nothing does not implement it.
type Fetcher interface {
	// Fetch says what the unit is about to read, so that it is there when it
	// is asked for. It is a hint: it changes no answer.
	Fetch(refs ...Ref) error
}

// Ref names what Fetch reads: a row by its id, or what a query lists.
type Ref struct {
	Collection string
	ID         string
	Query      *unit.Query // in the place of ID
}

// Position names a place in the order of commits of an outbox. It is opaque,
// can be kept across restarts, and belongs to one collection of one engine.
type Position string

// Change is one insert into an outbox, and the position behind it.
type Change struct {
	Position Position
	Doc      bson.Raw
}
