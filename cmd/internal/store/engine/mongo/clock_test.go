package mongo_test

import (
	"sync"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// hand is a clock that a test moves.
type hand struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *hand) move(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// timeOf runs a unit that commits a row, again after an election, and gives its
// time.
func timeOf(t testing.TB, e engine.Engine, id string) (now time.Time) {
	t.Helper()
	write := func(tx engine.Tx) error {
		now = tx.Now()
		return tx.Insert("rows", row(t, id, 1))
	}
	for range 100 {
		err := e.Update(t.Context(), write)
		if err == nil {
			return now
		}
		t.Logf("again: %v", err)
	}
	t.Fatal("no unit after the election")
	return now
}

// handOver makes another member the primary and waits for it.
func handOver(t testing.TB, set *mongotest.Set) {
	t.Helper()
	was := set.Primary(t.Context())
	set.StepDown(t)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 60_000 {
		if p := set.Primary(t.Context()); p >= 0 && p != was {
			return
		}
		<-tick.C
	}
	t.Fatal("no other primary")
}

// skewed gives two nodes on a set whose next primary's clock is half a minute
// behind.
func skewed(t testing.TB) (set *mongotest.Set, clock *hand, here, there engine.Engine) {
	t.Helper()
	clock = &hand{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	set = mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Clock: clock.now}})
	o, first := mongo.Options{Database: set.Database(t), Clock: clock.now}, set.Primary(t.Context())
	for i := range set.Members() {
		if i != first {
			set.Sim.Member(i).Skew(-30 * time.Second)
		}
	}
	return set, clock, declared(t, set, o), declared(t, set, o)
}

// On one node time stands still until the new primary's clock has caught up, and
// does not go back. On another node it goes back by less than the second that the
// cluster time is exact to: by the 0.7 of it.
func TestTimeOverAFailOver(t *testing.T) {
	t.Parallel()
	set, clock, here, there := skewed(t)
	clock.move(10*time.Second + 700*time.Millisecond)
	before := timeOf(t, here, "before")
	if !before.Equal(clock.now()) {
		t.Fatalf("the time is %v, of the primary's clock %v", before, clock.now())
	}
	handOver(t, set)
	if now := timeOf(t, here, "same node"); !now.Equal(before) {
		t.Errorf("on one node: %v behind %v", now, before)
	}
	if now, want := timeOf(t, there, "other node"), before.Truncate(time.Second); !now.Equal(want) {
		t.Errorf("on the other node: %v, want the cluster time %v", now, want)
	}
	clock.move(25 * time.Second)
	if now := timeOf(t, here, "same node, not caught up"); !now.Equal(before) {
		t.Errorf("on one node, not caught up: %v behind %v", now, before)
	}
	clock.move(10 * time.Second)
	for id, e := range map[string]engine.Engine{"same node, caught up": here, "other node, caught up": there} {
		if now, want := timeOf(t, e, id), clock.now().Add(-30*time.Second); !now.Equal(want) {
			t.Errorf("%s: %v, the new primary's clock says %v", id, now, want)
		}
	}
}

// A view goes by the same clock as a unit: it is not a second behind what it shows.
func TestTimeOfAViewOverAFailOver(t *testing.T) {
	t.Parallel()
	set, clock, here, there := skewed(t)
	clock.move(10*time.Second + 999*time.Millisecond)
	before := timeOf(t, here, "before")
	handOver(t, set)
	err := there.View(t.Context(), func(tx engine.Tx) error {
		_, err := tx.Get("rows", "before")
		if now := tx.Now(); before.Sub(now) >= time.Second {
			t.Errorf("a view at %v of what was committed at %v", now, before)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
