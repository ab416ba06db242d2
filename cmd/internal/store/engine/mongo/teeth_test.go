package mongo_test

import (
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store/engine/enginetest"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// A database that breaks its word is found out.
func TestTheRandomTestBites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		weak   mongosim.Weakness
		faults mongosim.Faults
	}{
		"the last writer wins": {weak: mongosim.Weakness{NoWriteConflict: true}},
		"commits are lost":     {weak: mongosim.Weakness{LoseCommits: true}},
		"no majority is waited for": {
			weak: mongosim.Weakness{AckWithoutMajority: true},
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
			o := enginetest.Options{Steps: 600, Actors: 8, Epochs: 1, Seed: seed, Faults: c.faults.Rate > 0}
			summary, err := enginetest.Explore(t, placeOn(t, set, o.Faults), o)
			if err == nil {
				t.Fatalf("not found: %s", summary)
			}
			t.Log(err)
		})
	}
}
