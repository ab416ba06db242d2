package app_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/mobileapi/client"
)

// raceRounds is how many interleavings one run looks at; YUNZHANG_TEST_ROUNDS
// asks for others: 10000 by hand.
const raceRounds = 30

// Freeze and revocation on one node against the approval on another, at random
// moments (AT-034 for two nodes): no approval is committed after them, whoever
// was told of the end of a power is shown no approval that came later, and every
// stamp there is was committed before the signer knew.
func TestPowerEndsOnAnotherNode(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{Sim: mongosim.Options{Seed: 1}})
	k := newCluster(t, set, 2, 1_000_000)
	a, b := k.startInner(t, 0, app.Options{}), k.startInner(t, 1, app.Options{})
	k.at(t, drive.Net{Addr: k.configs[1].Listen})
	legal := k.legal // his phone meets the second node
	k.at(t, drive.Net{Addr: k.configs[0].Listen})
	agent, err := k.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer agent.Close()
	owner, err := legal.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer owner.Close()
	x := &crossing{cluster: k, apps: []*app.App{a, b}, agent: agent, legal: legal, owner: owner, span: 20 * time.Millisecond}
	seed, rounds := uint64(fromEnv(t, "YUNZHANG_TEST_SEED", 1)), fromEnv(t, "YUNZHANG_TEST_ROUNDS", max(raceRounds/slower, 4))
	r := rand.New(rand.NewPCG(seed, 34))
	for round := range rounds {
		x.round(t, round, r)
	}
	t.Logf("seed %d, %d rounds: %d approved before the end, %d refused; %d of the approved stamped", seed, rounds, x.before, x.after, x.stamped)
	if rounds >= raceRounds && (x.before == 0 || x.after == 0) {
		t.Error("all rounds went one way: nothing was crossed")
	}
}

// crossing is what the rounds share.
type crossing struct {
	*cluster
	apps         []*app.App
	agent, owner *client.Unlocked
	legal        *client.Phone
	span         time.Duration // within which one begins after the other; follows what is seen

	before, after, stamped int
}

// round lets one approval and the end of one power meet.
func (x *crossing) round(t *testing.T, n int, r *rand.Rand) {
	t.Helper()
	ctx := t.Context()
	req, _ := x.ask(t, x.system, fmt.Sprint("x-", n))
	defer req.Page.Close()
	scan, err := drive.Claim(ctx, x.cluster.agent, req)
	check(t, err)
	err = x.cluster.agent.Look(ctx, scan)
	check(t, err)
	number, err := req.Page.Number(ctx)
	check(t, err)
	end, restore := x.power(t, r.IntN(3))
	lead := time.Duration(r.Int64N(int64(2*x.span))) - x.span
	var both sync.WaitGroup
	var approval error
	both.Go(func() {
		pauseFor(ctx, max(-lead, 0))
		_, approval = x.agent.Approve(ctx, scan, number)
	})
	pauseFor(ctx, max(lead, 0))
	ended := end()
	told, err := x.apps[1].ApprovedAt(ctx, req.Ticket) // what is there when the end is acknowledged
	both.Wait()
	check(t, err)
	check(t, ended)
	x.judge(t, n, req.Ticket, approval, told)
	restore()
}

// judge holds the approval against the end of the power.
func (x *crossing) judge(t *testing.T, n int, ticket string, approval error, told time.Time) {
	t.Helper()
	at, err := x.apps[0].ApprovedAt(t.Context(), ticket)
	check(t, err)
	switch {
	case at.IsZero() != (approval != nil):
		t.Errorf("round %d: approved at %v, and the phone was told %v", n, at, approval)
	case !at.IsZero() && told.IsZero():
		t.Errorf("round %d: approved after the end of the power was acknowledged", n)
	case at.IsZero():
		x.after++
		x.span = min(x.span*11/10+time.Millisecond, 200*time.Millisecond) // let the approval be earlier
	default:
		x.before++
		x.span = max(x.span*10/11, 2*time.Millisecond)
	}
	if at.IsZero() {
		return
	}
	stamped, late, err := x.apps[1].StampedUnderStop(t.Context(), ticket)
	check(t, err)
	if late != nil {
		t.Errorf("round %d: %v", n, late)
	}
	if stamped {
		x.stamped++
	}
}

// power gives how a power ends and how there is one again.
func (x *crossing) power(t *testing.T, which int) (end func() error, restore func()) {
	t.Helper()
	switch which {
	case 0: // an operator's order, given at another node than the approval
		return func() error { return x.apps[1].StopApp(t.Context(), x.system.App) },
			func() { check(t, x.apps[1].RestoreApp(t.Context(), x.system.App)) }
	case 1:
		return func() error { _, err := x.legal.Freeze(t.Context(), x.seal, "怀疑被冒用"); return err },
			func() { check(t, drive.Unfreeze(t.Context(), x.legal, x.seal)) }
	}
	d, err := x.legal.DraftRevocation(t.Context(), statement.OfDelegation, x.delegation, "不再需要")
	check(t, err)
	return func() error { _, err := x.owner.Sign(t.Context(), d); return err },
		func() {
			place, err := x.legal.Place(t.Context(), uscc)
			check(t, err)
			d, err := x.legal.DraftDelegation(t.Context(), place, client.Grant{
				AgentID: x.cluster.agent.Person(), AppID: x.system.App, Actions: []string{"bind", "login", "stamp"}, Seals: []string{x.seal},
				NotAfter: time.Now().Add(30 * 24 * time.Hour), Max: 1_000_000,
			})
			check(t, err)
			made, err := x.owner.Sign(t.Context(), d)
			check(t, err)
			x.delegation = made.SubjectID
		}
}
