package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

func TestUnitsThatWaitShareACommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), embedded.Options{})
		declare(t, s, rows)
		commits := embedded.CountCommits(s)
		hold := make(chan struct{})
		var wg sync.WaitGroup
		insert := func(i int, err error) {
			wg.Go(func() {
				got := s.Update(context.Background(), func(tx engine.Tx) error {
					if i == 0 {
						<-hold
					}
					return errors.Join(tx.Insert("rows", row(fmt.Sprint("r", i), 1, i)), err)
				})
				if !errors.Is(got, err) {
					t.Errorf("unit %d: %v", i, got)
				}
			})
		}
		insert(0, nil)
		synctest.Wait()
		failing := errors.New("failing")
		for i := range 20 {
			insert(i+1, nil)
			insert(i+101, failing)
		}
		synctest.Wait()
		close(hold)
		wg.Wait()
		if *commits != 1 {
			t.Errorf("%d commits, want 1", *commits)
		}
		if n := count(t, s, "code"); n != 21 {
			t.Errorf("%d rows, want 21", n)
		}
	})
}

func TestCallerLeavesTheLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), embedded.Options{})
		declare(t, s, rows)
		hold := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = s.Update(context.Background(), func(engine.Tx) error { <-hold; return nil })
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		wg.Go(func() {
			err := s.Update(ctx, func(engine.Tx) error { t.Error("ran for a caller who had left"); return nil })
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(hold)
		wg.Wait()
		insertRow(t, s, "a", 1)
	})
}

func TestClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), embedded.Options{})
		declare(t, s, rows, engine.Collection{Name: "events", Outbox: true})
		tail, err := s.Tail(t.Context(), "events")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			err := s.Follow(context.Background(), "events", tail, func(engine.Change) error { return nil })
			if !errors.Is(err, engine.ErrClosed) {
				t.Errorf("follow: %v", err)
			}
		})
		hold := make(chan struct{})
		wg.Go(func() {
			err := s.View(context.Background(), func(tx engine.Tx) error { <-hold; _, err := tx.Get("rows", "a"); return err })
			if !errors.Is(err, unit.ErrAbsent) {
				t.Errorf("a view under way: %v", err)
			}
		})
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- s.Close() }()
		synctest.Wait()
		close(hold)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		wg.Wait()
		none := func(engine.Tx) error { return nil }
		for name, err := range map[string]error{
			"update": s.Update(t.Context(), none), "view": s.View(t.Context(), none), "declare": s.Declare(t.Context(), rows),
		} {
			if !errors.Is(err, engine.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestViewsWaitForAReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, t.TempDir(), embedded.Options{Now: time.Now, Readers: 1})
		declare(t, s, rows)
		hold := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { _ = s.View(context.Background(), func(engine.Tx) error { <-hold; return nil }) })
		synctest.Wait()
		insertRow(t, s, "a", 1) // the writer does not wait for readers
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.View(ctx, func(engine.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second view: %v", err)
		}
		close(hold)
		wg.Wait()
		if n := count(t, s, "code"); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}
