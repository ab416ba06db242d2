package qrflow

import (
	"context"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// Held gives the ticket of a claim, in whatever state it is, on behalf of the
// device that made the claim: check 5. Unknown and foreign claims are one answer,
// fault.TicketUnavailable.
func (s *Service) Held(tx unit.Tx, c Claimant, claim string) (*Ticket, error) {
	t, err := s.get(tx, ticketOf(claim))
	if err != nil {
		return nil, err
	}
	if !t.heldBy(c) {
		return nil, fault.TicketUnavailable
	}
	return t, nil
}

// Reject ends the ticket by the person's "no".
func (s *Service) Reject(ctx context.Context, c Claimant, claim string) error {
	n := note{actor: c.Person, role: "agent", reason: "person"}
	return s.d.Work.Update(ctx, func(tx unit.Tx) error {
		t, err := s.Held(tx, c, claim)
		if err != nil {
			return err
		}
		if err := must(t, tx.Now(), Claimed); err != nil {
			return err
		}
		return s.move(tx, t, StepReject, n)
	})
}
