package qrflow

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Claim is what a device gets for a scan, and may ask for again: the head of
// the statement, byte for byte as it will be signed.
type Claim struct {
	ID        string
	Ticket    string
	App       string
	Purpose   string
	State     State
	Head      []byte
	HeadHash  gm.Digest
	Payload   []byte // the purpose's own; the caller shows documents from it
	Documents int
	Deadline  time.Time     // zero: none any more
	Left      time.Duration // until Deadline by the store's clock
	Reason    string        // code, when it has ended
}

// Claim takes a ticket for a device that has scanned a fresh frame. There is
// one winner; asking again with the same device gives the same claim. Faults,
// in the order of the checks:
//
//	slow-down           too many scans, bad frames or blocked tickets of this device
//	ticket-unavailable  unknown, forged, foreign or ended: one answer for all
//	frame-stale         genuine, but the page shows a newer one by now
//	ticket-claimed      another device has it; nothing is said about whose
//	expired             too late
//	subject             another person is expected
//
// and what the purpose refuses, with the ticket still open.
func (s *Service) Claim(ctx context.Context, c Claimant, scan Scan) (Claim, error) {
	return s.ClaimKept(ctx, c, scan, unit.Kept[Claim]{})
}

// ClaimKept is Claim with the answer kept in its transaction.
func (s *Service) ClaimKept(ctx context.Context, c Claimant, scan Scan, kept unit.Kept[Claim]) (Claim, error) {
	if err := s.admitScan(c); err != nil {
		return Claim{}, err
	}
	var t *Ticket
	var claimed Claim
	err := s.d.Work.Update(ctx, func(tx unit.Tx) (err error) {
		if t, err = s.claim(tx, c, scan); err != nil {
			return err
		}
		claimed = t.claim(tx.Now())
		return kept.Keep(tx, claimed)
	})
	switch {
	case err == nil:
		return claimed, nil
	case errors.Is(err, errForged):
		return Claim{}, s.badFrame(ctx, c)
	case errors.Is(err, fault.Subject):
		return Claim{}, s.stranger(ctx, c, scan)
	}
	return Claim{}, s.refused(ctx, t, c, "ticket.claim", err)
}

// errForged: no frame of ours. To the device it is the same answer as for an
// ended ticket, but it counts against the device.
var (
	errForged = errors.New("no such frame")
	forged    = fault.TicketUnavailable.Because(errForged)
)

// admitScan holds the limits of a device.
func (s *Service) admitScan(c Claimant) error {
	now, l := s.d.Now(), s.d.Limits
	wait := max(
		s.d.Limiter.Full(now, Limit{"bad/" + c.Device, l.BadFrames}, Limit{"blocked/" + c.Device, l.Blocked}),
		s.d.Limiter.Take(now, "claims/"+c.Device, l.Claims))
	if wait > 0 {
		return fault.SlowDown.After(wait)
	}
	return nil
}

// claim gives the ticket, claimed by c.
func (s *Service) claim(tx unit.Tx, c Claimant, scan Scan) (*Ticket, error) {
	t, err := s.scanned(tx, c, scan)
	if err != nil || t.State == Claimed {
		return t, err
	}
	if t.Expected != "" && t.Expected != c.Person {
		return t, fault.Subject
	}
	p, err := s.purpose(t)
	if err != nil {
		return t, err
	}
	t.Person, t.Device, t.KeyHash, t.Who = c.Person, c.Device, c.Key.Hash(), mask(c)
	t.ClaimedAt = tx.Now()
	shown := *t
	shown.deadline(t.ClaimedAt.Add(s.d.Limits.decide(t.Purpose, t.Documents)))
	head, err := p.Head(tx, &shown, c)
	if err != nil {
		return t, err
	}
	if err := consistent(head, &shown); err != nil {
		return t, fmt.Errorf("head of ticket %s: %w", t.ID, err)
	}
	t.HeadBytes, t.HeadHash, t.Payload = head, gm.SM3(head), shown.Payload
	return t, s.move(tx, t, StepClaim, note{actor: c.Person, role: "agent", evidence: t.HeadHash})
}

// scanned gives the ticket of a frame if c may claim it, or has claimed it.
func (s *Service) scanned(tx unit.Tx, c Claimant, scan Scan) (*Ticket, error) {
	f, err := scan.frame()
	if err != nil {
		return nil, forged
	}
	found, err := s.d.Tickets.Find(tx, unit.Query{Index: "handleHash", Key: []any{hashHandle(f.handle)}, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("find ticket: %w", err)
	}
	if len(found) == 0 {
		return nil, forged
	}
	t := found[0]
	secret, err := s.secret(t)
	if err != nil {
		return nil, err
	}
	state, now := t.StateAt(tx.Now()), tx.Now()
	switch {
	case !f.genuine(secret, t.ID):
		return nil, forged
	case state == Claimed && t.heldBy(c):
		return t, nil // the answer got lost
	case state == Issued || !s.d.Limits.fresh(t, now, f.n):
		return t, fault.FrameStale
	case state == Open:
		return t, nil
	case state == Claimed:
		return t, fault.TicketClaimed
	case state == Expired:
		return t, fault.Expired
	}
	return t, fault.TicketUnavailable
}

// consistent makes sure that a purpose has built the head of this ticket and
// no other: a mistake there must not become a signature.
func consistent(head []byte, t *Ticket) error {
	a, err := statement.ParseHead(head)
	switch {
	case err != nil:
		return err
	case a.Purpose != t.Purpose || a.Decision != statement.Approve:
		return errors.New("another purpose or decision")
	case a.Ticket != t.ID || a.Nonce != t.Nonce || a.App.ID != t.App:
		return errors.New("another ticket, nonce or application")
	case a.Agent.ID != t.Person || a.Device != t.KeyHash:
		return errors.New("another person or device")
	case a.ExpiresAt.After(t.Deadline) || a.Total() != t.Documents:
		return errors.New("another deadline or number of documents")
	}
	return nil
}

// badFrame counts a frame that is not ours, and raises the alarm when the
// device has used up its tries. Of those that came at once, on whatever nodes,
// no more are judged than it has.
func (s *Service) badFrame(ctx context.Context, c Claimant) error {
	now, key := s.d.Now(), "bad/"+c.Device
	if wait := s.d.Limiter.Take(now, key, s.d.Limits.BadFrames); wait > 0 {
		return fault.SlowDown.After(wait)
	}
	if s.d.Limiter.Full(now, Limit{key, s.d.Limits.BadFrames}) == 0 {
		return forged
	}
	return s.update(ctx, func(tx unit.Tx) error {
		err := s.d.Audit.Write(tx, audit.Record{
			Actor: c.Person, Role: "agent", Action: "ticket.probe", Object: c.Device,
			Decision: audit.Alarm, Detail: "bad-frames",
		})
		if err != nil {
			return err
		}
		return kept{forged}
	})
}

// stranger counts a scan by a person who is not meant; too many of them end
// the ticket. The page says "wrong person" and no more.
func (s *Service) stranger(ctx context.Context, c Claimant, scan Scan) error {
	return s.update(ctx, func(tx unit.Tx) error {
		t, err := s.scanned(tx, c, scan)
		if err != nil {
			return err
		}
		if t.State != Open {
			return fault.Subject
		}
		step := StepStranger
		if t.Strangers++; t.Strangers >= s.d.Limits.Strangers {
			step = StepMob
		}
		n := note{actor: c.Person, role: "agent", decision: audit.Refused, reason: fault.Subject.Code}
		if err := s.move(tx, t, step, n); err != nil {
			return err
		}
		return kept{fault.Subject}
	})
}

// refused puts a refusal on record and gives it back. t may be nil.
func (s *Service) refused(ctx context.Context, t *Ticket, c Claimant, action string, refusal error) error {
	if fault.CodeOf(refusal) == fault.InternalError.Code || t == nil {
		return refusal
	}
	return s.update(ctx, func(tx unit.Tx) error {
		n := note{actor: c.Person, role: "agent", decision: audit.Refused, reason: fault.CodeOf(refusal)}
		if err := s.record(tx, t, action, n); err != nil {
			return err
		}
		return kept{refusal}
	})
}

// claim renders the claim for its device.
func (t *Ticket) claim(now time.Time) Claim {
	return Claim{
		ID: t.ClaimID(), Ticket: t.ID, App: t.App, Purpose: t.Purpose, State: t.StateAt(now),
		Head: t.HeadBytes, HeadHash: t.HeadHash, Payload: t.Payload, Documents: t.Documents,
		Deadline: t.Deadline, Left: t.left(now), Reason: t.Reason,
	}
}

// mask is the claimant as the page may name him before he has agreed to
// anything: first character of the name, last digits of the phone number.
func mask(c Claimant) string {
	first, _ := utf8.DecodeRuneInString(c.Name)
	if c.Name == "" {
		first = '*'
	}
	who := string(first) + "*"
	if c.PhoneTail != "" {
		who += "（尾号 " + c.PhoneTail + " 的手机）"
	}
	return who
}
