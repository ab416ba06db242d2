package qrflow

import (
	"fmt"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// note is what event and audit record say about a step beside the ticket.
type note struct {
	actor    string // person, application, "page" or "system"
	role     string // agent, application, page, system
	decision string // empty: audit.Allowed
	reason   string // code, for event, ticket and record
	evidence gm.Digest
}

// move is the only place where a ticket changes its state: the row with its
// next version, exactly one event and one audit record, and the word to the
// purpose when the ticket ended without effect, all in tx. The caller has
// changed the other fields of t before.
func (s *Service) move(tx unit.Tx, t *Ticket, step Step, n note) error {
	next, possible := Next(t.State, step)
	if !possible {
		return fmt.Errorf("ticket %s: step %s is not possible in state %s", t.ID, step, t.State)
	}
	now := tx.Now()
	if next != t.State {
		s.enter(t, next, now, n.reason)
	}
	t.Seq++
	if err := s.d.Tickets.Replace(tx, t); err != nil {
		return conflict("store ticket", err)
	}
	if err := s.tell(tx, t, eventType(step, next), n); err != nil {
		return err
	}
	if t.State.Live() || t.State == Done {
		return nil
	}
	return s.ended(tx, t, step)
}

// enter sets what a new state brings with it.
func (s *Service) enter(t *Ticket, next State, now time.Time, reason string) {
	t.State, t.Live, t.Reason = next, next.Live(), reason
	switch next {
	case Issued, Open: // one deadline for both, set at the start
	case Claimed:
		t.deadline(now.Add(s.d.Limits.decide(t.Purpose, t.Documents)))
	case Approved:
		wait := s.d.Limits.Start
		if t.Waits {
			wait = s.d.Limits.Second
		}
		if !t.stamps() {
			wait = s.d.Limits.Result
			t.CodeUntil = now.Add(wait)
		}
		t.deadline(now.Add(wait))
	case Signing:
		t.deadline(time.Time{})
	default:
		t.deadline(time.Time{})
		t.EndedAt, t.Slot = now, t.ID
		if next == Done && t.stamps() {
			t.CodeUntil = now.Add(s.d.Limits.Result)
		}
	}
}

// tell writes the event and the audit record of a step.
func (s *Service) tell(tx unit.Tx, t *Ticket, kind string, n note) error {
	e := &Event{
		Row: unit.Row{ID: eventID(t.ID, t.Seq)}, Ticket: t.ID, App: t.App, Seq: t.Seq, Type: kind, State: t.State,
		At: tx.Now(), Made: t.Made, Total: t.Total, Reason: n.reason,
	}
	if kind == string(StepMismatch) {
		e.Tries = s.d.Limits.Tries - t.Tries
	}
	if err := s.d.Events.Insert(tx, e); err != nil {
		return conflict("store event", err)
	}
	return s.record(tx, t, "ticket."+kind, n)
}

// record writes an audit record about a ticket.
func (s *Service) record(tx unit.Tx, t *Ticket, action string, n note) error {
	decision := n.decision
	if decision == "" {
		decision = audit.Allowed
	}
	return s.d.Audit.Write(tx, audit.Record{
		Actor: n.actor, Role: n.role, Action: action, Object: t.ID, Org: t.Principal,
		Decision: decision, Evidence: n.evidence, Detail: n.reason,
	})
}

// ended tells the purpose that the ticket will have no effect.
func (s *Service) ended(tx unit.Tx, t *Ticket, step Step) error {
	p, err := s.purpose(t)
	if err != nil {
		return err
	}
	if err := p.Ended(tx, *t); err != nil {
		return fmt.Errorf("end ticket %s by %s: %w", t.ID, step, err)
	}
	return nil
}

func (s *Service) purpose(t *Ticket) (Purpose, error) {
	p := s.purposes[t.Purpose]
	if p == nil {
		return nil, fmt.Errorf("ticket %s: purpose %q has no owner", t.ID, t.Purpose)
	}
	return p, nil
}

// system is the note of what happens by itself.
func system(reason string) note { return note{actor: "system", role: "system", reason: reason} }
