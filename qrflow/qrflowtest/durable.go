package qrflowtest

import (
	"context"
	"errors"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

var errPower = errors.New("the power failed")

// powerCut is a store whose power fails with the unit that writes an approval:
// before its commit, or behind it.
type powerCut struct {
	unit.Work
	unit.Table[qrflow.Approval]
	behind bool
	wrote  bool // by the unit that runs
}

// Insert is the table's.
func (p *powerCut) Insert(tx unit.Tx, v *qrflow.Approval) error {
	p.wrote = true
	return p.Table.Insert(tx, v)
}

// Update is the store's.
func (p *powerCut) Update(ctx context.Context, fn func(unit.Tx) error) error {
	err := p.Work.Update(ctx, func(tx unit.Tx) error {
		p.wrote = false
		if err := fn(tx); err != nil || p.behind || !p.wrote {
			return err
		}
		return errPower
	})
	if err == nil && p.wrote {
		return errPower
	}
	return err
}

// testAT066Durable: a write that does not become durable was never there for a
// page: it sees an approval only when that is stored, whatever the one who
// approved was told.
func testAT066Durable(t testing.TB, open Opener) {
	for _, applied := range []bool{false, true} {
		cut := &powerCut{behind: applied}
		w := NewWorld(t, open, func(d *qrflow.Deps) {
			cut.Work, cut.Table = d.Work, d.Approvals
			d.Work, d.Approvals = cut, cut
		})
		c := w.Play(t, statement.Login, qrflow.Claimed)
		if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request); !errors.Is(err, errPower) {
			t.Fatal(err)
		}
		want, events := qrflow.Claimed, int64(3)
		if applied {
			want, events = qrflow.Approved, 4
		}
		v, err := w.Node(t).Snapshot(t.Context(), c.Ticket)
		if err != nil || v.State != want || v.LastSeq != events || (v.Current.ResultCode != "") != applied {
			t.Errorf("applied %v: the page is shown %+v, %v", applied, v, err)
		}
		list, err := w.Service.Events(t.Context(), c.Ticket, 0)
		if err != nil || int64(len(list)) != events || list[len(list)-1].State != want {
			t.Errorf("applied %v: events %+v, %v", applied, list, err)
		}
	}
}
