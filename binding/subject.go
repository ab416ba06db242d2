package binding

import (
	"context"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

// subject finds out for whom a request is, before there is a ticket: the
// organization, and the only person who may scan, "" for any whom the purpose
// admits. A code that is relayed can then only serve the account that asked
// for it, and that account only where it was bound (protocol.md §2.1, AT-008).
func (s *Service) subject(ctx context.Context, app *App, a Ask, r *request) (person string, err error) {
	stale := false
	err = s.work.View(ctx, func(tx unit.Tx) error {
		b, err := s.activeBinding(tx, app.ID, a.Account)
		if err != nil {
			return err
		}
		switch a.Action {
		case authz.Bind:
			person, err = s.expectBind(tx, a, b, r)
		case authz.Stamp:
			person, err = s.expectStamp(tx, a, b, r)
		default:
			person, err = expectLogin(a, b)
		}
		if err == nil && r.Org != "" {
			stale, err = s.authz.Stale(tx, r.Org)
		}
		return err
	})
	if err != nil || !stale {
		return person, err
	}
	return person, s.authz.Refresh(ctx, r.Org)
}

// expectBind: the account is bound to nothing yet. Any approved agent of the
// organization may bind it, unless the request names one.
func (s *Service) expectBind(tx unit.Tx, a Ask, b *Binding, r *request) (string, error) {
	if b != nil {
		return "", fault.AccountBound
	}
	org, err := s.authz.OrganizationByUSCC(tx, a.USCC)
	if err != nil {
		return "", err
	}
	r.Org, r.Party = org.ID, statement.Org{USCC: org.USCC, Name: org.Name}
	return a.Person, nil
}

// expectStamp: the account is bound to this organization, and whom it is bound
// to is the only one who may scan. The organization is looked up through the
// binding, so that an answer tells nothing about those the account has no part
// in.
func (s *Service) expectStamp(tx unit.Tx, a Ask, b *Binding, r *request) (string, error) {
	switch {
	case b == nil:
		return "", fault.BindingMissing
	case b.USCC != a.USCC || a.Person != "" && a.Person != b.Agent:
		return "", fault.Subject
	}
	org, err := s.authz.Organization(tx, b.Org)
	if err != nil {
		return "", err
	}
	r.Org, r.Party = org.ID, statement.Org{USCC: org.USCC, Name: org.Name}
	return b.Agent, nil
}

// expectLogin: with a user name typed first, whom that account is bound to is
// the only one who may scan (AT-004); without one the scan decides.
func expectLogin(a Ask, b *Binding) (string, error) {
	switch {
	case a.Account == "":
		return a.Person, nil
	case b == nil:
		return "", fault.BindingMissing
	case a.Person != "" && a.Person != b.Agent, a.USCC != "" && a.USCC != b.USCC:
		return "", fault.Subject
	}
	return b.Agent, nil
}

// bound gives the binding that a request stands on if the account is still
// bound to this organization and this person.
func (s *Service) bound(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request) (*Binding, error) {
	b, err := s.activeBinding(tx, t.App, r.Account)
	if err != nil {
		return nil, err
	}
	if b == nil || b.Agent != c.Person || b.Org != r.Org {
		return nil, fault.BindingMissing
	}
	return b, nil
}
