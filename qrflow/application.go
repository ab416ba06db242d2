package qrflow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// Status is what an application may know about its ticket: no claimant before
// the redeem, no number, no code.
type Status struct {
	Ticket, Purpose string
	State           State
	LastSeq         int64
	Left            time.Duration // until the deadline of the state; 0: none
	Reason          string        // code, when it has ended
	// Killed: the result is not given out any more, and what came of it should
	// end: the person did not start the request, or its code was caught.
	Killed bool
}

// owned gives the application's ticket; another's is unknown to it.
func (s *Service) owned(tx unit.Tx, app, ticket string) (*Ticket, error) {
	t, err := s.get(tx, ticket)
	if err != nil {
		return nil, err
	}
	if t.App != app {
		return nil, fault.TicketUnavailable
	}
	return t, nil
}

// Status gives the state of the application's ticket.
func (s *Service) Status(ctx context.Context, app, ticket string) (st Status, err error) {
	err = s.d.Work.View(ctx, func(tx unit.Tx) error {
		t, err := s.owned(tx, app, ticket)
		if err != nil {
			return err
		}
		now := tx.Now()
		st = Status{t.ID, t.Purpose, t.StateAt(now), t.Seq, t.left(now), t.Reason, t.Killed}
		return nil
	})
	return st, err
}

// Withdraw ends the application's ticket, which it may do until it is approved.
func (s *Service) Withdraw(ctx context.Context, app, ticket string) error {
	return s.d.Work.Update(ctx, func(tx unit.Tx) error {
		t, err := s.owned(tx, app, ticket)
		if err != nil {
			return err
		}
		return s.cancel(tx, t, note{actor: app, role: "application", reason: "application"})
	})
}

// WithdrawAll ends every ticket of an application that is not approved yet, the
// kill switch, and gives how many. Approved ones are refused where the result
// is made, since the application is not active any more.
func (s *Service) WithdrawAll(ctx context.Context, app, actor string) (ended int, err error) {
	for after := []any(nil); ; {
		var page []*Ticket
		// In a unit that could write: a mere look may lag behind on a member of a
		// replica set that was elected a moment ago, and miss the newest ticket.
		err = s.d.Work.Update(ctx, func(tx unit.Tx) (err error) {
			q := unit.Query{Index: "app+live", Key: []any{app, true}, After: after, Limit: sweepPage}
			page, err = s.d.Tickets.Find(tx, q)
			return err
		})
		if err != nil {
			return ended, fmt.Errorf("find tickets of an application: %w", err)
		}
		for _, t := range page {
			after = []any{t.ID}
			err := s.withdraw(ctx, t.ID, actor)
			if err == nil {
				ended++
			} else if !errors.Is(err, fault.WrongState) && !errors.Is(err, fault.Expired) {
				return ended, err
			}
		}
		if len(page) < sweepPage {
			return ended, nil
		}
	}
}

func (s *Service) withdraw(ctx context.Context, ticket, actor string) error {
	return s.d.Work.Update(ctx, func(tx unit.Tx) error {
		t, err := s.get(tx, ticket)
		if err != nil {
			return err
		}
		return s.cancel(tx, t, note{actor: actor, role: "operator", reason: "application-stopped"})
	})
}

// Evidence gives a ticket and its approval to the owner of its purpose, which
// makes the result from it, after a restart too. It fails with
// fault.TicketUnavailable when there is no approval.
func (s *Service) Evidence(tx unit.Tx, ticket string) (Ticket, Approval, error) {
	t, err := s.get(tx, ticket)
	if err != nil {
		return Ticket{}, Approval{}, err
	}
	a, err := s.d.Approvals.Get(tx, ticket)
	if errors.Is(err, unit.ErrAbsent) {
		return Ticket{}, Approval{}, fault.TicketUnavailable.Because(err)
	}
	if err != nil {
		return Ticket{}, Approval{}, fmt.Errorf("load approval: %w", err)
	}
	return *t, *a, nil
}
