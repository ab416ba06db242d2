package qrflow

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// ApproveRequest is the device's yes.
type ApproveRequest struct {
	Claim    string
	HeadHash gm.Digest // of the head that was shown
	Match    string    // the digits as typed
	Sig      []byte    // SM2 over statement.Complete(head, Match), DER
	Second   []byte    // the device's second signature over the same bytes; the purpose checks it

	Kept unit.Kept[Result] // the answer, kept in the transaction that approves
}

// Result is the answer to an approval.
type Result struct {
	Ticket    string
	State     State
	Statement gm.Digest // identifies the approval
	Replayed  bool      // it was approved before with this very statement
	Waits     bool      // for a second person's approval (check 19)
}

// Approve does the checks of protocol.md §2.7 from 5 on, in their order; 1 to 4
// are the caller's:
//
//	 5  ticket-unavailable   no such claim of this device
//	 6  wrong-state, expired
//	 7  statement-changed    another head than was given out
//	 8  match-wrong, blocked counted durably, whatever runs beside it
//	 9  signature            SM2 by the key that claimed; the algorithm is no choice
//	10–18                    Purpose.Recheck
//	20  conflict             one transaction: ticket, what Settle writes, approval, event, record
//
// (19, a second approver, is a policy result of the purpose.) The bytes that
// are verified are built here; nothing the device sends is parsed.
func (s *Service) Approve(ctx context.Context, c Claimant, r ApproveRequest) (Result, error) {
	t, again, err := s.examine(ctx, c, r)
	switch {
	case errors.Is(err, fault.Blocked):
		s.d.Limiter.Take(s.d.Now(), "blocked/"+c.Device, s.d.Limits.Blocked)
		return Result{}, err
	case errors.Is(err, fault.MatchWrong): // the step is on record
		return Result{}, err
	case err == nil && again:
		return t.result(true), nil
	}
	var result Result
	if err == nil {
		result, err = s.approve(ctx, t, c, r)
	}
	if err != nil {
		return Result{}, s.refused(ctx, t, c, approving, err)
	}
	return result, nil
}

// approving is the action of a refused approval on record.
const approving = "ticket.approve"

// examine does the checks 5 to 8, counting a wrong number. again: the ticket has
// been approved with this very statement, and the first answer may have been
// lost.
func (s *Service) examine(ctx context.Context, c Claimant, r ApproveRequest) (t *Ticket, again bool, err error) {
	err = s.update(ctx, func(tx unit.Tx) (err error) {
		if t, err = s.Held(tx, c, r.Claim); err != nil {
			return err
		}
		if again = t.approvedBy(r, tx.Now()); again {
			return nil
		}
		return s.judge(tx, t, c, r)
	})
	return t, again, err
}

// approvedBy reports whether the ticket was approved with this statement and
// has not ended since.
func (t *Ticket) approvedBy(r ApproveRequest, now time.Time) bool {
	state := t.StateAt(now)
	if state != Approved && state != Signing || t.HeadHash != r.HeadHash {
		return false
	}
	return gm.SM3(statement.Complete(t.HeadBytes, r.Match)).Equal(t.Statement)
}

func (t *Ticket) result(replayed bool) Result {
	return Result{Ticket: t.ID, State: t.State, Statement: t.Statement, Replayed: replayed, Waits: t.Waits}
}

// judge does the checks 6 to 8.
func (s *Service) judge(tx unit.Tx, t *Ticket, c Claimant, r ApproveRequest) error {
	if err := must(t, tx.Now(), Claimed); err != nil {
		return err
	}
	if !t.HeadHash.Equal(r.HeadHash) {
		return fault.StatementChanged
	}
	secret, err := s.secret(t)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(number(secret, t.ClaimID())), []byte(r.Match)) == 1 {
		return nil
	}
	return s.mismatch(tx, t, c)
}

// mismatch counts a wrong number. The count is part of the row, so of any number
// of guesses at once only as many are ever answered as there are tries.
func (s *Service) mismatch(tx unit.Tx, t *Ticket, c Claimant) error {
	t.Tries++
	step, refusal := StepMismatch, fault.MatchWrong.With("tries_left", s.d.Limits.Tries-t.Tries)
	if t.Tries >= s.d.Limits.Tries {
		step, refusal = StepGuess, fault.Blocked
	}
	n := note{actor: c.Person, role: "agent", decision: audit.Refused, reason: fault.MatchWrong.Code}
	if err := s.move(tx, t, step, n); err != nil {
		return err
	}
	return kept{refusal}
}

// approve does the checks 9 to 20 on a ticket that examine let through.
func (s *Service) approve(ctx context.Context, t *Ticket, c Claimant, r ApproveRequest) (Result, error) {
	a, err := approvalOf(t, c, r)
	if err != nil {
		return Result{}, err
	}
	p, err := s.purpose(t)
	if err != nil {
		return Result{}, err
	}
	settle, err := p.Recheck(ctx, *t, c, a)
	if err != nil {
		return Result{}, err
	}
	var result Result
	err = s.d.Work.Update(ctx, func(tx unit.Tx) (err error) {
		if result, err = s.settle(tx, c, r, a, settle); err != nil {
			return err
		}
		return r.Kept.Keep(tx, result)
	})
	return result, err
}

// approvalOf verifies the signature (check 9) over the bytes built from the
// stored head, with the key that made the claim.
func approvalOf(t *Ticket, c Claimant, r ApproveRequest) (Approval, error) {
	bytes := statement.Complete(t.HeadBytes, r.Match)
	if c.Key.IsZero() || c.Key.Hash() != t.KeyHash || !c.Key.Verify(bytes, r.Sig) {
		return Approval{}, fault.Signature
	}
	return Approval{
		Row: unit.Row{ID: t.ID}, Ticket: t.ID, Purpose: t.Purpose, Nonce: t.Nonce,
		StatementHash: gm.SM3(bytes), Statement: bytes, Sig: r.Sig, Second: r.Second,
		Person: c.Person, Device: c.Device, KeyHash: t.KeyHash,
	}, nil
}

// settle is check 20. The ticket is read anew: between the checks and here it
// may have been cancelled, blocked, approved by the same device, or expired.
func (s *Service) settle(tx unit.Tx, c Claimant, r ApproveRequest, a Approval, settle Settle) (Result, error) {
	if err := unit.Fetch(tx, append([]unit.Want{unit.Rows(s.d.Tickets, ticketOf(r.Claim))}, r.Kept.Reads...)...); err != nil {
		return Result{}, err
	}
	t, err := s.Held(tx, c, r.Claim)
	if err != nil {
		return Result{}, err
	}
	if t.approvedBy(r, tx.Now()) {
		return t.result(true), nil
	}
	if err := must(t, tx.Now(), Claimed); err != nil {
		return Result{}, err
	}
	if !t.HeadHash.Equal(r.HeadHash) {
		return Result{}, fault.StatementChanged
	}
	shown := *t
	if err := settle(tx, &shown); err != nil {
		return Result{}, err
	}
	t.Payload, t.Waits, t.Statement = shown.Payload, shown.Waits && t.stamps(), a.StatementHash
	a.At = tx.Now()
	if err := s.d.Approvals.Insert(tx, &a); errors.Is(err, unit.ErrTaken) {
		return Result{}, fault.StateConflict.Because(err)
	} else if err != nil {
		return Result{}, fmt.Errorf("store approval: %w", err)
	}
	n := note{actor: c.Person, role: "agent", evidence: a.StatementHash}
	if t.Waits {
		n.reason = fault.SecondNeeded.Code
	}
	if err := s.move(tx, t, StepApprove, n); err != nil {
		return Result{}, err
	}
	return t.result(false), nil
}
