package embedded

import (
	"context"
	"errors"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Update implements [engine.Engine]. fn runs in the caller's goroutine, with
// the turn at the writing connection, so that a panic (or a test's FailNow) in
// it ends the caller and nobody else.
func (s *Store) Update(ctx context.Context, fn func(engine.Tx) error) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	settled := false
	defer func() {
		if outcome := s.line.leave(false); settled && outcome != nil {
			err = outcome
		}
	}()
	if s.rehearsal != nil {
		_ = s.unit(s.rehearsal.first(), fn, false)
	}
	err = s.unit(s.rehearsal.second(), fn, true)
	settled = true
	return err
}

// unit runs fn in a savepoint of the batch's transaction. What it wrote stays
// only if it succeeds and keep is set.
func (s *Store) unit(luck *luck, fn func(engine.Tx) error, keep bool) (err error) {
	t := &tx{s: s, c: s.w, begin: s.transaction, now: s.clock.read(), writable: true, luck: luck}
	stays := false
	defer func() {
		t.end(stays)
		if stays && s.line.batch.broken != nil {
			err = s.line.batch.broken
		}
	}()
	err = fn(t)
	switch {
	case errors.Is(t.lost, unit.ErrConflict):
		return t.lost // whatever fn made of it rests on a lost race
	case err == nil && t.lost != nil:
		return t.lost
	case err == nil && t.wrote && luck.committing():
		return unit.ErrConflict
	}
	stays = keep && err == nil
	return err
}
