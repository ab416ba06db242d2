package qrflow

import (
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz/unit"
)

// sweepPage is how many tickets one look of the sweeper reads.
const sweepPage = 100

// errNotDue: the ticket's deadline has not passed.
var errNotDue = errors.New("qrflow: not due")

// expire writes what is true since the deadline passed, or gives errNotDue.
func (s *Service) expire(tx unit.Tx, t *Ticket) error {
	if t.State == Expired || t.StateAt(tx.Now()) != Expired {
		return errNotDue
	}
	return s.move(tx, t, StepExpire, system("deadline"))
}

// Sweep writes the expiry of tickets whose deadline has passed, each in its own
// unit of work, and gives how many it wrote. Nothing depends on when it runs:
// every reader treats such a ticket as expired. It frees what the purposes
// hold for them.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	written := 0
	for {
		var due []*Ticket
		err := s.d.Work.View(ctx, func(tx unit.Tx) (err error) {
			due, err = s.due(tx)
			return err
		})
		if err != nil {
			return written, fmt.Errorf("find tickets to expire: %w", err)
		}
		n, err := s.expireAll(ctx, due)
		if written += n; err != nil || len(due) < sweepPage {
			return written, err
		}
	}
}

// expireAll goes on after a failure: one ticket whose purpose cannot end it must
// not keep the others.
func (s *Service) expireAll(ctx context.Context, due []*Ticket) (written int, err error) {
	for _, t := range due {
		switch one := s.expireNow(ctx, t.ID); {
		case one == nil:
			written++
		case !errors.Is(one, errNotDue):
			err = errors.Join(err, one)
		}
	}
	return written, err
}

// due lists tickets whose deadline has passed, the oldest first.
func (s *Service) due(tx unit.Tx) ([]*Ticket, error) {
	found, err := s.d.Tickets.Find(tx, unit.Query{Index: "due+deadline", Key: []any{true}, Limit: sweepPage})
	for i, t := range found {
		if t.StateAt(tx.Now()) != Expired {
			return found[:i], err
		}
	}
	return found, err
}

// expireNow writes one expiry; errNotDue when somebody else was faster.
func (s *Service) expireNow(ctx context.Context, id string) error {
	return s.d.Work.Update(ctx, func(tx unit.Tx) error {
		t, err := s.get(tx, id)
		if err != nil {
			return err
		}
		return s.expire(tx, t)
	})
}
