package authz

import (
	"errors"
	"fmt"
	"slices"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// SlotID names slot n of a delegation.
func SlotID(delegation string, n int) string { return fmt.Sprintf("%s.%d", delegation, n) }

// take removes the n lowest free slots from the delegation, ascending; it
// reports false, changing nothing, when fewer are left.
func (d *Delegation) take(n int) ([]int, bool) {
	if d.Left() < n {
		return nil, false
	}
	fromFree := min(n, len(d.Free))
	taken := slices.Clone(d.Free[:fromFree])
	d.Free = slices.Clone(d.Free[fromFree:])
	for len(taken) < n {
		taken = append(taken, d.Next)
		d.Next++
	}
	return taken, true
}

// giveBack returns a slot, keeping Free ascending.
func (d *Delegation) giveBack(n int) {
	i, found := slices.BinarySearch(d.Free, n)
	if !found {
		d.Free = slices.Insert(slices.Clone(d.Free), i, n)
	}
}

// TakeSlots reserves n uses of a delegation for a ticket and writes the
// delegation, so that a concurrent revocation or another taker conflicts.
// fault.DelegationLimit when fewer than n are left: a batch takes all or none.
func (s *Service) TakeSlots(tx unit.Tx, d *Delegation, ticket string, n int) ([]int, error) {
	taken, ok := d.take(n)
	if !ok {
		return nil, fault.DelegationLimit
	}
	if err := s.t.Delegations.Replace(tx, d); err != nil {
		return nil, err
	}
	for _, slot := range taken {
		if err := s.occupy(tx, d.ID, slot, ticket); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

func (s *Service) occupy(tx unit.Tx, delegation string, n int, ticket string) error {
	row, err := s.t.Slots.Get(tx, SlotID(delegation, n))
	if errors.Is(err, unit.ErrAbsent) {
		return s.t.Slots.Insert(tx, &Slot{
			Row: unit.Row{ID: SlotID(delegation, n)}, Delegation: delegation, N: n, Ticket: ticket, At: tx.Now(),
		})
	}
	if err != nil {
		return err
	}
	if row.Ticket != "" {
		return fault.InternalError.Becausef("slot %s is taken and listed as free", row.ID)
	}
	row.Ticket, row.At = ticket, tx.Now()
	return s.t.Slots.Replace(tx, row)
}

// FreeSlots gives the slots back that a ticket holds. The caller has made sure
// that no signature was made for them and none can be (the signer's
// tombstone): a slot on a stamp is never free again.
func (s *Service) FreeSlots(tx unit.Tx, delegation, ticket string, slots []int) error {
	d, err := s.t.Delegations.Get(tx, delegation)
	if err != nil {
		return err
	}
	for _, n := range slots {
		row, err := s.t.Slots.Get(tx, SlotID(delegation, n))
		if err != nil {
			return err
		}
		if row.Ticket != ticket {
			continue // given back before: this is a repeat
		}
		row.Ticket = ""
		if err := s.t.Slots.Replace(tx, row); err != nil {
			return err
		}
		d.giveBack(n)
	}
	return s.t.Delegations.Replace(tx, d)
}
