package store

import (
	"reflect"

	"yunzhang.dev/authz/unit"
)

// Unfenced gives a holder whose units commit although it was overtaken: the check
// before them is made, and finds the row that it wants to find.
func Unfenced(h *Held) *Held {
	of := *h.of
	of.table = unseeing{h.of.table, h}
	return &Held{of: &of, name: h.name, fence: h.fence}
}

type unseeing struct {
	unit.Table[Lease]
	held *Held
}

func (u unseeing) Get(unit.Tx, string) (*Lease, error) {
	return &Lease{Row: unit.Row{ID: u.held.name}, Holder: u.held.of.node, Fence: u.held.fence}, nil
}

func (u unseeing) Replace(unit.Tx, *Lease) error { return nil }

// Untied makes units under the leases of m read the row of their lease and not
// write it, so that nothing ties their commit to it.
func Untied(m *Main) { m.leases = untied{m.leases} }

type untied struct{ unit.Table[Lease] }

func (u untied) Replace(tx unit.Tx, row *Lease) error {
	stored, err := u.Get(tx, row.ID)
	if err != nil || reflect.DeepEqual(stored, row) {
		return err
	}
	return u.Table.Replace(tx, row)
}
