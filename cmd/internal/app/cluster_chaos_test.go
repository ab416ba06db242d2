package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// fromEnv is a number that a developer may set.
func fromEnv(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	check(t, err)
	return n
}

// Three nodes as processes, three members. Under a load of stamps members are
// killed, paused, cut off and stepped down and nodes are killed, at random by
// seed. Then everything written agrees: no acknowledged stamp is lost, none is
// made twice, the delegation's limit holds, and no page was shown what is not
// stored. YUNZHANG_TEST_SEEDS and YUNZHANG_TEST_FAULTS ask for more,
// YUNZHANG_TEST_SEED for one.
func TestThreeNodesUnderFaults(t *testing.T) {
	first, seeds := fromEnv(t, "YUNZHANG_TEST_SEED", 1), fromEnv(t, "YUNZHANG_TEST_SEEDS", 1)
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { faultyRun(t, uint64(seed)) })
	}
}

func faultyRun(t *testing.T, seed uint64) {
	set := mongotest.Start(t, mongotest.Options{Control: true, Sim: mongosim.Options{Seed: seed, Election: 100 * time.Millisecond}})
	if !set.Controlled() {
		t.Skip("the members of a running MongoDB are not ours to kill")
	}
	const uses = 80
	k := newCluster(t, set, 3, uses)
	for i := range 3 {
		k.startProcess(t, i)
	}
	k.spread(t)
	l, stop := newLoad(t, k, samplePDF(t, "ff.pdf")), make(chan struct{})
	unlocked, err := l.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer unlocked.Close()
	var loading sync.WaitGroup
	loading.Go(func() { l.run(t, unlocked, 3, stop) })
	faults := k.trouble(t, rand.New(rand.NewPCG(seed, 7)), fromEnv(t, "YUNZHANG_TEST_FAULTS", max(8/slower, 2)))
	close(stop)
	loading.Wait()
	for i := range 3 { // all that is open is finished by the nodes alone
		k.kill(i)
		k.startProcess(t, i)
	}
	l.judge(t, uses)
	l.recovery(t, faults)
}

// trouble makes so many faults, one after the other, each of which ends before
// the next: a majority and a node are always left.
func (k *cluster) trouble(t *testing.T, r *rand.Rand, n int) (at []time.Time) {
	pauseFor(t.Context(), 2*time.Second)
	for range n {
		at = append(at, time.Now())
		member, node := r.IntN(3), r.IntN(3)
		if r.IntN(2) == 0 {
			member = max(k.set.Primary(t.Context()), 0)
		}
		lasts := time.Duration(200+r.IntN(1500)) * time.Millisecond
		switch what := r.IntN(6); {
		case what == 0:
			t.Logf("member %d is killed", member)
			k.set.Kill(member)
			pauseFor(t.Context(), lasts)
			k.set.Restart(t, member)
		case what == 1:
			t.Logf("member %d is paused", member)
			k.set.Pause(member)
			pauseFor(t.Context(), lasts)
			k.set.Resume(t, member)
		case what == 2 && k.set.Sim != nil:
			t.Logf("member %d is cut off", member)
			k.set.Sim.Member(member).Cut()
			pauseFor(t.Context(), lasts)
			k.set.Sim.Member(member).Heal()
		case what == 3:
			t.Log("the primary steps down")
			k.set.StepDown(t)
		default:
			t.Logf("node %d is killed", node+1)
			k.kill(node)
			pauseFor(t.Context(), lasts)
			k.startProcess(t, node)
		}
		pauseFor(t.Context(), lasts)
	}
	return at
}

// judge waits until everything has come to its end and holds it against what
// people were told.
func (l *load) judge(t *testing.T, uses int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	a := l.observer(t)
	slices.Sort(l.tickets)
	l.tickets = slices.Compact(l.tickets)
	for _, id := range l.tickets {
		l.settle(ctx, t, a, id)
	}
	stamped, refused, err := a.Agree(ctx, l.delegation, l.tickets)
	check(t, err)
	if stamped > uses {
		t.Errorf("%d stamps under a limit of %d", stamped, uses)
	}
	for id := range l.acked {
		if done, err := a.StampedNow(ctx, id); err != nil || !done {
			t.Errorf("ticket %s was acknowledged and has no stamp: %v", id, err)
		}
	}
	for id, document := range l.done {
		b, err := l.system.Stamped(ctx, document)
		check(t, err)
		bundle, err := l.system.Evidence(ctx, id)
		check(t, err)
		trusted, err := verify.ParseBundle(bundle)
		check(t, err)
		trust, err := trusted.Trust()
		check(t, err)
		if r := verify.Document(b, trust); r.Verdict != verify.Genuine || len(r.Stamps) != 1 {
			t.Errorf("the document of ticket %s: %s, %d stamps", id, r.Verdict, len(r.Stamps))
		}
	}
	shown := l.durable(ctx, t, a)
	t.Logf("%d requests: %d acknowledged, %d stamped, %d refused or ended, %d shown events; told: %v", len(l.tickets), len(l.acked), stamped, refused, shown, l.refused)
	if len(l.done) == 0 {
		t.Error("nothing was stamped")
	}
}

// settle waits until a ticket has ended.
func (l *load) settle(ctx context.Context, t *testing.T, a *app.App, id string) {
	t.Helper()
	for {
		ended, state, err := a.Ended(ctx, id)
		if err == nil && ended {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("ticket %s is still %s: %v", id, state, err)
		}
		pauseFor(ctx, 100*time.Millisecond)
	}
}

// durable holds every event that a page was shown against the stored ones.
func (l *load) durable(ctx context.Context, t *testing.T, a *app.App) (shown int) {
	t.Helper()
	for id, messages := range l.shown {
		stored, err := a.StoredEvents(ctx, id)
		check(t, err)
		for _, m := range messages {
			if m.Seq == 0 {
				continue
			}
			shown++
			want := m.Type
			if want == "ended" {
				want = m.State
			}
			if stored[m.Seq] != want {
				t.Errorf("ticket %s: a page was shown event %d as %s, stored is %q", id, m.Seq, want, stored[m.Seq])
			}
		}
	}
	return shown
}

// recovery prints how long after each fault the next stamp was done.
func (l *load) recovery(t *testing.T, faults []time.Time) {
	var took []time.Duration
	slices.SortFunc(l.ends, time.Time.Compare)
	for _, at := range faults {
		if i := slices.IndexFunc(l.ends, at.Before); i >= 0 {
			took = append(took, l.ends[i].Sub(at).Round(time.Millisecond))
		}
	}
	slices.Sort(took)
	if len(took) > 0 {
		t.Logf("from a fault to the next stamp: median %s, longest %s, of %d faults", took[len(took)/2], took[len(took)-1], len(faults))
	}
}
