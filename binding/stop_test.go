package binding_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/qrflow"
)

const theApp = "app_1"

// world is a service with one application, and the signer behind it.
type world struct {
	*cloudsealtest.World
	t       testing.TB
	service *binding.Service
	apps    unit.Table[binding.App]
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: cloudsealtest.NewWorld(t), t: t}
	flow, err := qrflow.New(qrflow.Deps{
		Work: w.Work, Audit: w.Audit, Secrets: []qrflow.Secret{{ID: "k1", Key: gm.Random(32)}}, QRBase: "https://s.example.gov.cn/q", Now: w.Clock.Now,
		Tickets:   unittest.Table[qrflow.Ticket](w.DB, "tickets", unittest.Plain("app", "live")),
		Events:    unittest.Table[qrflow.Event](w.DB, "events"),
		Approvals: unittest.Table[qrflow.Approval](w.DB, "approvals"),
	})
	must(t, err)
	w.apps = unittest.Table[binding.App](w.DB, "apps", unittest.Plain("state", "name"), unittest.Plain("untold"))
	w.service, err = binding.New(binding.Deps{
		Work: w.Work, Tables: binding.Tables{Apps: w.apps}, Authz: authztest.NewWorld(t).Service, Seals: w.Service, Flow: flow,
		Stops: w.Signer, Audit: w.Audit, Issuer: cloudsealtest.Host, Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	must(t, err)
	w.Update(func(tx unit.Tx) error {
		return w.apps.Insert(tx, &binding.App{Row: unit.Row{ID: theApp}, Name: "申报系统", State: authz.Active})
	})
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) stop() error    { return w.service.StopApp(w.t.Context(), "us_op", theApp, "test") }
func (w *world) restore() error { return w.service.RestoreApp(w.t.Context(), "us_op", theApp, "test") }

// onTheWay lets something happen while the first call of a name is on its way
// to the signer; what it does itself arrives at once. Whatever is told after it
// has arrived is told in the sight of after.
func (w *world) onTheWay(call string, meanwhile, after func()) {
	w.Signer.Weather = func(c string) (bool, error) {
		if c == call {
			w.Signer.Weather = cloudsealtest.Fair
			meanwhile()
			w.Signer.Weather = func(string) (bool, error) {
				after()
				return true, nil
			}
		}
		return true, nil
	}
}

// stopped is what the signer holds of the application, in all of its rows.
func (w *world) stopped() bool {
	w.t.Helper()
	said := map[bool]int{}
	must(w.t, w.SignerStore.Work.View(context.Background(), func(tx unit.Tx) error {
		clear(said)
		for n := range 16 {
			row, err := w.SignerStore.Tables.Stops.Get(tx, fmt.Sprintf("%s:%s/%02d", keys.StopApplication, theApp, n))
			if err != nil {
				return err
			}
			said[row.Stopped]++
		}
		return nil
	}))
	if len(said) != 1 {
		w.t.Errorf("the signer is of two minds: %v", said)
	}
	return said[true] > 0
}

// known looks at both sides: the state, that the signer was told it, and that
// he holds it.
func (w *world) known(state authz.State) {
	w.t.Helper()
	w.Update(func(tx unit.Tx) error {
		app, err := w.apps.Get(tx, theApp)
		if err == nil && (app.State != state || app.Untold) {
			w.t.Errorf("the application is %s, untold %v", app.State, app.Untold)
		}
		return err
	})
	if w.stopped() != (state == authz.Frozen) {
		w.t.Errorf("%s, and the signer's stop is %v", state, w.stopped())
	}
}

func TestAStopAndARestoreReachTheSigner(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		must(t, w.stop())
		w.known(authz.Frozen)
		must(t, w.restore())
		w.known(authz.Active)
	}
}

// A restore that is slow to reach the signer arrives after another node told him
// of it and the application was stopped again: it lifts nothing.
func TestAT044AnOldRestoreUndoesNoStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.stop())
	w.onTheWay("signer.lift", func() {
		must(t, w.service.Retell(t.Context()))
		must(t, w.stop())
	}, func() {
		if !w.stopped() {
			t.Error("an old lift took a newer stop back")
		}
	})
	must(t, w.restore())
	w.known(authz.Frozen)
}

// The same, and the application was restored once more, of which nobody could
// tell the signer yet: the old lift is not taken for the new one.
func TestAnOldRestoreIsNotTakenForTheNew(t *testing.T) {
	t.Parallel()
	errAway := errors.New("away")
	w := newWorld(t)
	must(t, w.stop())
	w.onTheWay("signer.lift", func() {
		must(t, w.service.Retell(t.Context()))
		must(t, w.stop())
		w.Signer.Weather = func(string) (bool, error) { return false, errAway }
		if err := w.restore(); !errors.Is(err, errAway) {
			t.Errorf("acknowledged: %v", err)
		}
	}, func() {})
	must(t, w.restore())
	w.known(authz.Active)
}

// A stop that arrives after the restore that followed it stops nothing and is
// not acknowledged.
func TestAnOldStopStopsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onTheWay("signer.stop", func() {
		must(t, w.service.Retell(t.Context()))
		must(t, w.restore())
	}, func() {})
	if err := w.stop(); !errors.Is(err, fault.StateConflict) {
		t.Errorf("the overtaken stop: %v", err)
	}
	must(t, w.service.Retell(t.Context()))
	w.known(authz.Active)
	must(t, w.stop()) // the next one counts
	w.known(authz.Frozen)
}
