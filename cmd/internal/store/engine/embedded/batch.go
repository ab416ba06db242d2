package embedded

import (
	"context"
	"fmt"

	"yunzhang.dev/cmd/internal/store/engine"
)

// enter waits for the writing connection in the name of a unit.
func (s *Store) enter(ctx context.Context) error {
	if err := s.line.enter(ctx); err != nil {
		return err
	}
	refused := s.failed
	if s.closed {
		refused = engine.ErrClosed
	}
	if refused != nil {
		_ = s.line.leave(false)
	}
	return refused
}

// transaction opens the transaction of the batch for a unit that wants to
// read or write.
func (s *Store) transaction() error {
	b := s.line.batch
	if b.broken != nil || b.open {
		return b.broken
	}
	if err := s.w.exec(begin); err != nil {
		return s.broke(fmt.Errorf("begin: %w", err))
	}
	b.open = true
	return nil
}

// broke notes that the database failed under the batch: nothing of it will be
// committed, and each of its units gets the error.
func (s *Store) broke(err error) error {
	b := s.line.batch
	if b.broken == nil {
		b.broken = err
	}
	return b.broken
}

// commit makes a batch durable. It is called by the unit that has the turn.
func (s *Store) commit(b *batch) {
	switch {
	case b.broken != nil:
		b.err = b.broken
		if b.open {
			_ = s.w.exec(rollback) // the database may have done it already
		}
		return
	case b.open && !b.wrote:
		b.err = s.w.exec(rollback)
		return
	case b.open:
		b.err = s.flush()
	}
	if b.err != nil {
		return
	}
	if b.then != nil {
		b.then()
	}
	if b.forgot {
		s.tail.restart(s.next - 1)
	} else {
		s.tail.add(b.fresh)
	}
	if len(b.fresh) > 0 {
		s.bell.ring()
	}
}

// flush stores the clock's floor beside what the units wrote and commits. When
// the commit itself fails for another reason than a full disk, nobody can say
// what a later start will find: the store stops.
func (s *Store) flush() error {
	err := s.w.exec(setMeta, s.clock.floor.Load(), s.next)
	if err == nil {
		err = s.w.exec(commit)
		if err != nil && !isFull(err) {
			s.failed = fmt.Errorf("the store stopped after a failed commit and must be opened again: %w", err)
		}
	}
	if err != nil {
		_ = s.w.exec(rollback)
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}
