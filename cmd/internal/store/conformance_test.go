package store_test

import (
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
	"yunzhang.dev/qrflow/qrflowtest"
)

// The suites of the domains run over the real store, once as it is and once
// rehearsed: every function of a unit twice, and races lost at random. Under
// the race detector, where SQLite in Go is some fifteen times slower, once. With
// YUNZHANG_TEST_STORE=mongodb they run on three nodes of a replica set instead: the
// simulated one, since they move the clock of the store.
func TestTickets(t *testing.T) {
	t.Parallel()
	if storetest.OnMongo() {
		qrflowtest.Run(t, func(t testing.TB, now func() time.Time) qrflowtest.Store {
			set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Clock: now}})
			return newRoam(t, set, now, 3).tickets()
		})
		return
	}
	for name, seed := range map[string]uint64{"plain": 0, "rehearsed": 1} {
		if raceDetector && seed == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			qrflowtest.Run(t, func(t testing.TB, now func() time.Time) qrflowtest.Store {
				return tickets(mainStore(t, embedded.Options{Now: now, Rehearse: seed}))
			})
		})
	}
}

func tickets(m *store.Main) qrflowtest.Store {
	return qrflowtest.Store{Work: m.Work, Tickets: m.Tickets, Events: m.Events, Approvals: m.Approvals, Records: m.Audit, Standings: m.Standings}
}

func mainStore(t testing.TB, o embedded.Options) *store.Main {
	t.Helper()
	e, err := embedded.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	m := store.NewMain(store.New(e, keys{}))
	if err := m.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}
