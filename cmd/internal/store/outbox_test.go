package store_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

type event struct {
	unit.Row `bson:",inline"`
	Ticket   string `bson:"ticket"`
	Seq      int64  `bson:"seq"`
}

// exchange is a hub over an outbox, running.
type exchange struct {
	t      *testing.T
	e      *embedded.Store
	work   *store.Work
	events unit.Table[event]
	hub    *store.Hub
	flaky  *flaky

	mu    sync.Mutex
	woken []string
}

func newExchange(t *testing.T) *exchange {
	t.Helper()
	e, err := embedded.Open(t.TempDir(), embedded.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	db := store.New(e, keys{})
	x := &exchange{t: t, e: e, work: store.NewWork(e), flaky: &flaky{Engine: e}}
	x.events = store.DeclareOutbox[event](db, "events", store.Unique("ticket", "seq"))
	if err := db.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	x.hub, err = store.NewHub(store.HubDeps{Engine: x.flaky, Outbox: "events", Key: "ticket", Wake: x.wake, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// run starts the hub; stop ends it and gives what Run said.
func (x *exchange) run() (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- x.hub.Run(ctx) }()
	synctest.Wait()
	return func() error { cancel(); return <-ended }
}

func (x *exchange) wake(key string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.woken = append(x.woken, key)
}

// heard gives the keys that Wake was called with.
func (x *exchange) heard() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.woken)
}

func (x *exchange) put(id, ticket string, seq int64, err error) {
	_ = x.work.Update(context.Background(), func(tx unit.Tx) error {
		return errors.Join(x.events.Insert(tx, &event{Row: unit.Row{ID: id}, Ticket: ticket, Seq: seq}), err)
	})
	synctest.Wait()
}

func has(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// flaky is an engine whose following can be made to break off.
type flaky struct {
	engine.Engine
	mu    sync.Mutex
	fails []error // guarded by mu; one behind each change
}

func (f *flaky) fail(errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = errs
}

func (f *flaky) Follow(ctx context.Context, c string, after engine.Position, fn func(engine.Change) error) error {
	return f.Engine.Follow(ctx, c, after, func(ch engine.Change) error {
		if err := fn(ch); err != nil {
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.fails) == 0 {
			return nil
		}
		err := f.fails[0]
		f.fails = f.fails[1:]
		return err
	})
}

func TestHub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t)
		defer x.e.Close()
		x.put("e0", "before", 1, nil)
		one, endOne := x.hub.Subscribe("t1")
		both, _ := x.hub.Subscribe("t1")
		other, _ := x.hub.Subscribe("t2")
		resync, _ := x.hub.Resync()
		stop := x.run()
		if !has(one) || !has(both) || !has(other) || !has(resync) {
			t.Error("not everybody was told to look when the hub began")
		}
		x.put("e1", "t1", 1, nil)
		x.put("e2", "t1", 2, nil) // nobody read the first hint: they become one
		x.put("e3", "t2", 1, errors.New("rolled back"))
		if !has(one) || has(one) || !has(both) || has(other) || has(resync) {
			t.Error("hints went astray")
		}
		endOne()
		x.put("e4", "t1", 3, nil)
		if has(one) || !has(both) {
			t.Error("a subscription that ended got a hint, or ended its neighbour")
		}
		if want := []string{"t1", "t1", "t1"}; !slices.Equal(x.heard(), want) {
			t.Errorf("woken %v, want %v", x.heard(), want)
		}
		if err := stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
}

func TestHubGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t)
		defer x.e.Close()
		stop := x.run()
		resync, _ := x.hub.Resync()
		x.flaky.fail(errors.New("the line is cut"), engine.ErrHistoryLost)
		x.put("e1", "t1", 1, nil) // and the following breaks off
		x.put("e2", "t2", 1, nil) // while nobody follows
		if len(x.heard()) != 1 || has(resync) {
			t.Errorf("woken %v before the pause is over", x.heard())
		}
		time.Sleep(2 * time.Second) // in the bubble; e2 is heard, then history is lost
		synctest.Wait()
		if !slices.Equal(x.heard(), []string{"t1", "t2"}) || !has(resync) {
			t.Errorf("woken %v", x.heard())
		}
		x.put("e3", "t3", 1, nil)
		if !slices.Equal(x.heard(), []string{"t1", "t2", "t3"}) {
			t.Errorf("woken %v", x.heard())
		}
		_ = stop()
	})
}

func TestHubEndsWithItsEngine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := newExchange(t)
		ended := make(chan error, 1)
		go func() { ended <- x.hub.Run(context.Background()) }()
		synctest.Wait()
		if err := x.e.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, engine.ErrClosed) {
			t.Errorf("run: %v", err)
		}
	})
	if _, err := store.NewHub(store.HubDeps{}); err == nil {
		t.Error("made of nothing")
	}
}
