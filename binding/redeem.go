package binding

import (
	"context"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/qrflow"
)

// Result is what a ticket brought, for the application that opened it and holds
// the verifier.
type Result struct {
	Ticket  string
	Action  authz.Action
	Account string
	Party   statement.Org
	Person  statement.Person
	At      time.Time // of the approval
	// Binding is set for bind (pending until saved) and log-in.
	Binding *Binding
	// Documents are the stamped files of a stamp.
	Documents []cloudseal.Document
	Statement gm.Digest // of the approval
}

// Redeem hands out the result. It can be repeated with the same verifier; with
// another one the result is killed.
func (s *Service) Redeem(ctx context.Context, app *App, ticket, code string, verifier []byte) (*Result, error) {
	redeemed, err := s.flow.Redeem(ctx, app.ID, ticket, code, verifier)
	if err != nil {
		return nil, err
	}
	var out *Result
	err = s.work.View(ctx, func(tx unit.Tx) error {
		out, err = s.result(tx, &redeemed.Ticket, redeemed.Approval.At)
		return err
	})
	return out, err
}

func (s *Service) result(tx unit.Tx, t *qrflow.Ticket, at time.Time) (*Result, error) {
	r, err := decodeRequest(t)
	if err != nil {
		return nil, err
	}
	p, err := s.authz.Person(tx, t.Person)
	if err != nil {
		return nil, err
	}
	out := &Result{
		Ticket: t.ID, Action: r.Action, Account: r.Account, Party: r.Party,
		Person: statement.Person{ID: p.ID, Name: p.Name}, At: at, Statement: t.Statement,
	}
	switch r.Action {
	case authz.Bind:
		out.Binding, err = s.bindingOf(tx, t.App, t.ID)
	case authz.Login:
		out.Binding, err = s.activeBinding(tx, t.App, r.Account)
		if err == nil && out.Binding == nil {
			err = fault.BindingMissing
		}
	case authz.Stamp:
		out.Documents, err = s.seals.StampedOf(tx, t.ID)
	}
	return out, err
}
