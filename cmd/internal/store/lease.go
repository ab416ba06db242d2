package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"yunzhang.dev/authz/unit"
)

// Lease is who does a piece of background work just now. Its id is the work's
// name.
type Lease struct {
	unit.Row `bson:",inline"`
	Holder   string `bson:"holder"` // name of a node; "" when it was given back
	// Fence grows with every holder: what is written under a lease carries it,
	// so that a holder that was put to sleep and overtaken writes nothing more.
	Fence int64 `bson:"fence"`
	// Until is when, by the store's time, anybody may take it.
	Until time.Time `bson:"until"`
}

// What a lease answers.
var (
	// ErrHeld: another node has the lease.
	ErrHeld = errors.New("store: another node has the lease")
	// ErrFenced: the lease was taken over; whoever held it writes nothing more.
	ErrFenced = errors.New("store: the lease was taken over by another node")
)

// Leases hands out leases on one store in the name of one node.
type Leases struct {
	work  *Work
	table unit.Table[Lease]
	node  string
}

// Leases gives the leases of a node. A node that comes back under its name
// takes its own leases at once, with a new fence; the names of nodes differ.
func (m *Main) LeasesOf(node string) *Leases { return &Leases{m.Work, m.leases, node} }

// Held is a lease that was taken.
type Held struct {
	of    *Leases
	name  string
	fence int64
}

// Fence is the number that grew when the lease was taken.
func (h *Held) Fence() int64 { return h.fence }

// Take takes a lease for a time, or gives ErrHeld. By compare-and-set: of two
// that try at once one gets it.
func (l *Leases) Take(ctx context.Context, name string, life time.Duration) (*Held, error) {
	held := &Held{of: l, name: name}
	err := l.work.Update(ctx, func(tx unit.Tx) error { return held.take(tx, life) })
	if err != nil {
		return nil, fmt.Errorf("lease %s: %w", name, err)
	}
	return held, nil
}

// takeAlone is Take of a lease that is held by nobody beside others: while any
// other is held it gives ErrRunning.
func (l *Leases) takeAlone(ctx context.Context, name string, life time.Duration) (*Held, error) {
	held := &Held{of: l, name: name}
	err := l.work.Update(ctx, func(tx unit.Tx) error {
		if err := held.alone(tx); err != nil {
			return err
		}
		return held.take(tx, life)
	})
	if err != nil {
		return nil, err
	}
	return held, nil
}

// take takes the lease in a unit.
func (h *Held) take(tx unit.Tx, life time.Duration) error {
	l := h.of
	row, err := l.table.Get(tx, h.name)
	if errors.Is(err, unit.ErrAbsent) {
		h.fence = 1
		err := l.table.Insert(tx, &Lease{Row: unit.Row{ID: h.name}, Holder: l.node, Fence: 1, Until: tx.Now().Add(life)})
		return again(err)
	}
	if err != nil {
		return err
	}
	if row.Holder != l.node && row.live(tx.Now()) {
		return ErrHeld
	}
	row.Holder, row.Fence, row.Until = l.node, row.Fence+1, tx.Now().Add(life)
	h.fence = row.Fence
	return l.table.Replace(tx, row)
}

// alone sees that no other lease is held.
func (h *Held) alone(tx unit.Tx) error {
	rows, err := h.of.table.Find(tx, unit.Query{Index: "_id"})
	for _, row := range rows {
		if row.ID != h.name && row.live(tx.Now()) {
			return fmt.Errorf("%w: %s has the lease %q until %s; stop it (after a crash, wait until then)", ErrRunning, row.Holder, row.ID, row.Until)
		}
	}
	return err
}

// live reports whether the lease is held at a time.
func (l *Lease) live(at time.Time) bool { return l.Holder != "" && at.Before(l.Until) }

// again turns a lost race for a new row into a conflict, so that the unit runs
// again and finds the winner's.
func again(err error) error {
	if errors.Is(err, unit.ErrTaken) {
		return unit.ErrConflict
	}
	return err
}

// Renew keeps the lease for a time from now, or gives ErrFenced.
func (h *Held) Renew(ctx context.Context, life time.Duration) error {
	return h.change(ctx, func(row *Lease, now time.Time) { row.Until = now.Add(life) })
}

// keep renews the lease every so often until rest is called, and gives a context
// that ends when it was taken over, with ErrFenced as its cause.
func (h *Held) keep(ctx context.Context, life, every time.Duration) (working context.Context, rest func()) {
	working, end := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		for wait(working, every) == nil {
			// What else goes wrong, the work itself meets, or the next turn mends.
			if err := h.Renew(working, life); errors.Is(err, ErrFenced) {
				end(err)
			}
		}
	})
	return working, func() {
		end(nil)
		beside.Wait()
	}
}

// Release gives the lease back, so that the next need not wait for its end. A
// lease that was taken over already is no error.
func (h *Held) Release(ctx context.Context) error {
	err := h.change(ctx, func(row *Lease, now time.Time) { row.Holder, row.Until = "", now })
	if errors.Is(err, ErrFenced) {
		return nil
	}
	return err
}

func (h *Held) change(ctx context.Context, change func(*Lease, time.Time)) error {
	err := h.of.work.Update(ctx, func(tx unit.Tx) error {
		row, err := h.mine(tx)
		if err != nil {
			return err
		}
		change(row, tx.Now())
		return h.of.table.Replace(tx, row)
	})
	if err != nil {
		return fmt.Errorf("lease %s: %w", h.name, err)
	}
	return nil
}

// mine reads the lease's row, or gives ErrFenced.
func (h *Held) mine(tx unit.Tx) (*Lease, error) {
	row, err := h.of.table.Get(tx, h.name)
	if err != nil {
		return nil, err
	}
	if row.Fence != h.fence || row.Holder != h.of.node {
		return nil, ErrFenced
	}
	return row, nil
}

// pass is what every unit under the lease does first: the lease is still this
// holder's, and its row is written, so that whoever takes it at the same time
// conflicts and only one of the two commits.
func (h *Held) pass(tx unit.Tx) error {
	row, err := h.mine(tx)
	if err != nil {
		return err
	}
	return h.of.table.Replace(tx, row)
}

// fenceKey finds the lease that a context carries.
type fenceKey struct{}

// Fenced gives a context whose units of work on the lease's store commit only
// while the lease is this holder's; afterwards they fail with ErrFenced. It
// reaches everything that is called with it, so no job can forget it. Time does
// not decide here: a holder whose time is over and whom nobody followed still
// may.
func (h *Held) Fenced(ctx context.Context) context.Context {
	return context.WithValue(ctx, fenceKey{}, h)
}

// fenced puts the check of the context's lease, if it has one of this store,
// before a unit.
func (w *Work) fenced(ctx context.Context, fn func(unit.Tx) error) func(unit.Tx) error {
	h, ok := ctx.Value(fenceKey{}).(*Held)
	if !ok || h.of.work.engine != w.engine {
		return fn
	}
	return func(tx unit.Tx) error {
		if err := h.pass(tx); err != nil {
			return err
		}
		return fn(tx)
	}
}

// Live lists the leases that are held now, by the store's time: while there are
// any, a node works on this store.
func (l *Leases) Live(ctx context.Context) (held []Lease, err error) {
	err = l.work.View(ctx, func(tx unit.Tx) error {
		held = nil
		rows, err := l.table.Find(tx, unit.Query{Index: "_id"})
		for _, row := range rows {
			if row.live(tx.Now()) {
				held = append(held, *row)
			}
		}
		return err
	})
	return held, err
}
