package store_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// tally is a row that looks the same whoever writes it.
type tally struct {
	unit.Row `bson:",inline"`
	N        int `bson:"n"`
}

type counting struct {
	work    *store.Work
	tallies unit.Table[tally]
}

func newCounting(t *testing.T, set *mongotest.Set, o mongo.Options) *counting {
	t.Helper()
	e := mongotest.Open(t, set, o)
	db := store.New(e, keys{})
	c := &counting{work: store.NewWork(e), tallies: store.Declare[tally](db, "tallies")}
	if err := db.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// count adds one to a tally, that begins at one.
func (c *counting) count(ctx context.Context, id string) error {
	return c.work.Update(ctx, func(tx unit.Tx) error {
		row, err := c.tallies.Get(tx, id)
		switch {
		case errors.Is(err, unit.ErrAbsent):
			return c.tallies.Insert(tx, &tally{Row: unit.Row{ID: id}, N: 1})
		case err != nil:
			return err
		}
		row.N++
		return c.tallies.Replace(tx, row)
	})
}

// A commit is lost with its primary, and before anybody asks what became of it
// another node writes just the same: that row is no proof of the first.
func TestAnEqualRowProvesNoCommit(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]int{"both insert": 0, "both replace": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Seed: 1, Election: 20 * time.Millisecond}})
			database := set.Database(t)
			other := newCounting(t, set, mongo.Options{Database: database})
			var armed atomic.Bool
			var asked atomic.Int64
			between := func(_ context.Context, e *event.CommandStartedEvent) {
				if e.CommandName == "commitTransaction" && armed.Load() && asked.Add(1) == 2 {
					if err := other.count(t.Context(), "t"); err != nil {
						t.Error(err)
					}
				}
			}
			one := newCounting(t, set, mongo.Options{Database: database, Monitor: &event.CommandMonitor{Started: between}})
			for range before {
				if err := one.count(t.Context(), "t"); err != nil {
					t.Fatal(err)
				}
			}
			armed.Store(true)
			set.Sim.DropNext("commitTransaction", mongosim.KillBefore)
			if err := one.count(t.Context(), "t"); err != nil {
				t.Fatal(err)
			}
			var n int
			err := other.work.View(t.Context(), func(tx unit.Tx) error {
				row, err := other.tallies.Get(tx, "t")
				n = row.N
				return err
			})
			if err != nil || n != before+2 || asked.Load() < 2 {
				t.Errorf("%d are counted of %d: %v (asked %d times)", n, before+2, err, asked.Load())
			}
		})
	}
}
