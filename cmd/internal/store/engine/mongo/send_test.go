package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// In the midst of an upgrade a server says that it is an 8.0 and refuses what 8.0
// brought, until an operator raises its feature compatibility. Units go through
// all the same, and ask once.
func TestABulkWriteThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []int{59, 115} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			set := mongotest.Start(t, mongotest.Options{OnlySim: true})
			e := declared(t, set, mongo.Options{})
			failing(t, set, "bulkWrite", code)
			runs := 0
			err := e.Update(t.Context(), func(tx engine.Tx) error {
				if runs++; runs > 2 {
					return errors.New("it asks for ever")
				}
				return errors.Join(tx.Insert("rows", row(t, "a", 1)), tx.Insert("rows", row(t, "b", 1)))
			})
			if err != nil || runs != 2 || versionOf(t, e, "a") != 1 || versionOf(t, e, "b") != 1 {
				t.Fatalf("%d runs: %v", runs, err)
			}
			err = e.Update(t.Context(), func(tx engine.Tx) error {
				runs++
				return errors.Join(tx.Replace("rows", row(t, "a", 2)), tx.Delete("rows", "b"))
			})
			if err != nil || runs != 3 || versionOf(t, e, "a") != 2 || versionOf(t, e, "b") != 0 {
				t.Errorf("%d runs: %v", runs, err)
			}
			if n := set.Sim.Stats().Commands["bulkWrite"]; n != 1 {
				t.Errorf("bulkWrite was tried %d times", n)
			}
		})
	}
}

// Two units meet the refusal at the same time: both run again.
func TestABulkWriteThatIsRefusedToTwo(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	var meet, units sync.WaitGroup
	meet.Add(2)
	e := declared(t, set, mongo.Options{Monitor: &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "bulkWrite" {
			meet.Done()
			meet.Wait()
		}
	}}})
	failing(t, set, "bulkWrite", 59)
	for _, id := range []string{"a", "b"} {
		units.Go(func() {
			if err := e.Update(t.Context(), func(tx engine.Tx) error { return tx.Insert("rows", row(t, id, 1)) }); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	units.Wait()
	if versionOf(t, e, "a") != 1 || versionOf(t, e, "b") != 1 {
		t.Error("a unit is lost")
	}
}

// Where nothing is fetched together a hint costs nothing.
func TestAHintThatIsNotTaken(t *testing.T) {
	t.Parallel()
	w := &wire{}
	e := declared(t, mongotest.Start(t, mongotest.Options{OnlySim: true}), mongo.Options{Monitor: w.monitor()})
	mongo.Singly(e)
	w.taken()
	err := e.Update(t.Context(), func(tx engine.Tx) error {
		return tx.(engine.Fetcher).Fetch(engine.Ref{Collection: "rows", ID: "a"}, engine.Ref{Collection: "rows", ID: "b"})
	})
	if sent := w.taken(); err != nil || len(sent) != 0 {
		t.Errorf("%v, sent %v", err, sent)
	}
}
