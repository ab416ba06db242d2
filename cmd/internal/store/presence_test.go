package store_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// dial is a clock that is set on by hand.
type dial struct {
	mu sync.Mutex
	by time.Duration
}

func (d *dial) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Add(d.by)
}

func (d *dial) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.by += by
}

// halfway is a bucket that lets something happen when it is listed for the nth
// time: a move lists the source's once to copy and once to sum.
type halfway struct {
	store.Lister
	n    int
	then func()
}

func (h *halfway) Names(ctx context.Context, fn func(string) error) error {
	if h.n--; h.n == 0 {
		h.then()
	}
	return h.Lister.Names(ctx, fn)
}

// timed is a furnished place whose main store's time is the dial's.
func timed(t *testing.T, d *dial) *store.Stores {
	t.Helper()
	e, err := embedded.Open(filepath.Join(t.TempDir(), "main"), embedded.Options{Now: d.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	s := place(t, "timed")
	s.Main = store.NewMain(store.New(e, keys{}))
	if err := s.Main.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	furnish(t, s, 10)
	return s
}

// writeLate writes a row as a node does that goes on working.
func writeLate(ctx context.Context, m *store.Main) error {
	return m.Work.Update(ctx, func(tx unit.Tx) error {
		return m.Authz.People.Insert(tx, &authz.Person{Row: unit.Row{ID: "us_late"}, IDHash: "late", Name: "迟"})
	})
}

// The mover sleeps for longer than its lease, behind the rows of the source that
// it has summed up; meanwhile a node works there, and goes again or stays.
func TestMoveThatWasOvertakenDoesNotEnd(t *testing.T) {
	t.Parallel()
	for name, stays := range map[string]bool{"the node stays": true, "the node goes again": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &dial{}
			a, b := timed(t, d), place(t, "b")
			a.Blobs = &halfway{a.Blobs, 2, func() {
				d.advance(11 * time.Minute)
				p, err := a.Main.Enter(t.Context(), "f1", "node1")
				if err != nil {
					t.Errorf("the mover's lease is over: %v", err)
					return
				}
				err = writeLate(t.Context(), a.Main)
				if !stays {
					err = errors.Join(err, p.Leave(t.Context()))
				}
				if err != nil {
					t.Error(err)
				}
			}}
			if _, _, err := store.Move(t.Context(), a, b, "f1", quietly); !errors.Is(err, store.ErrFenced) {
				t.Errorf("the move ends without what was acknowledged: %v", err)
			}
			if err := visit(t.Context(), b.Main, "f1"); !errors.Is(err, store.ErrMoving) {
				t.Errorf("a node on the target: %v", err)
			}
			if err := visit(t.Context(), a.Main, "f1"); err != nil {
				t.Errorf("a node on the source: %v", err)
			}
		})
	}
}

// A node that the mover did not see, since it was asleep itself, has taken a
// lease in the meantime.
func TestMoveDoesNotEndBesideAnyLease(t *testing.T) {
	t.Parallel()
	a, b := timed(t, &dial{}), place(t, "b")
	a.Blobs = &halfway{a.Blobs, 2, func() {
		if _, err := a.Main.LeasesOf("node1").Take(t.Context(), "beat", time.Minute); err != nil {
			t.Error(err)
		}
	}}
	if _, _, err := store.Move(t.Context(), a, b, "f1", quietly); !errors.Is(err, store.ErrRunning) {
		t.Errorf("beside a lease: %v", err)
	}
}

// A node without any job is seen, until it has left or long been silent.
func TestMoveWaitsForEveryNode(t *testing.T) {
	t.Parallel()
	d := &dial{}
	a, b := timed(t, d), place(t, "b")
	p, err := a.Main.Enter(t.Context(), "f1", "node1")
	if err != nil {
		t.Fatal(err)
	}
	refused := func() {
		t.Helper()
		if _, _, err := store.Move(t.Context(), a, b, "f1", quietly); !errors.Is(err, store.ErrRunning) || !strings.Contains(err.Error(), "node1") {
			t.Errorf("beside a node: %v", err)
		}
	}
	refused()
	d.advance(150 * time.Second)
	if err := p.Stay(t.Context()); err != nil {
		t.Error(err)
	}
	d.advance(150 * time.Second)
	refused()
	d.advance(31 * time.Second) // the node is asleep, or dead
	if _, _, err := store.Move(t.Context(), a, b, "f1", quietly); err != nil {
		t.Errorf("behind a node that is silent: %v", err)
	}
	if err := p.Stay(t.Context()); !errors.Is(err, store.ErrMoved) || !store.Over(err) {
		t.Errorf("the node wakes: %v", err)
	}
	a.Main.Work.While(p.Check)
	if err := writeLate(t.Context(), a.Main); !errors.Is(err, store.ErrSilent) {
		t.Errorf("it goes on: %v", err)
	}
}

// Nobody enters while a move runs, and a node that slept finds out.
func TestNobodyEntersDuringAMove(t *testing.T) {
	t.Parallel()
	d := &dial{}
	a, b := timed(t, d), place(t, "b")
	asleep, err := a.Main.Enter(t.Context(), "f1", "node1")
	if err != nil {
		t.Fatal(err)
	}
	d.advance(4 * time.Minute)
	a.Blobs = &halfway{a.Blobs, 1, func() {
		if err := visit(t.Context(), a.Main, "f1"); !errors.Is(err, store.ErrMoving) {
			t.Errorf("a node starts: %v", err)
		}
		if err := a.Main.Matches(t.Context(), "f1"); !errors.Is(err, store.ErrMoving) {
			t.Errorf("a probe: %v", err)
		}
		if err := asleep.Stay(t.Context()); !errors.Is(err, store.ErrMoving) || asleep.Check() == nil {
			t.Errorf("a node wakes: %v", err)
		}
	}}
	if _, _, err := store.Move(t.Context(), a, b, "f1", quietly); err != nil {
		t.Error(err)
	}
}

// A node and a move that begin at once: one of the two is refused.
func TestNodeOrMove(t *testing.T) {
	t.Parallel()
	for range 10 {
		a, b := timed(t, &dial{}), place(t, "b")
		var entered error
		var all sync.WaitGroup
		all.Go(func() { _, entered = a.Main.Enter(t.Context(), "f1", "node1") })
		_, _, moved := store.Move(t.Context(), a, b, "f1", quietly)
		all.Wait()
		if (entered == nil) == (moved == nil) {
			t.Errorf("entered: %v, moved: %v", entered, moved)
		}
	}
}

// What crashed nodes left is forgotten; what left by itself is gone at once.
func TestPresencesAreForgotten(t *testing.T) {
	t.Parallel()
	d := &dial{}
	a := timed(t, d)
	for range 3 {
		if _, err := a.Main.Enter(t.Context(), "f1", "crashed"); err != nil {
			t.Fatal(err)
		}
	}
	if n := presences(t, a.Main); n != 3 {
		t.Errorf("%d presences", n)
	}
	d.advance(2 * time.Hour)
	if err := visit(t.Context(), a.Main, "f1"); err != nil {
		t.Error(err)
	}
	d.advance(-2 * time.Hour) // what is still there would be live
	if n := presences(t, a.Main); n != 0 {
		t.Errorf("%d presences left", n)
	}
}

func presences(t *testing.T, m *store.Main) (n int) {
	t.Helper()
	live, err := m.LeasesOf("").Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range live {
		if strings.HasPrefix(l.ID, "node ") {
			n++
		}
	}
	return n
}

func TestStoreAdmitsOneSetOfKeys(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 2 {
		if err := visit(t.Context(), d.m, "f1"); err != nil {
			t.Error(err)
		}
	}
	if err := visit(t.Context(), d.m, "f2"); !errors.Is(err, store.ErrOtherKeys) {
		t.Errorf("other keys: %v", err)
	}
}
