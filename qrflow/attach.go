package qrflow

import (
	"context"
	"slices"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// Attach lets a page in: with its page token once, later with a resume token.
// origin is the Origin header and must be one of the ticket's.
//
// Each attach with the newest resume token makes the next one; the one before
// it stays good until its successor is presented, since an answer can get lost
// on the way. An older one is a copy in strange hands: the ticket is cancelled
// if it is not approved yet, and the alarm is raised. So is a page token that
// another site presents: it was stolen, and is burned with its ticket.
//
// Attaches are numbered. Of two pages with one token, wherever they are, the one
// with the higher number stays (View.Page, LastSeqs).
//
// It fails with fault.OriginBad, with fault.Unauthorized for a token that is
// unknown, used or too old, with fault.Expired, and with
// fault.TicketUnavailable when the ticket ended too long ago.
func (s *Service) Attach(ctx context.Context, presented string, resume bool, origin string) (v View, err error) {
	tok, err := parseToken(presented)
	if err != nil || resume != (tok.version > 0) {
		return View{}, fault.Unauthorized.Because(errToken)
	}
	err = s.update(ctx, func(tx unit.Tx) (err error) {
		v, err = s.attach(tx, tok, origin)
		return err
	})
	return v, err
}

func (s *Service) attach(tx unit.Tx, tok token, origin string) (View, error) {
	t, err := s.get(tx, tok.ticket)
	if err != nil {
		return View{}, fault.Unauthorized.Because(err)
	}
	secret, err := s.secret(t)
	if err != nil {
		return View{}, err
	}
	genuine, ours := tok.genuine(secret), slices.Contains(t.Origins, origin)
	switch {
	case genuine && !ours:
		return View{}, s.elsewhere(tx, t, tok)
	case !ours:
		return View{}, s.knock(tx, t, "page-token-forged", fault.OriginBad)
	case !genuine:
		return View{}, s.knock(tx, t, "page-token-forged", fault.Unauthorized.Because(errToken))
	}
	if tok.version == 0 {
		err = s.first(tx, t)
	} else {
		err = s.again(tx, t, tok.version)
	}
	if err != nil {
		return View{}, err
	}
	v, err := s.view(t, tx.Now())
	if err == nil && t.State.Live() {
		v.Resume = resumeToken(secret, t.ID, t.Resume)
	}
	return v, err
}

// first takes the page token: issued → open, and the code begins to roll.
func (s *Service) first(tx unit.Tx, t *Ticket) error {
	now := tx.Now()
	switch {
	case t.StateAt(now) == Expired:
		return fault.Expired
	case t.State != Issued || !now.Before(t.PageUntil):
		return s.knock(tx, t, "page-token-used", fault.Unauthorized.Becausef("page token used or lapsed"))
	}
	t.OpenedAt, t.Resume, t.Page = now, 1, 1
	return s.move(tx, t, StepAttach, note{actor: "page", role: "page"})
}

// again takes a resume token.
func (s *Service) again(tx unit.Tx, t *Ticket, version int) error {
	now := tx.Now()
	if !t.State.Live() && now.Sub(t.EndedAt) >= s.d.Limits.Linger {
		return fault.TicketUnavailable
	}
	if err := s.expire(tx, t); err == nil || !t.State.Live() {
		return nil // the page learns how it ended
	} else if err != errNotDue {
		return err
	}
	switch version {
	case t.Resume:
		t.Resume++
	case t.Resume - 1: // the answer got lost
	default:
		return s.stolen(tx, t, "resume-token-reused", fault.Unauthorized.Becausef("resume token reused"))
	}
	t.Page++
	return conflict("store ticket", s.d.Tickets.Replace(tx, t))
}

// elsewhere answers a genuine token in the hands of another site. A page token
// is burned, which ends a ticket that no page has opened. A page that is open
// keeps its ticket: it holds what the thief has not.
func (s *Service) elsewhere(tx unit.Tx, t *Ticket, tok token) error {
	if tok.version == 0 && t.StateAt(tx.Now()) == Issued {
		return s.stolen(tx, t, "page-token-stolen", fault.OriginBad)
	}
	return s.knock(tx, t, "page-token-stolen", fault.OriginBad)
}

// stolen ends a ticket whose token is in two hands, unless it is approved.
func (s *Service) stolen(tx unit.Tx, t *Ticket, seen string, refusal error) error {
	n := note{actor: "page", role: "page", decision: audit.Alarm, reason: seen}
	write := func() error { return s.record(tx, t, "ticket.theft", n) }
	if _, possible := Next(t.State, StepTheft); possible {
		write = func() error { return s.move(tx, t, StepTheft, n) }
	}
	if err := write(); err != nil {
		return err
	}
	return kept{refusal}
}

// maxKnocks bounds the records about one ticket that somebody without a good
// token can cause: the first few tell what goes on.
const maxKnocks = 5

// knock puts an attach that was refused on record, and gives the refusal.
func (s *Service) knock(tx unit.Tx, t *Ticket, seen string, refusal error) error {
	if t.Knocks >= maxKnocks {
		return refusal
	}
	t.Knocks++
	if err := conflict("store ticket", s.d.Tickets.Replace(tx, t)); err != nil {
		return err
	}
	n := note{actor: "page", role: "page", decision: audit.Refused, reason: seen}
	if err := s.record(tx, t, "ticket.attach", n); err != nil {
		return err
	}
	return kept{refusal}
}
