package binding

import (
	"context"
	"errors"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/qrflow"
)

// linking is the purpose of a bind ticket: the account of the application is
// tied to the organization and its statutory seal.
type linking struct{ *Service }

// Head implements qrflow.Purpose.
func (s linking) Head(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant) ([]byte, error) {
	r, err := decodeRequest(t)
	if err != nil {
		return nil, err
	}
	if err := s.unbound(tx, t.App, r.Account); err != nil {
		return nil, err
	}
	return s.head(tx, t, c, r)
}

func (s *Service) unbound(tx unit.Tx, app, account string) error {
	b, err := s.activeBinding(tx, app, account)
	if err == nil && b != nil {
		return fault.AccountBound
	}
	return err
}

// Recheck implements qrflow.Purpose.
func (s linking) Recheck(ctx context.Context, t qrflow.Ticket, c qrflow.Claimant, a qrflow.Approval) (qrflow.Settle, error) {
	more := func(r *request) []unit.Want {
		return []unit.Want{s.seals.NeedsOfKind(r.Party.USCC, impression.Statutory)}
	}
	return s.recheckIdentity(ctx, t, c, a, more, func(tx unit.Tx, r *request, _ *authz.Facts) error {
		if err := s.unbound(tx, t.App, r.Account); err != nil {
			return err
		}
		seal, err := s.statutory(tx, r.Party.USCC)
		if err != nil {
			return err
		}
		if err := s.seals.Rely(tx, []*cloudseal.Seal{seal}); err != nil {
			return err
		}
		if err := s.notice(tx, notify.Bound, t.ID); err != nil {
			return err
		}
		return s.t.Bindings.Insert(tx, &Binding{
			Row: unit.Row{ID: unit.NewID("bd")}, App: t.App, Account: r.Account, Org: r.Org, USCC: r.Party.USCC,
			Agent: c.Person, Seal: seal.ID, Serial: seal.Serial, Ticket: t.ID, State: authz.Pending,
			Expires: tx.Now().Add(SaveLife), Since: tx.Now(),
		})
	})
}

// statutory gives the organization's statutory seal if it can be used now.
func (s *Service) statutory(tx unit.Tx, uscc string) (*cloudseal.Seal, error) {
	seal, err := s.seals.SealOfKind(tx, uscc, impression.Statutory)
	if err != nil {
		return nil, err
	}
	usable, err := s.seals.Usable(tx, uscc, []statement.Ref{seal.Ref()})
	if err != nil {
		return nil, err
	}
	return usable[0], nil
}

// Ended implements qrflow.Purpose: an approved binding whose result nobody
// fetched ends with its ticket.
func (s linking) Ended(tx unit.Tx, t qrflow.Ticket) error {
	if err := s.guessed(tx, &t); err != nil {
		return err
	}
	b, err := s.bindingOf(tx, t.App, t.ID)
	if errors.Is(err, fault.BindingMissing) {
		return nil
	}
	if err != nil || b.State != authz.Pending {
		return err
	}
	b.State = authz.Ended
	return s.t.Bindings.Replace(tx, b)
}

// recheckIdentity is Recheck for log-in and bind: nothing is hashed, and what is
// left to do in the transaction is then; more names what then will read.
func (s *Service) recheckIdentity(ctx context.Context, t qrflow.Ticket, c qrflow.Claimant, a qrflow.Approval,
	more func(*request) []unit.Want, then func(unit.Tx, *request, *authz.Facts) error) (qrflow.Settle, error) {
	count, err := s.checkSecond(ctx, c, a)
	if err != nil {
		return nil, err
	}
	asked, err := decodeRequest(&t)
	if err != nil {
		return nil, err
	}
	silent := s.authz.Refresh(ctx, asked.Org) // check 15: told when it is its turn
	var needs []unit.Want
	err = s.work.View(ctx, func(tx unit.Tx) error { // refuses early, and learns what the transaction needs
		if err := unit.Fetch(tx, s.wants(&t, c, asked)...); err != nil {
			return err
		}
		f, err := s.recheck(tx, &t, c, asked, look{second: len(a.Second) > 0, signed: true})
		needs = append(s.needs(&t, &f, asked), more(asked)...)
		if err == nil {
			err = silent
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(tx unit.Tx, t *qrflow.Ticket) error {
		if err := unit.Fetch(tx, needs...); err != nil {
			return err
		}
		r, err := decodeRequest(t)
		if err != nil {
			return err
		}
		f, err := s.recheck(tx, t, c, r, look{second: len(a.Second) > 0})
		if err != nil {
			return err
		}
		if err := f.Device.Use(count); err != nil {
			return err
		}
		if err := s.remember(tx, t, r); err != nil {
			return err
		}
		if err := s.rely(tx, t, &f, true); err != nil {
			return err
		}
		return then(tx, r, &f)
	}, nil
}

// checkSecond is check 10: the device's passkey assertion over the statement.
func (s *Service) checkSecond(ctx context.Context, c qrflow.Claimant, a qrflow.Approval) (count uint32, err error) {
	var d *authz.Device
	err = s.work.View(ctx, func(tx unit.Tx) error {
		d, err = s.authz.Device(tx, c.Device)
		return err
	})
	if err != nil {
		return 0, err
	}
	return s.authz.CheckSecond(*d, a.Statement, a.Second)
}
