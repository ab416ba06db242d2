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
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/qrflow"
)

// stamping is the purpose of a stamp ticket.
type stamping struct{ *Service }

// Head implements qrflow.Purpose.
func (s stamping) Head(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant) ([]byte, error) {
	r, err := decodeRequest(t)
	if err != nil {
		return nil, err
	}
	if _, err := s.bound(tx, t, c, r); err != nil {
		return nil, err
	}
	head, err := s.head(tx, t, c, r)
	if err != nil {
		return nil, err
	}
	_, err = s.seals.Usable(tx, r.Party.USCC, r.Seals)
	return head, err
}

// Recheck implements qrflow.Purpose: checks 10 to 18, the documents last since
// they cost most.
func (s stamping) Recheck(ctx context.Context, t qrflow.Ticket, c qrflow.Claimant, a qrflow.Approval) (qrflow.Settle, error) {
	r, err := decodeRequest(&t)
	if err != nil {
		return nil, err
	}
	var count uint32
	var needs []unit.Want
	var frozen *cloudseal.Frozen
	wants := append(s.wants(&t, c, r), s.seals.Needs(r.Hold, r.Seals, nil)...)
	err = s.informed(ctx, r.Org, wants, func(tx unit.Tx, silent error) (err error) {
		if count, err = s.checkSecond(tx, c, a); err != nil {
			return err
		}
		needs, frozen, err = s.examine(tx, &t, c, r, len(a.Second) > 0, silent)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.seals.CheckDocuments(ctx, t.Tenant, frozen); err != nil {
		return nil, err
	}
	return func(tx unit.Tx, t *qrflow.Ticket) error {
		if err := unit.Fetch(tx, needs...); err != nil {
			return err
		}
		return s.settle(tx, t, c, a, count)
	}, nil
}

// examine does the checks 11 to 17 in their order and names what the transaction
// will read when it does them again, and the documents. silent is why the
// registry did not answer.
func (s stamping) examine(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request, second bool, silent error) ([]unit.Want, *cloudseal.Frozen, error) {
	_, bound := s.bound(tx, t, c, r)
	f, err := s.recheck(tx, t, c, r, look{second: second, bound: bound, signed: true})
	if err != nil {
		return nil, nil, err
	}
	if silent != nil {
		return nil, nil, silent
	}
	if _, err := s.seals.Usable(tx, r.Party.USCC, r.Seals); err != nil {
		return nil, nil, err
	}
	if _, err := s.activeApp(tx, t.App); err != nil {
		return nil, nil, err
	}
	batch, err := s.seals.BatchOf(tx, r.Hold)
	if err != nil {
		return nil, nil, err
	}
	frozen, err := s.frozen(tx, r, batch)
	return append(s.needs(t, &f, r), s.seals.Needs(r.Hold, r.Seals, batch.Documents)...), frozen, err
}

// frozen gives the documents behind the lines of a request, for check 18.
func (s *Service) frozen(tx unit.Tx, r *request, batch *cloudseal.Batch) (*cloudseal.Frozen, error) {
	docs, err := r.listed(batch)
	if err != nil {
		return nil, err
	}
	return s.seals.Frozen(tx, batch, docs)
}

// checkDocuments is check 18.
func (s *Service) checkDocuments(ctx context.Context, t *qrflow.Ticket, r *request) error {
	var frozen *cloudseal.Frozen
	err := s.work.View(ctx, func(tx unit.Tx) error {
		batch, err := s.seals.BatchOf(tx, r.Hold)
		if err != nil {
			return err
		}
		frozen, err = s.frozen(tx, r, batch)
		return err
	})
	if err != nil {
		return err
	}
	return s.seals.CheckDocuments(ctx, t.Tenant, frozen)
}

// settle is check 20: in the transaction that approves the ticket it takes the
// slots and writes the intention to stamp, and touches everything it stands on.
func (s *Service) settle(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, a qrflow.Approval, count uint32) error {
	r, err := decodeRequest(t)
	if err != nil {
		return err
	}
	b, bound := s.bound(tx, t, c, r)
	f, err := s.recheck(tx, t, c, r, look{second: len(a.Second) > 0, bound: bound})
	if err != nil {
		return err
	}
	if err := f.Device.Use(count); err != nil {
		return err
	}
	if err := s.remember(tx, t, r); err != nil {
		return err
	}
	waits := s.needsSecond(t, &f)
	if err := s.rely(tx, t, &f, waits); err != nil {
		return err
	}
	if err := s.t.Bindings.Replace(tx, b); err != nil { // an unbinding at the same time conflicts
		return err
	}
	if waits {
		return s.await(tx, t, r)
	}
	a.At = tx.Now()
	return s.begin(tx, t, r, &f, a, keys.Seconding{})
}

// begin takes the slots and writes the intention to stamp, with the evidence.
func (s *Service) begin(tx unit.Tx, t *qrflow.Ticket, r *request, f *authz.Facts, a qrflow.Approval, g keys.Seconding) (err error) {
	order := cloudseal.Order{Tenant: t.Tenant, Ticket: t.ID, Hold: r.Hold, Org: r.Party.USCC}
	if !f.Owner() {
		if order.Slots, err = s.authz.TakeSlots(tx, f.Delegation, t.ID, r.Count); err != nil {
			return err
		}
	}
	if order.Evidence, err = s.evidence(tx, r, f, a); err != nil {
		return err
	}
	order.Evidence.Seconding = g
	return s.seals.BeginStamp(tx, order)
}

// evidence collects everything that permits the stamps; the signer verifies all
// of it by itself.
func (s *Service) evidence(tx unit.Tx, r *request, f *authz.Facts, a qrflow.Approval) (keys.Evidence, error) {
	manifest, err := s.manifest(tx, r)
	if err != nil {
		return keys.Evidence{}, err
	}
	ev := keys.Evidence{
		Kind: keys.KindOwner, ApprovedAt: a.At, Approval: a.Signed(), Second: a.Second,
		Enrolment: f.Device.Enrolment, Representation: f.Org.Representation,
		Manifest: manifest, Display: []byte(r.Display),
	}
	if f.Owner() {
		return ev, nil
	}
	grantor, err := s.authz.Device(tx, f.Delegation.Device)
	if err != nil {
		return ev, err
	}
	ev.Kind = keys.KindScan
	ev.Delegation, ev.DelegationSecond = f.Delegation.Statement, f.Delegation.Second
	ev.GrantorEnrolment = grantor.Enrolment
	return ev, nil
}

// Ended implements qrflow.Purpose: the documents of a request that ended
// without approval, or without the second one it waited for, are free again.
// After that the intents decide, not the ticket.
func (s stamping) Ended(tx unit.Tx, t qrflow.Ticket) error {
	if !t.Statement.IsZero() && !t.Waits {
		return nil
	}
	if err := errors.Join(s.guessed(tx, &t), s.endSecond(tx, t.ID)); err != nil {
		return err
	}
	r, err := decodeRequest(&t)
	if err != nil {
		return err
	}
	return s.seals.Release(tx, r.Hold)
}

// Begin implements cloudseal.Outcome: an approved ticket moves on to signing
// before anything is signed, so that it can no longer expire under a signature.
func (s *Service) Begin(tx unit.Tx, ticket string) error {
	t, err := s.flow.TicketIn(tx, ticket)
	if err != nil {
		return err
	}
	if t.State == qrflow.Signing {
		return nil // begun before a crash
	}
	if _, err := s.activeApp(tx, t.App); err != nil {
		return err // stopped after the approval
	}
	return s.flow.Advance(tx, ticket, qrflow.Progress{To: qrflow.Signing})
}

// Done implements cloudseal.Outcome.
func (s *Service) Done(tx unit.Tx, ticket string, stamped []cloudseal.Stamped) error {
	if err := s.notice(tx, notify.Stamped, ticket); err != nil {
		return err
	}
	return s.flow.Advance(tx, ticket, qrflow.Progress{To: qrflow.Done, Made: len(stamped)})
}

// Failed implements cloudseal.Outcome: the slots are free, since the signer's
// tombstone stands, and the ticket ends if it has not ended by itself.
func (s *Service) Failed(tx unit.Tx, ticket, code string) error {
	t, err := s.flow.TicketIn(tx, ticket)
	if err != nil {
		return err
	}
	r, err := decodeRequest(t)
	if err != nil {
		return err
	}
	if r.Delegation != (statement.Ref{}) {
		if err := s.freeSlots(tx, t, r); err != nil {
			return err
		}
	}
	if !t.StateAt(tx.Now()).Live() {
		return nil
	}
	return s.flow.Advance(tx, ticket, qrflow.Progress{To: qrflow.Failed, Reason: code})
}

func (s *Service) freeSlots(tx unit.Tx, t *qrflow.Ticket, r *request) error {
	slots, err := s.seals.SlotsOf(tx, t.ID)
	if err != nil {
		return err
	}
	err = s.authz.FreeSlots(tx, r.Delegation.ID, t.ID, slots)
	if errors.Is(err, unit.ErrAbsent) {
		return fault.InternalError.Becausef("slots of ticket %s are gone", t.ID)
	}
	return err
}
