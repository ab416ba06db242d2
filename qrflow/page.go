package qrflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/unit"
)

// View is what a page may know about its ticket.
type View struct {
	Ticket, App, Purpose string
	State                State
	LastSeq              int64         // of the last event
	Left                 time.Duration // until the deadline of the state; 0: none
	Resume               string        // the next resume token, from Attach only; "" when the ticket has ended
	Page                 int           // number of the newest attach
	Current              PageEvent     // the state as an event, for a page that missed the events
}

// PageEvent is an event as a page may see it. Claimant, number and result code
// are put in when it is delivered, and only while they are due.
type PageEvent struct {
	Seq   int64
	Type  string // a State, or match_wrong, wrong_subject
	State State  // after the event
	At    time.Time
	// Who is the masked claimant and Match the number to copy: on claimed,
	// while the ticket is claimed.
	Who, Match string
	Left       time.Duration // to decide, on claimed
	TriesLeft  int           // on match_wrong
	Done       int           // stamps made, on signing and done
	Total      int
	// ResultCode is on approved for log-in and bind and on done for stamps,
	// until it lapses after ResultFor.
	ResultCode string
	ResultFor  time.Duration
	Reason     string // code, on terminal states
}

// Snapshot gives the ticket as it is, for a page that may have missed events.
// A passed deadline is written first.
func (s *Service) Snapshot(ctx context.Context, ticket string) (v View, err error) {
	err = s.look(ctx, ticket, func(tx unit.Tx, t *Ticket) (err error) {
		v, err = s.view(t, tx.Now())
		return err
	})
	return v, err
}

// Events gives the events of a ticket after number seq, oldest first.
func (s *Service) Events(ctx context.Context, ticket string, after int64) (list []PageEvent, err error) {
	err = s.look(ctx, ticket, func(tx unit.Tx, t *Ticket) error {
		q := unit.Query{Index: "ticket+seq", Key: []any{ticket}}
		if after > 0 {
			q.After = []any{after, eventID(ticket, after)}
		}
		events, err := s.d.Events.Find(tx, q)
		if err != nil {
			return fmt.Errorf("load events: %w", err)
		}
		list, err = s.render(t, events, tx.Now())
		return err
	})
	return list, err
}

// Standing is the part of a ticket's row that tells how far it has come. Nothing
// of it is encrypted.
type Standing struct {
	unit.Row `bson:",inline"`
	State    State     `bson:"state"`
	Seq      int64     `bson:"seq"`
	Page     int       `bson:"page"`
	Due      bool      `bson:"due"`
	Deadline time.Time `bson:"deadline"`
}

// wholly reads Standings from whole tickets.
type wholly struct{ tickets unit.Table[Ticket] }

// Get implements Standings.
func (w wholly) Get(tx unit.Tx, id string) (*Standing, error) {
	t, err := w.tickets.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return &Standing{t.Row, t.State, t.Seq, t.Page, t.Due, t.Deadline}, nil
}

// Last is how far a ticket has come.
type Last struct {
	Seq  int64 // of the last event
	Page int   // of the newest attach: a page with a smaller number was replaced
}

// LastSeqs gives where each ticket that exists stands: one cheap look for many
// waiting pages of a node, at most some hundred. A ticket whose deadline has passed unwritten counts
// one event more, so that its page asks and learns of it.
func (s *Service) LastSeqs(ctx context.Context, tickets []string) (map[string]Last, error) {
	last := make(map[string]Last, len(tickets))
	err := s.d.Work.View(ctx, func(tx unit.Tx) error {
		if err := unit.Fetch(tx, unit.Rows(s.d.Tickets, tickets...)); err != nil {
			return err
		}
		for _, id := range tickets {
			t, err := s.d.Standings.Get(tx, id)
			if errors.Is(err, unit.ErrAbsent) {
				continue
			}
			if err != nil {
				return fmt.Errorf("load ticket: %w", err)
			}
			at := Last{t.Seq, t.Page}
			if t.State != Expired && stateAt(t.State, t.Due, t.Deadline, tx.Now()) == Expired {
				at.Seq++
			}
			last[id] = at
		}
		return nil
	})
	return last, err
}

// Frame gives the text of the code to show now, its number, and for how long
// it will be accepted. It fails with fault.WrongState or fault.Expired when
// the ticket is not waiting for a scan. Only a live page may be given frames:
// a fresh frame is what proves that one was there.
func (s *Service) Frame(ctx context.Context, ticket string) (text string, n int, validFor time.Duration, err error) {
	roll, err := s.Roll(ctx, ticket)
	if err != nil {
		return "", 0, 0, err
	}
	text, n, validFor, _ = roll.At(0)
	return text, n, validFor, nil
}

// Roll is Frame for now and a while to come: thousands of pages need not ask for
// each code. Whoever holds it shows a code to a live page only, each when it is
// due, and lets go of it when the ticket moves.
func (s *Service) Roll(ctx context.Context, ticket string) (r Roll, err error) {
	err = s.d.Work.View(ctx, func(tx unit.Tx) error {
		t, err := s.get(tx, ticket)
		if err != nil {
			return err
		}
		if err := must(t, tx.Now(), Open); err != nil {
			return err
		}
		secret, err := s.secret(t)
		if err != nil {
			return err
		}
		r = Roll{
			base: s.d.QRBase, handle: handleOf(secret, t.ID), key: frameKey(secret, t.ID),
			period: s.d.Limits.Frame, accepted: time.Duration(s.d.Limits.Frames) * s.d.Limits.Frame,
			shown: max(tx.Now().Sub(t.OpenedAt), 0), left: t.left(tx.Now()),
		}
		return nil
	})
	return r, err
}

// Cancel ends a ticket for its page, which may do so until it is approved.
func (s *Service) Cancel(ctx context.Context, ticket string) error {
	return s.update(ctx, func(tx unit.Tx) error {
		t, err := s.get(tx, ticket)
		if err != nil {
			return err
		}
		return s.cancel(tx, t, note{actor: "page", role: "page", reason: "page"})
	})
}

func (s *Service) cancel(tx unit.Tx, t *Ticket, n note) error {
	if err := must(t, tx.Now(), Issued, Open, Claimed); err != nil {
		return err
	}
	return s.move(tx, t, StepCancel, n)
}

// look writes an expiry that is due, then reads in one snapshot.
func (s *Service) look(ctx context.Context, ticket string, fn func(unit.Tx, *Ticket) error) error {
	for {
		due := false
		err := s.d.Work.View(ctx, func(tx unit.Tx) error {
			t, err := s.get(tx, ticket)
			if err != nil {
				return err
			}
			if due = t.State != Expired && t.StateAt(tx.Now()) == Expired; due {
				return nil
			}
			return fn(tx, t)
		})
		if err != nil || !due {
			return err
		}
		if err := s.expireNow(ctx, ticket); err != nil && !errors.Is(err, errNotDue) {
			return err
		}
	}
}

// view renders a ticket.
func (s *Service) view(t *Ticket, now time.Time) (View, error) {
	current := &Event{Seq: t.Seq, Type: string(t.State), State: t.State, At: now, Made: t.Made, Total: t.Total, Reason: t.Reason}
	events, err := s.render(t, []*Event{current}, now)
	if err != nil {
		return View{}, err
	}
	return View{
		Ticket: t.ID, App: t.App, Purpose: t.Purpose, State: t.State, LastSeq: t.Seq,
		Left: t.left(now), Page: t.Page, Current: events[0],
	}, nil
}

// render adds to events what is due now and was never stored.
func (s *Service) render(t *Ticket, events []*Event, now time.Time) ([]PageEvent, error) {
	secret, err := s.secret(t)
	if err != nil {
		return nil, err
	}
	list := make([]PageEvent, len(events))
	for i, e := range events {
		p := PageEvent{Seq: e.Seq, Type: e.Type, State: e.State, At: e.At, TriesLeft: e.Tries, Reason: e.Reason}
		switch State(e.Type) {
		case Claimed:
			if t.StateAt(now) == Claimed {
				p.Who, p.Match, p.Left = t.Who, number(secret, t.ClaimID()), t.left(now)
			}
		case Signing:
			p.Done, p.Total = e.Made, e.Total
		case Approved, Done:
			p.Done, p.Total = e.Made, e.Total
			if p.ResultFor = t.codeFor(State(e.Type), now); p.ResultFor > 0 {
				p.ResultCode = resultCode(secret, t.ID)
			}
		}
		list[i] = p
	}
	return list, nil
}

// codeFor is how long the result code may still be shown on this event.
func (t *Ticket) codeFor(on State, now time.Time) time.Duration {
	shown := Approved
	if t.stamps() {
		shown = Done
	}
	if on != shown || t.State != shown || t.Killed || !t.RedeemedAt.IsZero() {
		return 0
	}
	return max(t.CodeUntil.Sub(now), 0)
}
