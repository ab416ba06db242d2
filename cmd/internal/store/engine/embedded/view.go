package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"

	"yunzhang.dev/cmd/internal/store/engine"
)

// readers is the stock of connections for views.
type readers struct {
	file string
	room chan struct{} // one for each connection that is lent out
	stop <-chan struct{}

	mu   sync.Mutex
	idle []*conn // guarded by mu
}

func newReaders(file string, limit int, stop <-chan struct{}) *readers {
	if limit <= 0 {
		limit = DefaultReaders
	}
	return &readers{file: file, room: make(chan struct{}, limit), stop: stop}
}

// lend gives a connection, making one when none is idle and the limit allows.
func (r *readers) lend(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-r.stop:
		return nil, engine.ErrClosed
	default:
	}
	select {
	case r.room <- struct{}{}:
	case <-r.stop:
		return nil, engine.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c := r.pick(); c != nil {
		return c, nil
	}
	// The pages that a reader holds are void with the next commit, and voiding
	// them costs by the size of the cache: half a MiB is more than a view reads.
	c, err := dial(r.file, "query_only(1)", "cache_size(-512)")
	if err != nil {
		<-r.room
		return nil, fmt.Errorf("embedded: open a reader: %w", err)
	}
	return c, nil
}

func (r *readers) pick() *conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.idle) - 1
	if last < 0 {
		return nil
	}
	c := r.idle[last]
	r.idle = r.idle[:last]
	return c
}

// back takes a connection that is outside any transaction; a spoiled one is
// closed.
func (r *readers) back(c *conn, spoiled bool) {
	if spoiled {
		_ = c.close()
	} else {
		r.mu.Lock()
		r.idle = append(r.idle, c)
		r.mu.Unlock()
	}
	<-r.room
}

// close waits for the views under way; lend refuses by now.
func (r *readers) close() error {
	for range cap(r.room) {
		r.room <- struct{}{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.idle {
		errs = append(errs, c.close())
	}
	r.idle = nil
	return errors.Join(errs...)
}

// View implements [engine.Engine].
func (s *Store) View(ctx context.Context, fn func(engine.Tx) error) error {
	v, err := s.view(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	return fn(v)
}

// snapshot is the unit of a view. Its transaction opens at the first use, and
// the clock is read behind that: no time in what it reads is later than its
// own.
type snapshot struct {
	tx
	open bool
}

func (s *Store) view(ctx context.Context) (*snapshot, error) {
	c, err := s.readers.lend(ctx)
	if err != nil {
		return nil, err
	}
	v := &snapshot{tx: tx{s: s, c: c}}
	v.begin = v.pin
	return v, nil
}

// pin opens the transaction; its state is chosen by the first read.
func (v *snapshot) pin() error {
	if v.open {
		return nil
	}
	if err := v.c.exec(beginRead); err != nil {
		return fmt.Errorf("embedded: begin a view: %w", err)
	}
	v.open = true
	return nil
}

// Now implements [engine.Tx].
func (v *snapshot) Now() time.Time {
	if v.now.IsZero() && !v.ended {
		if !v.open {
			_, _ = v.meta() // a failure shows at the next call
		}
		v.now = v.s.clock.read()
	}
	return v.now
}

// meta reads, as of the snapshot, the number of the next row.
func (v *snapshot) meta() (next int64, err error) {
	if err := v.pin(); err != nil {
		return 0, err
	}
	err = v.c.query(getMeta, func(row []driver.Value) error {
		next = row[2].(int64)
		return nil
	})
	return next, err
}

func (v *snapshot) close() {
	v.ended = true
	spoiled := false
	if v.open {
		spoiled = v.c.exec(commit) != nil
	}
	v.s.readers.back(v.c, spoiled || v.lost != nil)
}
