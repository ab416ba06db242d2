package cloudseal

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"yunzhang.dev/authz/unit"
)

// Recover brings to an end whatever a crash, or a part that was away, left
// open: stamps, issues, stops the signer was not told. It runs the code of the
// ordinary way and is safe at any time and on several nodes; a node runs it at
// start. Each thing that stays open is one error of the joined result.
func (s *Service) Recover(ctx context.Context) error {
	return errors.Join(s.RecoverRest(ctx), s.RecoverStamps(ctx, 0))
}

// RecoverRest is the part of Recover beside stamps: one node of all does it now
// and then.
func (s *Service) RecoverRest(ctx context.Context) error {
	applications, untold, err := s.unfinished(ctx)
	failed := []error{err}
	for _, code := range untold {
		failed = append(failed, s.tellSigner(ctx, code))
	}
	for _, id := range applications {
		_, err := s.issue(ctx, id)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// RecoverStamps is the part of Recover for stamps whose approval is older than
// the given time: those on which nobody works, or nobody any more. Every node
// does it now and then; a lease sees to it that each is done by one.
//
// Limits.Recover of them are under way at a time, so that a large batch does not
// hold up the rest until the signer finds their approvals too old. When ctx ends
// no other is begun, and those under way are finished.
func (s *Service) RecoverStamps(ctx context.Context, older time.Duration) error {
	whole := context.WithoutCancel(ctx)
	tickets, err := s.abandoned(whole, older)
	failed := make([]error, len(tickets), len(tickets)+1)
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)); i <= len(tickets) && ctx.Err() == nil; i = int(next.Add(1)) {
			if err := s.Stamp(whole, tickets[i-1]); !errors.Is(err, ErrLeased) {
				failed[i-1] = err
			}
		}
	}
	var others sync.WaitGroup
	for range min(s.Limits.Recover, len(tickets)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return errors.Join(append(failed, err)...)
}

// abandoned lists the tickets with open intents that this node may take, and that
// no worker of its own has in hand.
func (s *Service) abandoned(ctx context.Context, older time.Duration) (tickets []string, err error) {
	var behind []any
	for {
		var found []*Intent
		var now time.Time
		err := s.Work.View(ctx, func(tx unit.Tx) (err error) {
			found, err = s.t.Intents.Find(tx, unit.Query{Index: "state+index", Key: []any{string(OpenIntent), 1}, After: behind, Limit: abandonedPart})
			now = tx.Now()
			return err
		})
		if err != nil {
			return tickets, err
		}
		for _, in := range found {
			if in.Lease.freeFor(s.Node, now) && now.Sub(in.CreatedAt) >= older && !s.busy.with(in.Ticket) {
				tickets = append(tickets, in.Ticket)
			}
		}
		if len(found) < abandonedPart {
			return tickets, nil
		}
		behind = []any{found[len(found)-1].ID}
	}
}

// abandonedPart is how many tickets abandoned looks at in one transaction. Their
// lease and their ticket stand in the first intent, so that one row of a batch is
// enough.
const abandonedPart = 500

// unfinished lists applications whose seal is being made and seals of whose
// state the signer was not told.
func (s *Service) unfinished(ctx context.Context) (applications, untold []string, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		applications, untold = nil, nil
		apps, err := s.t.Applications.Find(tx, unit.Query{Index: "state", Key: []any{string(Issuing)}})
		if err != nil {
			return err
		}
		for _, app := range apps {
			applications = append(applications, app.ID)
		}
		seals, err := s.t.Seals.Find(tx, unit.Query{Index: "told", Key: []any{false}})
		for _, seal := range seals {
			untold = append(untold, seal.ID)
		}
		return err
	})
	return applications, untold, err
}
