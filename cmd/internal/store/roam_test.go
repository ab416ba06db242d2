package store_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/qrflow"
	"yunzhang.dev/qrflow/qrflowtest"
)

// roam is one store by the hands of several nodes: each unit of work is done by
// any of them, as behind a proxy without sticky sessions.
type roam []*store.Main

// newRoam opens a database n times.
func newRoam(t testing.TB, set *mongotest.Set, now func() time.Time, n int) roam {
	t.Helper()
	var r roam
	for name := set.Database(t); len(r) < n; {
		m := store.NewMain(store.New(mongotest.Open(t, set, mongo.Options{Clock: now, Database: name}), keys{}))
		if err := m.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		r = append(r, m)
	}
	return r
}

func (r roam) tickets() qrflowtest.Store {
	s := qrflowtest.Store{Work: r, Standings: roamingStandings(r)}
	s.Tickets = table(r, func(m *store.Main) unit.Table[qrflow.Ticket] { return m.Tickets })
	s.Events = table(r, func(m *store.Main) unit.Table[qrflow.Event] { return m.Events })
	s.Approvals = table(r, func(m *store.Main) unit.Table[qrflow.Approval] { return m.Approvals })
	s.Records = table(r, func(m *store.Main) unit.Table[audit.Record] { return m.Audit })
	return s
}

// roamingTx is a unit of work at one node.
type roamingTx struct {
	unit.Tx
	node int
}

// Fetch implements unit.Fetcher.
func (t roamingTx) Fetch(wants ...unit.Want) error { return unit.Fetch(t.Tx, wants...) }

// Update implements unit.Work.
func (r roam) Update(ctx context.Context, fn func(unit.Tx) error) error {
	n := rand.IntN(len(r))
	return r[n].Work.Update(ctx, func(tx unit.Tx) error { return fn(roamingTx{tx, n}) })
}

// View implements unit.Work.
func (r roam) View(ctx context.Context, fn func(unit.Tx) error) error {
	n := rand.IntN(len(r))
	return r[n].Work.View(ctx, func(tx unit.Tx) error { return fn(roamingTx{tx, n}) })
}

// roamingStandings are read at whichever node a unit of work is done by.
type roamingStandings roam

// Get implements qrflow.Standings.
func (r roamingStandings) Get(tx unit.Tx, id string) (*qrflow.Standing, error) {
	t := tx.(roamingTx)
	return r[t.node].Standings.Get(t.Tx, id)
}

// roamingTable is a table at whichever node a unit of work is done by.
type roamingTable[T any] []unit.Table[T]

func table[T any](r roam, of func(*store.Main) unit.Table[T]) unit.Table[T] {
	var at roamingTable[T]
	for _, m := range r {
		at = append(at, of(m))
	}
	return at
}

func (at roamingTable[T]) in(tx unit.Tx) (unit.Table[T], unit.Tx) {
	t := tx.(roamingTx)
	return at[t.node], t.Tx
}

// Name is what a unit.Want calls the table.
func (at roamingTable[T]) Name() string { return at[0].(interface{ Name() string }).Name() }

// Get implements unit.Table.
func (at roamingTable[T]) Get(tx unit.Tx, id string) (*T, error) {
	table, inner := at.in(tx)
	return table.Get(inner, id)
}

// Insert implements unit.Table.
func (at roamingTable[T]) Insert(tx unit.Tx, v *T) error {
	table, inner := at.in(tx)
	return table.Insert(inner, v)
}

// Replace implements unit.Table.
func (at roamingTable[T]) Replace(tx unit.Tx, v *T) error {
	table, inner := at.in(tx)
	return table.Replace(inner, v)
}

// Find implements unit.Table.
func (at roamingTable[T]) Find(tx unit.Tx, q unit.Query) ([]*T, error) {
	table, inner := at.in(tx)
	return table.Find(inner, q)
}
