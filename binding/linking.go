package binding

import (
	"context"
	"errors"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
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
	return s.seals.UsableOfKind(tx, uscc, impression.Statutory)
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
	asked, err := decodeRequest(&t)
	if err != nil {
		return nil, err
	}
	var count uint32
	var needs []unit.Want
	// It refuses early, and learns what the transaction needs.
	err = s.informed(ctx, asked.Org, s.wants(&t, c, asked), func(tx unit.Tx, silent error) (err error) {
		if count, err = s.checkSecond(tx, c, a); err != nil {
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
func (s *Service) checkSecond(tx unit.Tx, c qrflow.Claimant, a qrflow.Approval) (count uint32, err error) {
	d, err := s.authz.Device(tx, c.Device)
	if err != nil {
		return 0, err
	}
	return s.authz.CheckSecond(*d, a.Statement, a.Second)
}

var errStale = errors.New("the registry's word is too old")

// informed looks at what an approval stands on. When the registry's word on the
// organization is too old for that, the registry is asked and a second look
// taken; silent is why it did not answer, for check 15 to tell when it is its
// turn. wants is what both look at.
func (s *Service) informed(ctx context.Context, org string, wants []unit.Want, look func(tx unit.Tx, silent error) error) error {
	err := s.work.View(ctx, func(tx unit.Tx) error {
		if err := unit.Fetch(tx, wants...); err != nil {
			return err
		}
		stale, err := s.authz.Stale(tx, org)
		if stale {
			return errStale
		}
		return look(tx, err)
	})
	if !errors.Is(err, errStale) {
		return err
	}
	silent := s.authz.Refresh(ctx, org)
	return s.work.View(ctx, func(tx unit.Tx) error {
		if err := unit.Fetch(tx, wants...); err != nil {
			return err
		}
		return look(tx, silent)
	})
}
