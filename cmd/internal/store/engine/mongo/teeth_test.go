package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/enginetest"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// A database that breaks its word is found out.
func TestTheRandomTestBites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		weak     mongosim.Weakness
		faults   mongosim.Faults
		careless bool
		hasty    bool
	}{
		"the last writer wins": {weak: mongosim.Weakness{NoWriteConflict: true}},
		"commits are lost":     {weak: mongosim.Weakness{LoseCommits: true}},
		"a commit without an answer is tried again as a new unit": {
			careless: true,
		},
		"no majority is waited for": {
			weak: mongosim.Weakness{AckWithoutMajority: true},
			faults: mongosim.Faults{Rate: 1.0 / 30, Only: []mongosim.Fault{
				mongosim.CutOff, mongosim.Stale, mongosim.KillAfter, mongosim.StepDownAfter}},
		},
		"no majority is asked for": {
			hasty: true,
			faults: mongosim.Faults{Rate: 1.0 / 30, Only: []mongosim.Fault{
				mongosim.CutOff, mongosim.Stale, mongosim.KillAfter, mongosim.StepDownAfter}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const seed = 1
			c.faults.Seed = seed
			set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{
				Seed: seed, Weak: c.weak, Faults: c.faults, TxnLifetime: 100 * time.Millisecond,
			}})
			o := enginetest.Options{Steps: 600, Actors: 8, Epochs: 1, Seed: seed, Faults: c.faults.Rate > 0 || c.careless}
			place := placeOn(t, set, o.Faults)
			if open := place.Open; c.careless {
				for range lostAnswers {
					set.Sim.DropNext("commitTransaction", mongosim.DropAfter)
				}
				place.Open = func(t testing.TB) engine.Engine {
					e := open(t).(*mongo.Engine)
					mongo.Careless(e, shortPatience)
					return again{e}
				}
				place.Crash = nil
			}
			if open := place.Open; c.hasty {
				place.Open = func(t testing.TB) engine.Engine {
					e := open(t).(*mongo.Engine)
					mongo.Hasty(e)
					return e
				}
			}
			summary, err := enginetest.Explore(t, place, o)
			if err == nil {
				t.Fatalf("not found: %s", summary)
			}
			t.Log(err)
		})
	}
}

// lostAnswers is how many commits in a row are done and not answered. The driver
// asks again, with the same number, for as long as one command may take, which
// is therefore short here.
const (
	lostAnswers   = 100
	shortPatience = 100 * time.Millisecond
)

// again runs a unit that lost a race once more, as the store does.
type again struct{ engine.Engine }

func (a again) Update(ctx context.Context, fn func(engine.Tx) error) error {
	err := a.Engine.Update(ctx, fn)
	if errors.Is(err, unit.ErrConflict) {
		err = a.Engine.Update(ctx, fn)
	}
	return err
}
