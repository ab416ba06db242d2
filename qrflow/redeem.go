package qrflow

import (
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// Redeemed is what an application gets for a result code.
type Redeemed struct {
	Ticket   Ticket
	Approval Approval
	Repeated bool // it was redeemed before with the same verifier
}

// Redeem gives the result of a ticket to its application. The code comes from
// the page, the verifier from the application's own session with that browser:
// a code that was caught elsewhere opens nothing (protocol.md §2.3).
//
// With the same verifier it can be repeated for Limits.Repeat. Another
// application or another verifier with a genuine code means that the code was
// caught: the result is killed, the alarm is on record, and nobody gets it any
// more. Faults: fault.TicketUnavailable (unknown, foreign, killed, or another
// code), fault.VerifierWrong, fault.WrongState (no result yet), fault.Expired.
func (s *Service) Redeem(ctx context.Context, app, ticket, code string, verifier []byte) (r Redeemed, err error) {
	err = s.update(ctx, func(tx unit.Tx) (err error) {
		r, err = s.redeem(tx, app, ticket, code, verifier)
		return err
	})
	if err != nil {
		return Redeemed{}, err
	}
	return r, nil
}

func (s *Service) redeem(tx unit.Tx, app, ticket, code string, verifier []byte) (Redeemed, error) {
	t, err := s.get(tx, ticket)
	if err != nil {
		return Redeemed{}, err
	}
	secret, err := s.secret(t)
	switch {
	case err != nil:
		return Redeemed{}, err
	case !equal(resultCode(secret, t.ID), code) || t.Killed:
		return Redeemed{}, fault.TicketUnavailable
	case t.App != app:
		return Redeemed{}, s.kill(tx, t, app, fault.TicketUnavailable)
	case !t.VerifierHash.Equal(VerifierHash(verifier)):
		return Redeemed{}, s.kill(tx, t, app, fault.VerifierWrong)
	}
	return s.hand(tx, t)
}

// hand gives the result out, the first time or again.
func (s *Service) hand(tx unit.Tx, t *Ticket) (Redeemed, error) {
	a, err := s.d.Approvals.Get(tx, t.ID)
	if errors.Is(err, unit.ErrAbsent) {
		if err := must(t, tx.Now(), Approved, Signing, Done); err != nil {
			return Redeemed{}, err
		}
	}
	if err != nil {
		return Redeemed{}, fmt.Errorf("load approval: %w", err)
	}
	if !t.RedeemedAt.IsZero() {
		if tx.Now().Sub(t.RedeemedAt) >= s.d.Limits.Repeat {
			return Redeemed{}, fault.Expired
		}
		return Redeemed{*t, *a, true}, nil
	}
	if err := s.fetch(tx, t); err != nil {
		return Redeemed{}, err
	}
	return Redeemed{*t, *a, false}, nil
}

// fetch marks the first redeem.
func (s *Service) fetch(tx unit.Tx, t *Ticket) error {
	now := tx.Now()
	n := note{actor: t.App, role: "application", evidence: t.Statement}
	if !t.stamps() {
		if err := must(t, now, Approved); err != nil {
			return err
		}
		t.RedeemedAt = now
		return s.move(tx, t, StepFetch, n)
	}
	if err := must(t, now, Done); err != nil {
		return err
	}
	if !now.Before(t.CodeUntil) {
		return fault.Expired
	}
	t.RedeemedAt = now
	if err := s.d.Tickets.Replace(tx, t); err != nil {
		return conflict("store ticket", err)
	}
	return s.record(tx, t, "ticket.redeemed", n)
}

// kill destroys a result whose code is in strange hands.
func (s *Service) kill(tx unit.Tx, t *Ticket, app string, refusal error) error {
	n := note{actor: app, role: "application", decision: audit.Alarm, reason: "result-code-caught"}
	t.Killed = true
	var err error
	if _, possible := Next(t.StateAt(tx.Now()), StepKill); possible && !t.stamps() {
		err = s.move(tx, t, StepKill, n)
	} else if err = conflict("store ticket", s.d.Tickets.Replace(tx, t)); err == nil {
		err = s.record(tx, t, "ticket.killed", n)
	}
	if err != nil {
		return err
	}
	return kept{refusal}
}
