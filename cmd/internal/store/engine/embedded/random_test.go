package embedded_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/cmd/internal/store/engine/enginetest"
)

// TestRandom runs 10⁴ steps (fewer under the race detector); YUNZHANG_STEPS and
// YUNZHANG_SEED ask for others.
func TestRandom(t *testing.T) {
	t.Parallel()
	o := enginetest.DefaultOptions()
	o.Steps = int(fromEnv(t, "YUNZHANG_STEPS", steps))
	o.Seed = fromEnv(t, "YUNZHANG_SEED", rand.Uint64())
	dir := t.TempDir()
	coin := rand.New(rand.NewPCG(o.Seed, 2))
	enginetest.Random(t, enginetest.Place{
		Open: func(t testing.TB) engine.Engine {
			s := open(t, dir, embedded.Options{})
			return s
		},
		Crash: func(_ testing.TB, e engine.Engine) { embedded.Crash(e.(*embedded.Store), coin.IntN(2) == 0) },
	}, o)
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
