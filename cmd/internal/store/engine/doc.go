// Package engine is the port between the typed store and a database:
// transactions over collections of BSON documents with declared indexes, and
// an insert-only outbox that can be followed. engine/embedded implements it on
// SQLite; engine/enginetest is the suite every implementation passes. The
// package owns the port, the order of values and nothing that stores.
//
// # Documents
//
// A document begins with "_id" (a string, not empty) and "ver" (a 64-bit
// integer from 1), in this order; everything behind them is the caller's. One
// document has at most [MaxDocument] bytes.
//
// No two runs of a unit write equal documents: an engine that lost the answer to a
// commit tells by a document whose it is, and two that are equal are nobody's.
//
// # Order
//
// Indexes order values like MongoDB does: null and absent are one value and
// come first, then integers of either width by number, strings by their bytes,
// binary by length, subtype and bytes, false before true, and times. Values of
// other kinds (arrays, documents, floating point, …) cannot be indexed: a write
// that would do it is refused. Rows that are equal in all fields of an index
// are ordered by id.
//
// # Units
//
// A unit of work sees one snapshot and its own writes. Two units that wrote
// the same document cannot both commit. A unit that only read what another
// wrote is not protected (write skew): what a decision rests on must be
// replaced.
//
// After [unit.ErrTaken] or [unit.ErrConflict] a unit is lost: its further calls
// give the same error and it cannot commit, whatever its function returns. A
// distributed database has aborted the transaction by then, and a function
// that went on would work on one engine and not on the other.
//
// A distributed engine asks nobody when Insert or Replace is called and sends
// all writes of a unit together. When a unique value turns out to be taken
// then, it undoes the unit and runs its function again from the start, this
// time with every write sent at once: unit.ErrTaken always comes from the call
// that caused it, though perhaps not in the first run. What a function keeps
// outside the unit is that of the last run only if each run begins by
// resetting it.
package engine
