package app_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// blow is one fault, or a spell of them.
type blow struct {
	kind   string
	member int // -1: whoever is the primary
	node   int
	before time.Duration // after the phones begin to say yes; or
	early  bool          // while everything is got ready for that
	lasts  time.Duration
	sim    mongosim.Fault
}

// The kinds of blows. The seed of a round decides which, and when it falls.
const (
	memberKilled = "member killed"
	memberPaused = "member paused"
	memberCutOff = "member cut off"
	steppedDown  = "primary stepped down"
	nodeKilled   = "node killed"
	commitBroken = "connection broken at a commit"
	foulWeather  = "one command in twenty broken"
)

var blows = []string{memberKilled, memberPaused, memberCutOff, steppedDown, nodeKilled, nodeKilled, commitBroken, commitBroken, foulWeather}

func newBlow(r *rand.Rand) blow {
	b := blow{kind: blows[r.IntN(len(blows))], member: r.IntN(6) - 3, node: r.IntN(3), early: r.IntN(5) == 0}
	b.member = max(b.member, -1) // every second time the primary
	b.before = time.Duration(r.IntN(40)) * time.Millisecond
	b.lasts = time.Duration(20+r.IntN(100)) * time.Millisecond
	b.sim = []mongosim.Fault{mongosim.DropBefore, mongosim.DropAfter, mongosim.StepDownAfter, mongosim.KillAfter}[r.IntN(4)]
	return b
}

func (b blow) String() string {
	who := fmt.Sprint("member ", b.member)
	if b.member < 0 {
		who = "the primary"
	}
	return fmt.Sprintf("%s (%s, node %d, %s, early %t, after %s, for %s)", b.kind, who, b.node+1, b.sim, b.early, b.before, b.lasts)
}

// strike deals the blow, waits while it lasts and heals what it did.
func (k *arena) strike(t testing.TB, b blow, seed uint64) {
	t.Helper()
	sim, ctx := k.set.Sim, t.Context()
	member := b.member
	if member < 0 {
		member = max(k.set.Primary(ctx), 0)
	}
	switch b.kind {
	case memberKilled:
		sim.Member(member).Kill()
	case memberPaused:
		sim.Member(member).Pause()
	case memberCutOff:
		sim.Member(member).Cut()
	case steppedDown:
		k.set.StepDown(t)
	case nodeKilled:
		k.slay(b.node)
	case commitBroken:
		sim.DropNext("commitTransaction", b.sim)
	case foulWeather:
		sim.SetFaults(mongosim.Faults{Seed: seed, Rate: 1.0 / 20})
	}
	pauseFor(ctx, b.lasts)
	sim.SetFaults(mongosim.Faults{})
	for i := range k.set.Members() {
		m := sim.Member(i)
		m.Restart()
		m.Resume()
		m.Heal()
		m.Release()
	}
	if b.kind == nodeKilled {
		k.startMortal(t, b.node)
	}
}
