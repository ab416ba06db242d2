package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// A node falls asleep in the midst of a unit and may not write any more when it
// wakes: neither the run under way nor another is committed.
func TestNothingIsCommittedBehindTheEnd(t *testing.T) {
	t.Parallel()
	asleep := errors.New("asleep")
	for name, met := range map[string]error{"and all seems well": nil, "and has lost a race": unit.ErrConflict} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, embedded.Options{})
			var over atomic.Bool
			w.work.While(func() error {
				if over.Load() {
					return asleep
				}
				return nil
			})
			runs := 0
			err := w.work.Update(t.Context(), func(tx unit.Tx) error {
				runs++
				err := w.note.Insert(tx, named("late"))
				over.Store(true)
				return errors.Join(err, met)
			})
			if !errors.Is(err, asleep) || runs != 1 {
				t.Errorf("after %d runs: %v", runs, err)
			}
			if _, err := w.get("late"); !errors.Is(err, unit.ErrAbsent) {
				t.Errorf("it is there: %v", err)
			}
		})
	}
}

// A server ends what was begun too long ago; what it has not heard of yet it
// cannot. So it knows of a unit when the node asks itself for the last time, even
// of one that reads nothing.
func TestTheServerKnowsOfAUnitThatIsCheckedLast(t *testing.T) {
	t.Parallel()
	var begun atomic.Bool
	begins := func(_ context.Context, e *event.CommandStartedEvent) {
		if started, _ := e.Command.Lookup("startTransaction").BooleanOK(); started {
			begun.Store(true)
		}
	}
	c := newCounting(t, mongotest.Start(t, mongotest.Options{}), mongo.Options{Monitor: &event.CommandMonitor{Started: begins}})
	begun.Store(false)
	asked, known := 0, false
	c.work.While(func() error {
		asked, known = asked+1, begun.Load()
		return nil
	})
	err := c.work.Update(t.Context(), func(tx unit.Tx) error {
		return c.tallies.Insert(tx, &tally{Row: unit.Row{ID: "t"}, N: 1})
	})
	if err != nil || asked != 2 || !known {
		t.Errorf("asked %d times, begun: %v: %v", asked, known, err)
	}
}
