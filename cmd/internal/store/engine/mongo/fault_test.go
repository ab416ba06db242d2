package mongo_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// TestRandomUnderFaults breaks connections, members and elections under the
// units: one command in a hundred.
func TestRandomUnderFaults(t *testing.T) {
	t.Parallel()
	for name, wire := range map[string]int{"8.0": 25, "7.0": 21} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seed := fromEnv(t, "YUNZHANG_SEED", rand.Uint64())
			set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{
				Wire: wire, Seed: seed, TxnLifetime: 200 * time.Millisecond,
				Faults: mongosim.Faults{Seed: seed, Rate: 1.0 / 100},
			}})
			random(t, set, faultSteps, true)
		})
	}
}
