package binding

import (
	"context"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

// login is the purpose of a log-in ticket: the person who scans is let into the
// account of the application that is bound for him.
type login struct{ *Service }

// Head implements qrflow.Purpose. Without an account in the request it is the
// one account that the person has bound there; with several he has to name one
// on the page first.
func (s login) Head(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant) ([]byte, error) {
	r, err := decodeRequest(t)
	if err != nil {
		return nil, err
	}
	b, err := s.loginBinding(tx, t, c, r)
	if err != nil {
		return nil, err
	}
	org, err := s.authz.Organization(tx, b.Org)
	if err != nil {
		return nil, err
	}
	r.Account, r.Org = b.Account, b.Org
	r.Party.USCC, r.Party.Name = org.USCC, org.Name
	return s.head(tx, t, c, r)
}

func (s login) loginBinding(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request) (*Binding, error) {
	if r.Account != "" {
		b, err := s.activeBinding(tx, t.App, r.Account)
		if err != nil {
			return nil, err
		}
		if b == nil || b.Agent != c.Person {
			return nil, fault.Subject
		}
		return b, nil
	}
	held, err := s.t.Bindings.Find(tx, unit.Query{Index: "app+agent+state", Key: []any{t.App, c.Person, authz.Active}, Limit: 2})
	if err != nil {
		return nil, err
	}
	switch len(held) {
	case 0:
		return nil, fault.BindingMissing
	case 1:
		return held[0], nil
	}
	return nil, fault.BindingMissing.With("several", true)
}

// nothingMore is for a purpose that reads what they all read.
func nothingMore(*request) []unit.Want { return nil }

// Recheck implements qrflow.Purpose.
func (s login) Recheck(ctx context.Context, t qrflow.Ticket, c qrflow.Claimant, a qrflow.Approval) (qrflow.Settle, error) {
	return s.recheckIdentity(ctx, t, c, a, nothingMore, func(tx unit.Tx, r *request, _ *authz.Facts) error {
		b, err := s.bound(tx, &t, c, r)
		if err != nil {
			return err
		}
		if err := s.notice(tx, notify.LoggedIn, t.ID); err != nil {
			return err
		}
		return s.t.Bindings.Replace(tx, b) // an unbinding at the same time conflicts
	})
}

// Ended implements qrflow.Purpose: a log-in holds nothing.
func (s login) Ended(tx unit.Tx, t qrflow.Ticket) error { return s.guessed(tx, &t) }

// guessed counts a request that ended by wrong numbers against its device.
func (s *Service) guessed(tx unit.Tx, t *qrflow.Ticket) error {
	if t.State != qrflow.Blocked || t.Reason != fault.MatchWrong.Code {
		return nil
	}
	return s.authz.CountBlocked(tx, t.Device)
}
