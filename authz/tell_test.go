package authz_test

import (
	"testing"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
)

// withdraw revokes an agent's place.
func withdraw(t *testing.T, w *authztest.World, legal, agent *authztest.Actor) error {
	t.Helper()
	act, err := w.Service.DraftRevocation(t.Context(), legal.Caller, authz.KindAgent, authz.MembershipID(legal.Org, agent.Person.ID), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Sign(t.Context(), legal, act)
	return err
}

// readmit gives a withdrawn agent his place back.
func readmit(t *testing.T, w *authztest.World, legal, agent *authztest.Actor) error {
	t.Helper()
	if _, err := w.Service.JoinAsAgent(t.Context(), agent.Caller, authztest.Li.USCC, "000000"); err != nil {
		t.Fatal(err)
	}
	return w.Approve(t.Context(), legal, agent)
}

// onTheWay lets something happen while the first stop, or lift, of an agent is
// on its way to the signer; what it does itself arrives at once. after, if any,
// looks at whatever is told of him when that one has arrived.
func onTheWay(w *authztest.World, stopped bool, meanwhile, after func()) {
	w.Stops.OnTheWay = func(s bool, kind string) {
		if kind != authz.KindAgent || s != stopped {
			return
		}
		w.Stops.OnTheWay = nil
		meanwhile()
		w.Stops.OnTheWay = func(_ bool, kind string) {
			if kind == authz.KindAgent {
				after()
			}
		}
	}
}

// A new approval that is slow to reach the signer arrives after another node
// told him of it and the agent was withdrawn again: it gives nothing back, not
// even until the next look.
func TestAnOldLiftUndoesNoWithdrawal(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	if err := withdraw(t, w, legal, agent); err != nil {
		t.Fatal(err)
	}
	place := authz.MemberStop(authztest.Li.USCC, agent.Person.ID)
	looked := false
	onTheWay(w, false, func() {
		if err := w.Service.Retell(t.Context()); err != nil || w.Stops.Has(authz.KindAgent, place) {
			t.Errorf("another node tells: %v", err)
		}
		if err := withdraw(t, w, legal, agent); err != nil {
			t.Error(err)
		}
	}, func() {
		if looked = true; !w.Stops.Has(authz.KindAgent, place) {
			t.Error("an old lift took a newer stop back")
		}
	})
	if err := readmit(t, w, legal, agent); err != nil {
		t.Fatal(err)
	}
	if !looked || !w.Stops.Has(authz.KindAgent, place) {
		t.Errorf("looked %v; the signer knows %v", looked, w.Stops.Stopped)
	}
}

// A withdrawal that arrives after the new approval that followed it stops
// nothing and is not acknowledged.
func TestAnOldWithdrawalStopsNothing(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	place := authz.MemberStop(authztest.Li.USCC, agent.Person.ID)
	onTheWay(w, true, func() {
		if err := w.Service.Retell(t.Context()); err != nil || !w.Stops.Has(authz.KindAgent, place) {
			t.Errorf("another node tells: %v", err)
		}
		if err := readmit(t, w, legal, agent); err != nil {
			t.Error(err)
		}
	}, func() {})
	want(t, withdraw(t, w, legal, agent), fault.StateConflict)
	if err := w.Service.Retell(t.Context()); err != nil || w.Stops.Has(authz.KindAgent, place) {
		t.Errorf("%v; the signer knows %v", err, w.Stops.Stopped)
	}
	if err := withdraw(t, w, legal, agent); err != nil || !w.Stops.Has(authz.KindAgent, place) { // the next one counts
		t.Errorf("%v; the signer knows %v", err, w.Stops.Stopped)
	}
}
