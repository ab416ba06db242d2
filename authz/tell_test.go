package authz_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
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

// However much the signer missed, a revocation is not acknowledged before he knows
// of it too.
func TestATellBehindAThousandOthers(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	err := w.DB.Update(t.Context(), func(tx unit.Tx) error {
		for n := range unit.DefaultLimit + 1 {
			missed := &authz.Tell{Row: unit.Row{ID: fmt.Sprintf("tl_%05d", n)}, Kind: authz.KindDelegation, Subject: fmt.Sprint("dg_", n), At: tx.Now().Add(-time.Hour)}
			if err := w.Tables.Tells.Insert(tx, missed); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	act, err := w.Service.DraftRevocation(t.Context(), legal.Caller, authz.KindDelegation, id, "离职")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(t.Context(), legal, act); err != nil || !w.Stops.Has(authz.KindDelegation, id) {
		t.Errorf("acknowledged (%v), the signer knows: %v", err, w.Stops.Has(authz.KindDelegation, id))
	}
}

// A lost phone is not said to be ended before the signer knows, however often its
// owner asks.
func TestALostDeviceIsToldBeforeItIsSaid(t *testing.T) {
	t.Parallel()
	w, _, agent := company(t)
	w.Stops.Fail = errors.New("the signer is away")
	again := authztest.Li
	again.Kind, again.USCC, again.Lost = authz.EnrolDevice, "", true
	fresh, err := w.Enrol(t.Context(), again)
	if err == nil {
		t.Fatal("said without the signer")
	}
	if err := w.Finish(t.Context(), fresh); err == nil {
		t.Error("said without the signer when asked again")
	}
	w.Stops.Fail = nil
	if err := w.Finish(t.Context(), fresh); err != nil || !w.Stops.Has(authz.KindDevice, agent.Device.KeyHash) {
		t.Errorf("%v; the signer knows %v", err, w.Stops.Stopped)
	}
}
