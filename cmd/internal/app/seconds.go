package app

import (
	"context"

	"yunzhang.dev/authz"
	"yunzhang.dev/binding"
	"yunzhang.dev/mobileapi"
)

// seconds lets second persons decide.
type seconds struct{ binding *binding.Service }

// Waiting implements mobileapi.Seconds.
func (s seconds) Waiting(ctx context.Context, who authz.Caller, ticket string) (list []mobileapi.Second, err error) {
	var found []*binding.SecondAsk
	if ticket == "" {
		found, err = s.binding.Seconds(ctx, who)
	} else {
		found = make([]*binding.SecondAsk, 1)
		found[0], err = s.binding.Second(ctx, who, ticket)
	}
	if err != nil {
		return nil, err
	}
	for _, one := range found {
		list = append(list, mobileapi.Second{Ticket: one.Ticket, Statement: one.Statement.Bytes, DecideBy: one.Until})
	}
	return list, nil
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
