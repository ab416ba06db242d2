package cloudseal

import (
	"context"
	"errors"
	"slices"
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
func (s *Service) RecoverStamps(ctx context.Context, older time.Duration) error {
	tickets, err := s.abandoned(ctx, older)
	failed := []error{err}
	for _, ticket := range tickets {
		if err := s.Stamp(ctx, ticket); !errors.Is(err, ErrLeased) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// abandoned lists the tickets with open intents that this node may take.
func (s *Service) abandoned(ctx context.Context, older time.Duration) (tickets []string, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		tickets = nil
		intents, err := s.t.Intents.Find(tx, unit.Query{Index: "state+ticket", Key: []any{string(OpenIntent)}})
		for _, in := range intents {
			if in.Index == 1 && in.Lease.freeFor(s.Node, tx.Now()) && tx.Now().Sub(in.CreatedAt) >= older {
				tickets = append(tickets, in.Ticket)
			}
		}
		return err
	})
	return slices.Compact(tickets), err
}

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
