package binding

import (
	"context"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

// Binding ties an account of an application to an organization, its statutory
// seal and the agent who bound it. It is pending until the application saves
// it, and lapses when it does not.
type Binding struct {
	unit.Row `bson:",inline"`
	App      string      `bson:"app"`
	Account  string      `bson:"account"`
	Org      string      `bson:"org"`
	USCC     string      `bson:"uscc"`
	Agent    string      `bson:"agent"`
	Seal     string      `bson:"seal"`   // seal code: the certificate identifier, stable over renewals
	Serial   string      `bson:"serial"` // of the certificate at the time
	Ticket   string      `bson:"ticket"`
	State    authz.State `bson:"state"` // pending, active, ended
	// Live is the account while the binding is active and empty otherwise: the
	// unique index on app and live allows one active binding an account.
	Live    string    `bson:"live,omitempty"`
	Expires time.Time `bson:"expires"` // of a pending one
	Since   time.Time `bson:"since"`
}

// SaveLife is how long an approved binding waits to be saved by the
// application: long enough for a clerk to press the button, short enough that
// nobody finds it the next day.
const SaveLife = 30 * time.Minute

// SaveBinding completes an approved binding whose result was redeemed: without
// the redeem nobody has shown that the approval came from the session that
// asked. Before that, and when the result was killed, it is fault.WrongState. A
// second active binding for the account is refused with fault.AccountBound.
func (s *Service) SaveBinding(ctx context.Context, app, ticket string) (b *Binding, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		if b, err = s.bindingOf(tx, app, ticket); err != nil {
			return err
		}
		switch {
		case b.State == authz.Active:
			return nil
		case b.State != authz.Pending || !tx.Now().Before(b.Expires):
			return fault.BindingMissing
		}
		if err := s.redeemed(tx, ticket); err != nil {
			return err
		}
		b.State, b.Live, b.Since = authz.Active, b.Account, tx.Now()
		if err := s.record(tx, "bind", "binding:"+b.ID, b.Agent, b.Org, "saved"); err != nil {
			return err
		}
		return takenAs(s.t.Bindings.Replace(tx, b), fault.AccountBound)
	})
	return b, err
}

// redeemed refuses a ticket whose result was not handed out, or was killed.
func (s *Service) redeemed(tx unit.Tx, ticket string) error {
	t, err := s.flow.TicketIn(tx, ticket)
	if err != nil {
		return err
	}
	if t.State != qrflow.Done || t.RedeemedAt.IsZero() || t.Killed {
		return fault.WrongState.With("state", string(t.StateAt(tx.Now())))
	}
	return nil
}

func (s *Service) bindingOf(tx unit.Tx, app, ticket string) (*Binding, error) {
	found, err := s.t.Bindings.Find(tx, unit.Query{Index: "ticket", Key: []any{ticket}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].App != app {
		return nil, fault.BindingMissing
	}
	return found[0], nil
}

// Unbind ends the active binding of an account at once; no phone is needed. The
// answer is kept with it: asked again later, it must not end the account's next.
func (s *Service) Unbind(ctx context.Context, app, account string, kept unit.Kept[*Binding]) error {
	return s.work.Update(ctx, func(tx unit.Tx) error {
		b, err := s.activeBinding(tx, app, account)
		if err != nil {
			return err
		}
		if b == nil {
			return fault.BindingMissing
		}
		b.State, b.Live = authz.Ended, ""
		if err := s.record(tx, "unbind", "binding:"+b.ID, "app:"+app, b.Org, "done"); err != nil {
			return err
		}
		if err := s.t.Bindings.Replace(tx, b); err != nil {
			return err
		}
		return kept.Keep(tx, b)
	})
}

// activeBinding gives the active binding of an account, nil when there is none.
func (s *Service) activeBinding(tx unit.Tx, app, account string) (*Binding, error) {
	found, err := s.t.Bindings.Find(tx, liveBinding(app, account))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// liveBinding asks for the active binding of an account.
func liveBinding(app, account string) unit.Query {
	return unit.Query{Index: "app+live", Key: []any{app, account}, Limit: 1}
}

// bindingOn names what activeBinding reads, for unit.Fetch.
func (s *Service) bindingOn(app, account string) unit.Want {
	return unit.Listed(s.t.Bindings, liveBinding(app, account))
}

// BindingOf gives the active binding of an account, fault.BindingMissing when
// there is none.
func (s *Service) BindingOf(ctx context.Context, app, account string) (b *Binding, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		b, err = s.activeBinding(tx, app, account)
		if err == nil && b == nil {
			return fault.BindingMissing
		}
		return err
	})
	return b, err
}
