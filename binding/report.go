package binding

import (
	"context"
	"errors"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

// Report is "I did not start this". It stops what a request may still bring
// about and takes back what it brought: its result is not given out any more,
// the binding that came of it ends, and the application learns from the
// ticket's status that the session it opened should end. What is signed is
// signed; there the legal representative is told, who can freeze the seal and
// void the document. Operators and the auditor find it among the alarms.
func (s *Service) Report(ctx context.Context, c qrflow.Claimant, claim string) (qrflow.State, error) {
	return s.flow.ReportThen(ctx, c, claim, func(tx unit.Tx, t *qrflow.Ticket) error {
		if err := s.endBinding(tx, t); err != nil {
			return err
		}
		return s.notice(tx, notify.Reported, t.ID)
	})
}

// endBinding ends what a bind ticket made, pending or active.
func (s *Service) endBinding(tx unit.Tx, t *qrflow.Ticket) error {
	b, err := s.bindingOf(tx, t.App, t.ID)
	if errors.Is(err, fault.BindingMissing) || err == nil && b.State == authz.Ended {
		return nil
	}
	if err != nil {
		return err
	}
	b.State, b.Live = authz.Ended, ""
	if err := s.record(tx, "unbind", "binding:"+b.ID, t.Person, b.Org, "reported"); err != nil {
		return err
	}
	return s.t.Bindings.Replace(tx, b)
}
