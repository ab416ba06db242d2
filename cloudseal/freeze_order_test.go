package cloudseal_test

import (
	"errors"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/status"
)

// onTheWay lets something happen while the first call of a name is on its way
// to the signer; what it does itself arrives at once.
func onTheWay(w *cloudsealtest.World, call string, meanwhile func()) {
	w.Signer.Weather = func(c string) (bool, error) {
		if c == call {
			w.Signer.Weather = cloudsealtest.Fair
			meanwhile()
		}
		return true, nil
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An unfreezing that is slow to reach the signer arrives after another node
// told him of it and the seal was frozen again: it lifts nothing.
func TestAnOldLiftUndoesNoFreeze(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	must(t, freeze(t, w))
	onTheWay(w, "signer.lift", func() {
		must(t, w.Service.RecoverRest(t.Context()))
		w.Begin(r)
		must(t, freeze(t, w))
	})
	must(t, unfreeze(t, w))
	must(t, w.Service.Stamp(t.Context(), "tk_1"))
	isRefused(t, w, r, "seal-frozen")
	if seal := mustSeal(t, w); seal.State != status.Frozen || !seal.Told {
		t.Errorf("state %s, told %v", seal.State, seal.Told)
	}
}

// The same, and between the freeze and the old lift the seal was unfrozen once
// more, of which nobody could tell the signer yet. The state is the one that the
// old lift speaks of, yet he does not know it: he is told.
func TestAnOldLiftIsNotTakenForTheNew(t *testing.T) {
	t.Parallel()
	errAway := errors.New("away")
	w := cloudsealtest.NewWorld(t)
	w.Seal()
	must(t, freeze(t, w))
	onTheWay(w, "signer.lift", func() {
		must(t, w.Service.RecoverRest(t.Context()))
		must(t, freeze(t, w))
		w.Signer.Weather = func(string) (bool, error) { return false, errAway }
		if err := unfreeze(t, w); !errors.Is(err, errAway) {
			t.Errorf("acknowledged: %v", err)
		}
		w.Signer.Weather = cloudsealtest.Fair
	})
	must(t, unfreeze(t, w))
	if seal := mustSeal(t, w); seal.State != status.Usable || !seal.Told {
		t.Errorf("state %s, told %v", seal.State, seal.Told)
	}
	r := ask(w, "tk_1", mustSeal(t, w), 1)
	w.Begin(r)
	must(t, w.Service.Stamp(t.Context(), "tk_1"))
	isDone(t, w, r)
}

// A freeze that arrives after the unfreezing that followed it stops nothing and
// is not acknowledged.
func TestAnOldFreezeStopsNothing(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.Seal()
	onTheWay(w, "signer.stop", func() {
		must(t, w.Service.RecoverRest(t.Context()))
		must(t, unfreeze(t, w))
	})
	want(t, "the overtaken freeze", freeze(t, w), fault.StateConflict)
	r := ask(w, "tk_1", mustSeal(t, w), 1)
	w.Begin(r)
	must(t, w.Service.Stamp(t.Context(), "tk_1"))
	isDone(t, w, r)
	must(t, freeze(t, w)) // the next one counts
	must(t, w.Service.RecoverRest(t.Context()))
	if seal := mustSeal(t, w); seal.State != status.Frozen || !seal.Told {
		t.Errorf("state %s, told %v", seal.State, seal.Told)
	}
}
