package embedded

import (
	"context"
	"runtime"
	"slices"
	"sync"
)

// maxBatch bounds how many units share a commit, so that the first of them
// does not wait for a crowd: at some tens of microseconds a unit this is a few
// milliseconds.
const maxBatch = 128

// line hands the turn at the writing connection from unit to unit. Whoever has
// the turn owns the connection and the fields of the batch.
type line struct {
	commit func(*batch) // makes a batch durable, or says in it why not

	mu      sync.Mutex // guards busy and waiting
	busy    bool       // somebody has the turn
	waiting []chan struct{}

	batch *batch
	crowd bool // the last batch had company
}

// batch is one transaction of the database, shared by several units.
type batch struct {
	units  int
	open   bool          // BEGIN was sent
	wrote  bool          // there is something to make durable
	fresh  []inserted    // into outboxes
	forgot bool          // something was removed from an outbox
	broken error         // the database has dropped the transaction
	then   func()        // runs after a good commit, before the turn goes on
	done   chan struct{} // closed behind the commit
	err    error         // outcome; readable behind done
}

func newLine(commit func(*batch)) *line {
	return &line{commit: commit, batch: newBatch()}
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// enter waits for the turn. With an error the caller does not have it.
func (l *line) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	if !l.busy {
		l.busy = true
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{}, 1)
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		l.forgo(turn)
		return ctx.Err()
	}
}

// forgo gives up a place in the line, or the turn itself when it has just come.
func (l *line) forgo(turn chan struct{}) {
	l.mu.Lock()
	i := slices.Index(l.waiting, turn)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 {
		<-turn
		_ = l.leave(false)
	}
}

// leave gives the turn away and returns behind the commit of the batch with
// its outcome. alone commits at once, without letting others join.
func (l *line) leave(alone bool) error {
	b := l.batch
	b.units++
	if !alone && b.units < maxBatch && l.joined() {
		<-b.done
		return b.err
	}
	l.crowd = b.units > 1
	l.commit(b)
	l.batch = newBatch()
	close(b.done)
	l.pass(true)
	return b.err
}

// joined hands the turn to a unit that will share the commit. After a crowd it
// looks twice: those whom the last commit released are about to come again.
func (l *line) joined() bool {
	if l.pass(false) {
		return true
	}
	if !l.crowd {
		return false
	}
	runtime.Gosched()
	return l.pass(false)
}

// pass hands the turn to the next in line. With nobody there the caller keeps
// it, or it ends when last is set.
func (l *line) pass(last bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.busy = !last
		return false
	}
	next := l.waiting[0]
	l.waiting = slices.Delete(l.waiting, 0, 1)
	next <- struct{}{}
	return true
}
