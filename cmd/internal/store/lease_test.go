package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// entry is something written under a lease. Entries are an outbox, which tells the
// order of their commits.
type entry struct {
	unit.Row `bson:",inline"`
	Fence    int64 `bson:"fence"`
}

// desk is a store on which nodes take leases; its clock stands still unless it is
// moved.
type desk struct {
	m     *store.Main // the first node's
	nodes []*node     // a, b and c
	// blocking: a unit waits until another has ended. Elsewhere the nodes' units
	// run at once, and who loses is found out when they commit.
	blocking bool

	mu  sync.Mutex
	now time.Time // guarded by mu
}

// node is one of those who take leases. On MongoDB it has an engine of its own.
type node struct {
	name string
	m    *store.Main
	log  unit.Table[entry]
	// weaken takes something away from the leases that the node writes under, for
	// tests that must notice it.
	weaken func(*store.Held) *store.Held
}

func newNode(t testing.TB, name string, e engine.Engine) *node {
	t.Helper()
	n := &node{name: name, m: store.NewMain(store.New(e, keys{})), weaken: func(h *store.Held) *store.Held { return h }}
	n.log = store.DeclareOutbox[entry](n.m.DB, "log")
	if err := n.m.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return n
}

// newDesk makes a desk on the embedded engine.
func newDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{now: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), blocking: true}
	e, err := embedded.Open(t.TempDir(), embedded.Options{Now: d.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	one := newNode(t, "a", e)
	for _, name := range []string{"a", "b", "c"} {
		d.nodes = append(d.nodes, &node{name, one.m, one.log, one.weaken})
	}
	d.m = one.m
	return d
}

// newSetDesk makes a desk on a replica set, the simulated one, whose clock can be
// the test's.
func newSetDesk(t testing.TB) *desk {
	t.Helper()
	d := &desk{now: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}
	set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Clock: d.clock}})
	database := set.Database(t)
	for _, name := range []string{"a", "b", "c"} {
		d.nodes = append(d.nodes, newNode(t, name, mongotest.Open(t, set, mongo.Options{Clock: d.clock, Database: database})))
	}
	d.m = d.nodes[0].m
	return d
}

// onEngines runs a test on each engine.
func onEngines(t *testing.T, test func(t *testing.T, d *desk)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB) *desk{"embedded": newDesk, "mongodb": newSetDesk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func (d *desk) clock() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

const life = 10 * time.Second

// holder is a node with a lease.
type holder struct {
	*store.Held
	node  *node
	under *store.Held // what its writing is checked by
}

func (n *node) take(ctx context.Context, name string) (*holder, error) {
	h, err := n.m.LeasesOf(n.name).Take(ctx, name, life)
	if err != nil {
		return nil, err
	}
	return &holder{h, n, n.weaken(h)}, nil
}

// write adds a line with the holder's fence, after meanwhile, which happens between
// the check of the lease and the commit.
func (h *holder) write(ctx context.Context, id string, meanwhile ...func()) error {
	return h.node.m.Work.Update(h.under.Fenced(ctx), func(tx unit.Tx) error {
		for _, do := range meanwhile {
			do()
		}
		return h.node.log.Insert(tx, &entry{Row: unit.Row{ID: id}, Fence: h.Fence()})
	})
}

// lines counts what was written.
func (d *desk) lines(t *testing.T) (n int) {
	t.Helper()
	err := d.m.Work.View(t.Context(), func(tx unit.Tx) error {
		found, err := d.nodes[0].log.Find(tx, unit.Query{Index: "_id"})
		n = len(found)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustTake(t *testing.T, n *node) *holder {
	t.Helper()
	h, err := n.take(t.Context(), "work")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestOneNodeHoldsALease(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, d *desk) {
		a, other := mustTake(t, d.nodes[0]), d.nodes[1]
		if _, err := other.take(t.Context(), "work"); !errors.Is(err, store.ErrHeld) {
			t.Errorf("b beside a: %v", err)
		}
		if _, err := other.take(t.Context(), "other work"); err != nil {
			t.Errorf("other work: %v", err)
		}
		d.advance(life - time.Millisecond)
		if err := a.Renew(t.Context(), life); err != nil {
			t.Error(err)
		}
		d.advance(life - time.Millisecond)
		if _, err := other.take(t.Context(), "work"); !errors.Is(err, store.ErrHeld) {
			t.Errorf("b after a renewed: %v", err)
		}
		live, err := other.m.LeasesOf("").Live(t.Context())
		if err != nil || len(live) != 1 || live[0].Holder != "a" || live[0].ID != "work" {
			t.Errorf("live: %+v, %v", live, err)
		}
		if err := a.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if b := mustTake(t, other); b.Fence() != a.Fence()+1 {
			t.Errorf("fence %d after %d", b.Fence(), a.Fence())
		}
		if err := a.Release(t.Context()); err != nil {
			t.Errorf("giving back what is another's: %v", err)
		}
		if err := a.Renew(t.Context(), life); !errors.Is(err, store.ErrFenced) {
			t.Errorf("renewing what is another's: %v", err)
		}
	})
}

// A holder is put to sleep, overtaken, and wakes in the middle of its work.
func TestOvertakenHolderWritesNothing(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, d *desk) {
		a := mustTake(t, d.nodes[0])
		d.advance(life)
		if err := a.write(t.Context(), "late, but nobody followed"); err != nil {
			t.Error(err)
		}
		b := mustTake(t, d.nodes[1])
		if err := a.write(t.Context(), "stale"); !errors.Is(err, store.ErrFenced) {
			t.Errorf("a after b: %v", err)
		}
		if err := b.write(t.Context(), "good"); err != nil {
			t.Error(err)
		}
		again := mustTake(t, d.nodes[1]) // came back under its name
		if err := b.write(t.Context(), "stale too"); !errors.Is(err, store.ErrFenced) || again.Fence() != b.Fence()+1 {
			t.Errorf("b's earlier life: %v", err)
		}
		if n := d.lines(t); n != 2 {
			t.Errorf("%d lines were written", n)
		}
	})
}

// overtake has b take a's lease between the check and the commit of a's unit, and
// gives what became of the unit. Where units wait for each other b comes after it.
func (d *desk) overtake(t *testing.T) error {
	t.Helper()
	a := mustTake(t, d.nodes[0])
	d.advance(life)
	var overtaken sync.WaitGroup
	take := sync.OnceFunc(func() {
		overtaken.Go(func() {
			if _, err := d.nodes[1].take(t.Context(), "work"); err != nil {
				t.Error(err)
			}
		})
		if !d.blocking {
			overtaken.Wait()
		}
	})
	err := a.write(t.Context(), "stale", take)
	overtaken.Wait()
	return err
}

// Whoever is overtaken between the check and the commit of its unit conflicts
// and finds out.
func TestOvertakenWithinAUnit(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, d *desk) {
		err, lines := d.overtake(t), d.lines(t)
		switch {
		case d.blocking && (err != nil || lines != 1):
			t.Errorf("b came after it: %v, %d lines", err, lines)
		case !d.blocking && (!errors.Is(err, store.ErrFenced) || lines != 0):
			t.Errorf("b came before it: %v, %d lines", err, lines)
		}
	})
}

// A unit that only looks at its lease commits beside whoever takes it.
func TestOvertakenWithinAUnitThatIsNotTied(t *testing.T) {
	t.Parallel()
	d := newSetDesk(t)
	store.Untied(d.m)
	if err := d.overtake(t); err != nil || d.lines(t) != 1 {
		t.Errorf("nothing else holds it back, and yet: %v", err)
	}
}
