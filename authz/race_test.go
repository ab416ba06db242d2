package authz_test

import (
	"errors"
	"sync"
	"testing"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/unit"
)

// stands is a power that an approval stands on: how it ends, and what whoever
// comes after that is told.
type stands struct {
	end  func(*testing.T, *authztest.World, *authztest.Actor, *authztest.Actor, string)
	want *fault.Error
}

// revoked signs a revocation; drafting it beforehand is part of the race.
func revoked(by func(legal, agent *authztest.Actor) *authztest.Actor, kind string, id func(legal, agent *authztest.Actor, delegation string) string) func(*testing.T, *authztest.World, *authztest.Actor, *authztest.Actor, string) {
	return func(t *testing.T, w *authztest.World, legal, agent *authztest.Actor, delegation string) {
		who := by(legal, agent)
		act, err := w.Service.DraftRevocation(t.Context(), who.Caller, kind, id(legal, agent, delegation), "")
		if err == nil {
			_, err = w.Sign(t.Context(), who, act)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

func powers() map[string]stands {
	his := func(legal, _ *authztest.Actor) *authztest.Actor { return legal }
	own := func(_, agent *authztest.Actor) *authztest.Actor { return agent }
	return map[string]stands{
		"delegation": {revoked(his, authz.KindDelegation, func(_, _ *authztest.Actor, d string) string { return d }), fault.DelegationRevoked},
		"agent": {revoked(his, authz.KindAgent, func(l, a *authztest.Actor, _ string) string {
			return authz.MembershipID(l.Org, a.Person.ID)
		}), fault.AgentNotAllowed},
		"device": {revoked(own, authz.KindDevice, func(_, a *authztest.Actor, _ string) string { return a.Device.ID }), fault.DeviceRevoked},
		"legal representative": {func(t *testing.T, w *authztest.World, legal, _ *authztest.Actor, _ string) {
			w.Registry.Put(registry.Organization{
				USCC: authztest.Zhang.USCC, Name: authztest.OrgName, Legal: registry.Identity{Name: "王五", IDNumber: "110101198003074333"},
			})
			if err := w.Service.Recheck(t.Context(), legal.Org); err != nil {
				t.Error(err)
			}
		}, fault.DelegationRevoked},
	}
}

// use is an approval's transaction: it decides, lets the test do something, and
// writes what it stood on.
func use(t *testing.T, w *authztest.World, agent *authztest.Actor, org string, action authz.Action, meanwhile func()) error {
	t.Helper()
	ask := authz.Ask{Action: action, App: theApp.ID}
	if action == authz.Stamp {
		ask.Seals = theSeals
	}
	return w.DB.Update(t.Context(), func(tx unit.Tx) error {
		f, err := w.Service.Facts(tx, agent.Device.ID, org, "", ask)
		if err != nil {
			return err
		}
		if err := authz.Decide(f, ask, tx.Now()); err != nil {
			return err
		}
		meanwhile()
		if err := w.Service.Rely(tx, &f, action != authz.Stamp); err != nil {
			return err
		}
		if action != authz.Stamp {
			return nil
		}
		_, err = w.Service.TakeSlots(tx, f.Delegation, unit.NewID("tk"), 1)
		return err
	})
}

// AT-034: the power ends between the decision and its commit, at the worst
// moment: whatever ended, the approval does not commit, and runs into the end.
func TestAT034EndsBetweenDecisionAndCommit(t *testing.T) {
	t.Parallel()
	for name, power := range powers() {
		for _, action := range []authz.Action{authz.Login, authz.Stamp} {
			w, legal, agent := founded(t)
			id := grant(t, w, legal, agent, 3)
			once := sync.OnceFunc(func() { power.end(t, w, legal, agent, id) })
			if err := use(t, w, agent, legal.Org, action, once); !errors.Is(err, power.want) {
				t.Errorf("%s ends under a %s: %v, want %s", name, action, err, power.want.Code)
			}
		}
	}
}

// AT-034 for the owner, who has no delegation: he is dethroned in the middle of
// his own approval.
func TestAT034OwnerIsDethroned(t *testing.T) {
	t.Parallel()
	w, legal, agent := founded(t)
	end := powers()["legal representative"].end
	once := sync.OnceFunc(func() { end(t, w, legal, agent, "") })
	if err := use(t, w, legal, legal.Org, authz.Login, once); !errors.Is(err, fault.NotLegalRep) {
		t.Errorf("the owner: %v, want %s", err, fault.NotLegalRep.Code)
	}
}

// AT-034, at random: many approvals and one revocation at once, many times. What
// was approved was approved before: from the first approval that was refused on,
// none succeeds.
func TestAT034AtRandom(t *testing.T) {
	t.Parallel()
	w, legal, agent := founded(t)
	for range 30 {
		id := grant(t, w, legal, agent, 1000)
		act, err := w.Service.DraftRevocation(t.Context(), legal.Caller, authz.KindDelegation, id, "")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		revoked := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				for over := false; !over; {
					select {
					case <-revoked:
						over = true // one more: acknowledged before it began
					default:
					}
					err := use(t, w, agent, legal.Org, authz.Stamp, func() {})
					switch {
					case err == nil && over:
						t.Error("approved after the revocation was acknowledged")
					case err != nil && !errors.Is(err, fault.DelegationRevoked) && !errors.Is(err, unit.ErrConflict):
						t.Error(err)
					}
				}
			})
		}
		if _, err := w.Sign(t.Context(), legal, act); err != nil {
			t.Error(err)
		}
		close(revoked)
		wg.Wait()
	}
}
