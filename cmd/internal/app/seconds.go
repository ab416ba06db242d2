package app

import (
	"context"
	"strings"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/binding"
	"yunzhang.dev/mobileapi"
)

// seconds lets second persons decide.
type seconds struct{ binding *binding.Service }

// Waiting implements mobileapi.Seconds. A cursor is an organization and a ticket.
func (s seconds) Waiting(ctx context.Context, who authz.Caller, p mobileapi.Page) (list []mobileapi.Second, next string, err error) {
	var behind binding.SecondsAt
	if p.Cursor != "" {
		var ok bool
		if behind.Org, behind.Ticket, ok = strings.Cut(p.Cursor, "."); !ok {
			return nil, "", fault.BadRequest.With("field", "cursor")
		}
	}
	found, end, err := s.binding.Seconds(ctx, who, behind, p.Limit)
	if err != nil {
		return nil, "", err
	}
	for _, one := range found {
		list = append(list, *secondOf(one))
	}
	if end != (binding.SecondsAt{}) {
		next = end.Org + "." + end.Ticket
	}
	return list, next, nil
}

// Second implements mobileapi.Seconds.
func (s seconds) Second(ctx context.Context, who authz.Caller, ticket string) (*mobileapi.Second, error) {
	found, err := s.binding.Second(ctx, who, ticket)
	if err != nil {
		return nil, err
	}
	return secondOf(found), nil
}

func secondOf(a *binding.SecondAsk) *mobileapi.Second {
	return &mobileapi.Second{Ticket: a.Ticket, Statement: a.Statement.Bytes, DecideBy: a.Until}
}

// Document implements mobileapi.Seconds.
func (s seconds) Document(ctx context.Context, who authz.Caller, ticket string, i int) (*mobileapi.Document, error) {
	b, err := s.binding.Shown(ctx, s.binding.BySecond(who, ticket), i)
	if err != nil {
		return nil, err
	}
	return &mobileapi.Document{MediaType: "application/pdf", Bytes: b}, nil
}

// Manifest implements mobileapi.Seconds.
func (s seconds) Manifest(ctx context.Context, who authz.Caller, ticket string) ([]byte, error) {
	return s.binding.Manifest(ctx, s.binding.BySecond(who, ticket))
}

// Draft implements mobileapi.Seconds.
func (s seconds) Draft(ctx context.Context, who authz.Caller, ticket, opinion, note string) (*authz.Act, error) {
	return s.binding.DraftSecond(ctx, who, ticket, opinion, note)
}

// Decide implements mobileapi.Seconds.
func (s seconds) Decide(ctx context.Context, who authz.Caller, act *authz.Act) (string, error) {
	state, err := s.binding.DecideSecond(ctx, who, act)
	return string(state), err
}
