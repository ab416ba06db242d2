package qrflow

import (
	"context"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// held gives the ticket of a claim that this device made: check 5. Unknown and
// foreign claims are one answer.
func (s *Service) held(tx unit.Tx, c Claimant, claim string) (*Ticket, error) {
	t, err := s.get(tx, ticketOf(claim))
	if err != nil {
		return nil, err
	}
	if !t.heldBy(c) {
		return nil, fault.TicketUnavailable
	}
	return t, nil
}

// Held gives the ticket of a claim, in whatever state it is, to the owner of its
// purpose, on behalf of the device that made the claim; fault.TicketUnavailable
// on behalf of any other.
func (s *Service) Held(tx unit.Tx, c Claimant, claim string) (*Ticket, error) {
	return s.held(tx, c, claim)
}

// Reject ends the ticket by the person's "no".
func (s *Service) Reject(ctx context.Context, c Claimant, claim string) error {
	n := note{actor: c.Person, role: "agent", reason: "person"}
	return s.d.Work.Update(ctx, func(tx unit.Tx) error {
		t, err := s.held(tx, c, claim)
		if err != nil {
			return err
		}
		if err := must(t, tx.Now(), Claimed); err != nil {
			return err
		}
		return s.move(tx, t, StepReject, n)
	})
}
