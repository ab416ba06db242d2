package binding

import (
	"context"
	"slices"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// SecondsAt is a place in the list of what waits for a second person, which goes
// by organization and ticket. The zero value is before the first.
type SecondsAt struct{ Org, Ticket string }

// Seconds lists what waits for the caller as second person: a part of the list,
// for which at most limit requests behind a place are looked at. What others have
// to decide is left out, so that a part may hold fewer, even none; the list ends
// where next is the zero value.
func (s *Service) Seconds(ctx context.Context, who authz.Caller, behind SecondsAt, limit int) (list []*SecondAsk, next SecondsAt, err error) {
	places, err := s.authz.Places(ctx, who.Person.ID)
	if err != nil {
		return nil, next, err
	}
	orgs := make([]string, 0, len(places))
	for _, p := range places {
		orgs = append(orgs, p.Org)
	}
	slices.Sort(orgs)
	orgs = slices.Compact(orgs)
	err = s.work.View(ctx, func(tx unit.Tx) error {
		var rows []*Second
		if rows, next, err = s.waiting(tx, orgs, behind, limit); err != nil {
			return err
		}
		list, err = s.hisToDecide(tx, who, rows)
		return err
	})
	return list, next, err
}

// waiting reads limit rows behind a place; next is the zero value when they were
// the last.
func (s *Service) waiting(tx unit.Tx, orgs []string, behind SecondsAt, limit int) (rows []*Second, next SecondsAt, err error) {
	for _, org := range orgs {
		q := unit.Query{Index: "org+state", Key: []any{org, authz.Pending}, Limit: limit - len(rows)}
		switch {
		case org < behind.Org:
			continue
		case org == behind.Org:
			q.After = []any{behind.Ticket}
		}
		found, err := s.t.Seconds.Find(tx, q)
		if err != nil {
			return nil, next, err
		}
		if rows = append(rows, found...); len(rows) == limit {
			return rows, SecondsAt{Org: org, Ticket: rows[limit-1].ID}, nil
		}
	}
	return rows, next, nil
}

func (s *Service) hisToDecide(tx unit.Tx, who authz.Caller, rows []*Second) (list []*SecondAsk, err error) {
	for _, row := range rows {
		one, _, err := s.asked(tx, who, row.ID)
		if err == nil {
			list = append(list, one)
		} else if fault.CodeOf(err) == fault.InternalError.Code {
			return nil, err
		}
	}
	return list, nil
}
