package qrflow

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Request is what an application asks for, already checked and authenticated
// by the caller.
type Request struct {
	App, Tenant  string
	Purpose      string
	Subject      Subject
	Origins      []string  // exact origins of pages that may show the code
	VerifierHash gm.Digest // of the verifier in the browser's session with the application
	Documents    int       // how many stamps; more time to read
	Payload      []byte    // opaque: what the purpose needs later
}

// Opened is the answer to an application.
type Opened struct {
	Ticket    string
	PageToken string    // for the page, once, until PageUntil
	PageUntil time.Time // end of the page token
	OpenUntil time.Time // end of the code
}

// Admit counts one ticket against the application's rate. Callers of OpenIn
// call it before their transaction, since a transaction may run twice.
func (s *Service) Admit(app string) error {
	if wait := s.d.Limiter.Take(s.d.Now(), "tickets/"+app, s.d.Limits.Tickets); wait > 0 {
		return fault.SlowDown.After(wait)
	}
	return nil
}

// Open makes a ticket. It fails with fault.SlowDown, fault.OpenTickets when
// the account has too many live ones, and fault.BadRequest for a request that
// lacks what its purpose demands.
func (s *Service) Open(ctx context.Context, r Request) (opened Opened, err error) {
	if err := s.Admit(r.App); err != nil {
		return Opened{}, err
	}
	err = s.d.Work.Update(ctx, func(tx unit.Tx) (err error) {
		opened, err = s.OpenIn(tx, r)
		return err
	})
	return opened, err
}

// OpenIn is Open inside the caller's transaction, without Admit.
func (s *Service) OpenIn(tx unit.Tx, r Request) (Opened, error) {
	if err := s.acceptable(r); err != nil {
		return Opened{}, err
	}
	slot, err := s.freeSlot(tx, r)
	if err != nil {
		return Opened{}, err
	}
	t, secret := s.issue(r, tx.Now())
	if t.Slot = slot; slot == "" {
		t.Slot = t.ID
	}
	if err := s.d.Tickets.Insert(tx, t); err != nil {
		return Opened{}, conflict("store ticket", err)
	}
	if err := s.tell(tx, t, string(Issued), note{actor: r.App, role: "application"}); err != nil {
		return Opened{}, err
	}
	return Opened{t.ID, pageToken(secret, t.ID), t.PageUntil, t.Deadline}, nil
}

// acceptable checks what every ticket must have. An account that is logged in
// at the application is what makes a relayed stamp or bind ticket useless to
// the one who relays it (protocol.md §2.1).
func (s *Service) acceptable(r Request) error {
	switch {
	case s.purposes[r.Purpose] == nil:
		return fault.BadRequest.Becausef("purpose %q has no owner", r.Purpose)
	case r.App == "" || len(r.Origins) == 0 || slices.Contains(r.Origins, ""):
		return fault.BadRequest.Becausef("no application or no origin")
	case r.VerifierHash.IsZero():
		return fault.BadRequest.Becausef("no verifier hash")
	case r.Purpose != statement.Login && (r.Subject.Account == "" || r.Subject.Principal == ""):
		return fault.BadRequest.Becausef("no expected subject")
	case r.Documents < 0 || (r.Documents > 0) != (r.Purpose == statement.Stamp):
		return fault.BadRequest.Becausef("%d documents for %s", r.Documents, r.Purpose)
	}
	return nil
}

// issue makes the ticket's row in state Issued.
func (s *Service) issue(r Request, now time.Time) (*Ticket, []byte) {
	id, secret := unit.NewID("tk"), s.d.Secrets[0]
	t := &Ticket{
		Row: unit.Row{ID: id}, App: r.App, Tenant: r.Tenant, Purpose: r.Purpose,
		Account: r.Subject.Account, Principal: r.Subject.Principal, Expected: r.Subject.Person,
		Origins: r.Origins, VerifierHash: r.VerifierHash, Documents: r.Documents, Payload: r.Payload,
		Nonce: base64.RawURLEncoding.EncodeToString(gm.Random(32)), Kid: secret.ID,
		HandleHash: hashHandle(handleOf(secret.Key, id)),
		State:      Issued, Live: true, Seq: 1, Total: r.Documents,
		IssuedAt: now, PageUntil: now.Add(s.d.Limits.PageToken),
	}
	t.deadline(now.Add(s.d.Limits.Open))
	return t, secret.Key
}

// freeSlot gives one of the few places that an account has for live tickets,
// "" for a request without an account. A place is unique among all rows, so
// two openings at once cannot both have it; a place whose ticket has passed
// its deadline is freed here.
func (s *Service) freeSlot(tx unit.Tx, r Request) (string, error) {
	if r.Subject.Account == "" {
		return "", nil
	}
	opener := hex.EncodeToString(gm.Derive(s.d.Secrets[0].Key, labelOpener, []byte(r.App), []byte(r.Subject.Account)))
	for n := range s.d.Limits.OpenTickets {
		slot := fmt.Sprintf("%s/%d", opener, n+1)
		holder, err := s.d.Tickets.Find(tx, unit.Query{Index: "slot", Key: []any{slot}, Limit: 1})
		if err != nil {
			return "", fmt.Errorf("count open tickets: %w", err)
		}
		if len(holder) == 0 {
			return slot, nil
		}
		switch err := s.expire(tx, holder[0]); {
		case err == nil:
			return slot, nil
		case !errors.Is(err, errNotDue):
			return "", err
		}
	}
	return "", fault.OpenTickets
}
