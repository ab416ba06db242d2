// Package unittest is a store for tests of domains: an in-memory [unit.Work]
// with typed tables, declared indexes and optimistic concurrency. It owns no
// rule and is linked into tests and the sandbox only; the real store is
// cmd/internal/store.
//
// It is honest where a shortcut would hide a defect:
//
//   - a unit reads one snapshot, and loses against a concurrent writer of the
//     same row only (snapshot isolation): a domain that decides on a row
//     without replacing it gets write skew here as it would in production;
//   - rows are copied on the way in and out, in the way a document store would
//     keep them: unexported fields are refused, times lose what is under a
//     millisecond;
//   - what is broken at commit makes the function run again, and [DB.Rehearse]
//     makes every function run twice.
package unittest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"yunzhang.dev/authz/unit"
)

// attempts bounds how often one Update runs its function: a caller that brings
// the same stale row each time must end with ErrConflict, not spin.
const attempts = 64

// DB is a store in memory. Make tables on it with [Table].
type DB struct {
	now func() time.Time

	mu       sync.Mutex // guards everything below
	seq      int64      // number of the last commit
	last     time.Time  // highest Tx.Now of a commit: the floor of the next
	tables   map[string]*collection
	rehearse bool
	onCommit func() (applied bool, err error)
}

// New makes an empty store whose units take their time from now.
func New(now func() time.Time) *DB {
	return &DB{now: now, tables: map[string]*collection{}}
}

// Rehearse makes every Update run its function once for nothing before it runs
// for good, which exposes effects outside the Tx.
func (db *DB) Rehearse() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.rehearse = true
}

// OnCommit installs a hook that runs in place of each commit that writes
// something; nil removes it. It says whether the commit is applied and what
// Update returns: (false, err) is a commit that failed, (true, err) one that
// was made and whose answer was lost, (true, nil) an ordinary one. The hook
// must not use the store.
func (db *DB) OnCommit(hook func() (applied bool, err error)) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.onCommit = hook
}

// Update implements [unit.Work].
func (db *DB) Update(ctx context.Context, fn func(unit.Tx) error) error {
	if db.rehearsing() {
		if err := db.once(ctx, fn, false); err != nil && !errors.Is(err, unit.ErrConflict) {
			return err
		}
	}
	var err error
	for range attempts {
		if err = db.once(ctx, fn, true); !errors.Is(err, unit.ErrConflict) {
			return err
		}
	}
	return err
}

// View implements [unit.Work].
func (db *DB) View(ctx context.Context, fn func(unit.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := db.begin(true)
	defer t.end()
	return fn(t)
}

func (db *DB) rehearsing() bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.rehearse
}

func (db *DB) once(ctx context.Context, fn func(unit.Tx) error, keep bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := db.begin(false)
	defer t.end()
	if err := fn(t); err != nil {
		return err
	}
	if !keep {
		return nil
	}
	return db.commit(t)
}

func (db *DB) begin(readOnly bool) *tx {
	now := db.now().UTC().Truncate(time.Millisecond)
	db.mu.Lock()
	defer db.mu.Unlock()
	if now.Before(db.last) {
		now = db.last
	}
	return &tx{db: db, now: now, seq: db.seq, readOnly: readOnly, writes: map[place]any{}}
}

// commit applies the writes of t, or nothing: ErrConflict when a row or a
// unique value it wrote was written by somebody else since it began.
func (db *DB) commit(t *tx) error {
	db.mu.Lock()
	defer db.mu.Unlock()
	if len(t.writes) == 0 {
		return nil
	}
	for at, row := range t.writes {
		c := db.tables[at.table]
		if c.changedSince(at.id, t.seq) || c.taken(at.id, row, db.seq, t) {
			return unit.ErrConflict
		}
	}
	applied, err := true, error(nil)
	if db.onCommit != nil {
		applied, err = db.onCommit()
	}
	if !applied {
		return err
	}
	db.seq++
	db.last = t.now
	for at, row := range t.writes {
		c := db.tables[at.table]
		c.rows[at.id] = append(c.rows[at.id], version{db.seq, row})
	}
	return err
}

// place names one row of the store.
type place struct{ table, id string }

// tx is one unit of work. It is used by one goroutine.
type tx struct {
	db       *DB
	now      time.Time
	seq      int64 // the commit whose state this unit sees
	readOnly bool
	done     bool
	writes   map[place]any // rows as stored: pointers that nobody else holds
}

// Now implements [unit.Tx].
func (t *tx) Now() time.Time { return t.now }

func (t *tx) end() { t.done = true }

// use gives the unit behind a Tx, or why it cannot be used here.
func (db *DB) use(u unit.Tx, write bool) (*tx, error) {
	t, ok := u.(*tx)
	switch {
	case !ok || t.db != db:
		return nil, fmt.Errorf("unittest: the unit of work belongs to another store (%T)", u)
	case t.done:
		return nil, errors.New("unittest: the unit of work has ended")
	case write && t.readOnly:
		return nil, errors.New("unittest: a view cannot write")
	}
	return t, nil
}
