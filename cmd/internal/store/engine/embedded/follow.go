package embedded

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"
	"sync"

	"yunzhang.dev/cmd/internal/store/engine"
)

// followBatch bounds how many changes are held in memory for a follower.
const followBatch = 256

// bell wakes the followers behind a commit.
type bell struct {
	mu   sync.Mutex
	next chan struct{} // closed by ring; guarded by mu
}

func newBell() *bell { return &bell{next: make(chan struct{})} }

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}

// wait gives what the next ring will close.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

// Tail implements [engine.Engine].
func (s *Store) Tail(ctx context.Context, collection string) (engine.Position, error) {
	if _, err := s.outbox(collection); err != nil {
		return "", err
	}
	v, err := s.view(ctx)
	if err != nil {
		return "", err
	}
	defer v.close()
	next, err := v.meta()
	if err != nil {
		return "", fmt.Errorf("embedded: read the end of %s: %w", collection, err)
	}
	return position(next - 1), nil
}

// Follow implements [engine.Engine].
func (s *Store) Follow(ctx context.Context, collection string, after engine.Position, fn func(engine.Change) error) error {
	c, err := s.outbox(collection)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(after), 10, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("embedded: %q is no position in %s", after, collection)
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		woken := s.bell.wait() // before looking, so that no ring is missed
		changes, err := s.since(ctx, c, n)
		if err != nil {
			return err
		}
		for _, change := range changes {
			if err := fn(change); err != nil {
				return err
			}
			n, _ = strconv.ParseInt(string(change.Position), 10, 64)
		}
		if len(changes) == followBatch {
			continue // there is more
		}
		select {
		case <-woken:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.stop:
			return engine.ErrClosed
		}
	}
}

// since reads what was inserted behind row n, or that the outbox no longer
// knows.
func (s *Store) since(ctx context.Context, c *collected, n int64) ([]engine.Change, error) {
	if changes, ok := s.tail.since(c.id, n, followBatch); ok {
		return changes, nil
	}
	v, err := s.view(ctx)
	if err != nil {
		return nil, err
	}
	defer v.close()
	lost, err := v.lostUpTo(c)
	if err != nil {
		return nil, err
	}
	if n < lost {
		return nil, fmt.Errorf("follow %s: %w", c.Name, engine.ErrHistoryLost)
	}
	var changes []engine.Change
	err = v.c.query(follow, func(row []driver.Value) error {
		changes = append(changes, engine.Change{Position: position(row[0].(int64)), Doc: row[1].([]byte)})
		return nil
	}, c.order(), orderKey(n), int64(followBatch))
	if err != nil {
		return nil, v.fail("follow "+c.Name, err)
	}
	return changes, nil
}

// lostUpTo gives the last row of an outbox that was removed.
func (v *snapshot) lostUpTo(c *collected) (lost int64, err error) {
	if err := v.pin(); err != nil {
		return 0, v.lose(err)
	}
	err = v.c.query(getLost, func(row []driver.Value) error {
		lost = row[0].(int64)
		return nil
	}, c.id)
	if err != nil {
		err = v.fail("follow "+c.Name, err)
	}
	return lost, err
}

func (s *Store) outbox(collection string) (*collected, error) {
	c, err := s.declared.Load().find(collection)
	if err == nil && !c.Outbox {
		err = fmt.Errorf("embedded: %s is not an outbox", collection)
	}
	return c, err
}

func position(n int64) engine.Position { return engine.Position(strconv.FormatInt(n, 10)) }
