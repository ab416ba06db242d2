package cloudseal

import (
	"context"
	"errors"
	"slices"

	"yunzhang.dev/authz/unit"
)

// Recover brings to an end whatever a crash, or a part that was away, left
// open: stamps, issues, stops the signer was not told. It runs the code of the
// ordinary way and is safe at any time; the server runs it at start and now
// and then. Each thing that stays open is one error of the joined result.
func (s *Service) Recover(ctx context.Context) error {
	tickets, applications, untold, err := s.unfinished(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, code := range untold {
		failed = append(failed, s.tellSigner(ctx, code))
	}
	for _, ticket := range tickets {
		failed = append(failed, s.Stamp(ctx, ticket))
	}
	for _, id := range applications {
		_, err := s.issue(ctx, id)
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (s *Service) unfinished(ctx context.Context) (tickets, applications, untold []string, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		tickets, applications, untold = nil, nil, nil
		intents, err := s.t.Intents.Find(tx, unit.Query{Index: "state+ticket", Key: []any{string(OpenIntent)}})
		if err != nil {
			return err
		}
		for _, in := range intents {
			tickets = append(tickets, in.Ticket)
		}
		tickets = slices.Compact(tickets)
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
	return tickets, applications, untold, err
}
