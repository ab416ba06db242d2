package mongo_test

import (
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

var events = engine.Collection{Name: "events", Outbox: true}

func outbox(t testing.TB, set *mongotest.Set, database string) *mongo.Engine {
	t.Helper()
	e := mongotest.Open(t, set, mongo.Options{Database: database})
	if err := e.Declare(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	return e
}

func say(t testing.TB, e engine.Engine, id string) {
	t.Helper()
	if err := e.Update(t.Context(), func(tx engine.Tx) error { return tx.Insert("events", row(t, id, 1)) }); err != nil {
		t.Fatal(err)
	}
}

func tail(t testing.TB, e engine.Engine) engine.Position {
	t.Helper()
	at, err := e.Tail(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

var errEnough = errors.New("enough")

// hear follows until n events came; between is called behind each.
func hear(t testing.TB, e engine.Engine, after engine.Position, n int, between func(heard int)) (list []string) {
	t.Helper()
	err := e.Follow(t.Context(), "events", after, func(c engine.Change) error {
		id, _, err := engine.Head(c.Doc)
		if list = append(list, id); len(list) == n {
			return errEnough
		}
		between(len(list))
		return err
	})
	if !errors.Is(err, errEnough) {
		t.Fatalf("heard %q, then: %v", list, err)
	}
	return list
}

func same(t testing.TB, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A collection that is dropped (a restore, a mistaken hand) and made again is
// followed on.
func TestFollowPastADrop(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	database := set.Database(t)
	e := outbox(t, set, database)
	at := tail(t, e)
	say(t, e, "a")
	got := hear(t, e, at, 3, func(heard int) {
		if heard == 1 {
			if err := raw(t, set, database).Collection("events").Drop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := e.Declare(t.Context(), events); err != nil {
				t.Fatal(err)
			}
			say(t, e, "b")
			say(t, e, "c")
		}
	})
	same(t, got, []string{"a", "b", "c"})
}

// Positions can be kept across restarts of the node.
func TestPositionsOutliveTheNode(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	database := set.Database(t)
	first := mongotest.Open(t, set, mongo.Options{Database: database})
	if err := first.Declare(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	at := tail(t, first)
	say(t, first, "a")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := outbox(t, set, database)
	say(t, second, "b")
	same(t, hear(t, second, at, 2, func(int) {}), []string{"a", "b"})
}

func TestFollowIsToldThatHistoryIsLost(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{OplogSize: 50}})
	e := outbox(t, set, set.Database(t))
	at := tail(t, e)
	for i := range 200 {
		say(t, e, fmt.Sprint("e", i))
	}
	err := e.Follow(t.Context(), "events", at, func(engine.Change) error { return nil })
	if !errors.Is(err, engine.ErrHistoryLost) {
		t.Errorf("got %v", err)
	}
}

// The stream goes on behind elections, deaths and broken connections, and
// tells each event once and in order.
func TestFollowThroughFailOver(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	e := outbox(t, set, set.Database(t))
	at := tail(t, e)
	var want []string
	speak := func(i int) {
		want = append(want, fmt.Sprintf("e%02d", i))
		for {
			err := e.Update(t.Context(), func(tx engine.Tx) error { return tx.Insert("events", row(t, want[i], 1)) })
			if err == nil {
				return
			}
			t.Logf("again: %v", err)
		}
	}
	speak(0)
	got := hear(t, e, at, 7, func(heard int) {
		switch heard % 4 {
		case 1:
			set.StepDown(t)
		case 2:
			set.Sim.DropNext("getMore", mongosim.DropAfter)
		case 3:
			i := set.Primary(t.Context())
			if i >= 0 {
				set.Kill(i)
				set.Restart(t, i)
			}
		}
		speak(heard)
	})
	same(t, got, want)
}

func TestCloseEndsFollowers(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	e := mongotest.Open(t, set, mongo.Options{})
	if err := e.Declare(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	at := tail(t, e)
	say(t, e, "a")
	heard, ended := make(chan bson.Raw), make(chan error)
	go func() {
		ended <- e.Follow(t.Context(), "events", at, func(c engine.Change) error { heard <- c.Doc; return nil })
	}()
	<-heard
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, engine.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
