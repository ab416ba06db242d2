package qrflow

import (
	"context"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// disowned is the reason of what a person says he did not start.
const disowned = "not-started-by-me"

// Report is [Service.ReportThen] without anything more to do.
func (s *Service) Report(ctx context.Context, c Claimant, claim string) error {
	_, err := s.ReportThen(ctx, c, claim, nil)
	return err
}

// ReportThen says that the person did not start the request: somebody may be
// relaying a code, so the record is an alarm. It gives the state then.
//
//	claimed          the ticket is blocked
//	approved         it fails: nothing is signed any more, nobody gets the result
//	signing, done    it stays, for what is signed is signed; the result is not
//	                 given out any more, for Limits.Report after it was
//
// A claimed ticket is its device's; later any device of the person may report,
// since the one that was tricked may be the one that is lost. then, if not nil,
// ends in the same transaction what the owner of the purpose made of the
// result. Reporting twice is no error.
func (s *Service) ReportThen(ctx context.Context, c Claimant, claim string, then func(unit.Tx, *Ticket) error) (state State, err error) {
	err = s.d.Work.Update(ctx, func(tx unit.Tx) error {
		t, err := s.disownable(tx, c, claim)
		if err != nil {
			return err
		}
		if state = t.State; t.Reported {
			return nil
		}
		if err := s.disown(tx, t, c); err != nil {
			return err
		}
		if state = t.State; then == nil {
			return nil
		}
		return then(tx, t)
	})
	return state, err
}

// disownable gives the ticket of a claim that this person may report.
func (s *Service) disownable(tx unit.Tx, c Claimant, claim string) (*Ticket, error) {
	t, err := s.get(tx, ticketOf(claim))
	if err != nil {
		return nil, err
	}
	mine := t.heldBy(c)
	if !t.Statement.IsZero() {
		mine = t.Person != "" && equal(t.Person, c.Person)
	}
	if !mine {
		return nil, fault.TicketUnavailable
	}
	if !t.EndedAt.IsZero() && tx.Now().Sub(t.EndedAt) >= s.d.Limits.Report {
		return nil, fault.Expired
	}
	return t, nil
}

func (s *Service) disown(tx unit.Tx, t *Ticket, c Claimant) error {
	n := note{actor: c.Person, role: "agent", decision: audit.Alarm, reason: disowned, evidence: t.Statement}
	if err := must(t, tx.Now(), Claimed, Approved, Signing, Done); err != nil {
		return err
	}
	t.Reported, t.Killed = true, t.State != Claimed
	switch t.State {
	case Claimed:
		return s.move(tx, t, StepReport, n)
	case Approved:
		return s.move(tx, t, StepDisown, n)
	}
	if err := s.d.Tickets.Replace(tx, t); err != nil {
		return conflict("store ticket", err)
	}
	return s.record(tx, t, "ticket.reported", n)
}
