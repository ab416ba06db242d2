package embedded

import (
	"context"
	"errors"
)

// Crash ends a store as the death of its process would, at the next commit:
// the units of that batch are told nothing but an error, whether they were
// committed (which applied decides) or not.
func Crash(s *Store, applied bool) {
	s.stopOnce.Do(func() { close(s.stop) })
	if s.enter(context.Background()) != nil {
		return
	}
	died := errors.New("died")
	s.closed = true
	s.failed = died
	commit := s.line.commit
	s.line.commit = func(b *batch) {
		if applied {
			commit(b)
		} else {
			_ = s.broke(died)
			commit(b)
		}
		b.err = died
	}
	_ = s.line.leave(true)
	_ = s.readers.close()
	_ = s.release()
}

// CountCommits counts the batches that had something to store.
func CountCommits(s *Store) *int {
	commits, commit := 0, s.line.commit
	s.line.commit = func(b *batch) {
		if b.wrote {
			commits++
		}
		commit(b)
	}
	return &commits
}

// FailCommits lets every further commit fail in the way of a broken disk.
func FailCommits(s *Store) {
	s.line.commit = func(b *batch) {
		if b.wrote {
			_ = s.w.exec(rollback) // so that the COMMIT that follows fails
		}
		s.commit(b)
	}
}

// Script runs SQL behind the back of a store at rest.
func Script(t interface{ Fatal(...any) }, s *Store, sql string) {
	if err := s.w.script(sql); err != nil {
		t.Fatal(err)
	}
}
