package cloudseal

import (
	"context"
	"fmt"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// settle writes the good end in one transaction: documents, intents, whoever
// waits, the record. Running it again changes nothing.
func (s *Service) settle(ctx context.Context, w *work) error {
	var intents, documents []string
	for _, it := range w.items {
		intents, documents = append(intents, it.intent.ID), append(documents, it.document.ID)
	}
	err := s.Work.Update(ctx, func(tx unit.Tx) error {
		if err := unit.Fetch(tx, unit.Rows(s.t.Intents, intents...), unit.Rows(s.t.Documents, documents...)); err != nil {
			return err
		}
		stamped := make([]Stamped, 0, len(w.items))
		for _, it := range w.items {
			open, err := s.closeIntent(tx, w, it, DoneIntent, "")
			if err != nil || !open {
				return err
			}
			if err := s.markStamped(tx, it); err != nil {
				return err
			}
			stamped = append(stamped, it.stamped)
		}
		return s.Outcome.Done(tx, w.ticket, stamped)
	})
	if err != nil {
		return fmt.Errorf("settle ticket %s: %w", w.ticket, err)
	}
	s.Checkpoint("settled")
	return nil
}

// closeIntent writes the end of an intent; false when it has ended before. Whoever
// lost the lease of the ticket closes nothing.
func (s *Service) closeIntent(tx unit.Tx, w *work, it *item, to IntentState, reason string) (open bool, err error) {
	in, err := s.t.Intents.Get(tx, it.intent.ID)
	if err != nil || in.State != OpenIntent {
		return false, err
	}
	if in.Index == 1 && in.Lease.Fence != w.lease.Fence {
		return false, ErrLeased
	}
	in.State, in.Reason, in.SettledAt = to, reason, tx.Now()
	return true, s.t.Intents.Replace(tx, in)
}

func (s *Service) markStamped(tx unit.Tx, it *item) error {
	d, err := s.t.Documents.Get(tx, it.document.ID)
	if err != nil {
		return err
	}
	d.State, d.Stamped, d.StampedSize, d.StampedAt = StampedDoc, it.stamped.SM3, it.stamped.Size, tx.Now()
	if err := s.t.Documents.Replace(tx, d); err != nil {
		return err
	}
	return s.record(tx, audit.Record{
		Actor: "signer", Action: "document.stamped", Object: d.ID, Org: it.seal.Org, Evidence: it.stamped.SM3,
		Detail: fmt.Sprintf("ticket %s seal %s slot %d", it.intent.Ticket, it.seal.ID, it.intent.Slot),
	})
}

// fail writes the other end. The tombstone stands already.
func (s *Service) fail(ctx context.Context, w *work, refusal *fault.Error) error {
	err := s.Work.Update(ctx, func(tx unit.Tx) error {
		for _, it := range w.items {
			open, err := s.closeIntent(tx, w, it, FailedIntent, refusal.Code)
			if err != nil || !open {
				return err
			}
			d, err := s.t.Documents.Get(tx, it.document.ID)
			if err != nil {
				return err
			}
			if err := s.free(tx, d); err != nil {
				return err
			}
		}
		if err := s.recordFailure(tx, w, refusal); err != nil {
			return err
		}
		return s.Outcome.Failed(tx, w.ticket, refusal.Code)
	})
	if err != nil {
		return fmt.Errorf("settle refused ticket %s: %w", w.ticket, err)
	}
	s.Log.WarnContext(ctx, "stamp refused", "ticket", w.ticket, "code", refusal.Code, "error", refusal)
	s.Checkpoint("settled")
	return nil
}

func (s *Service) recordFailure(tx unit.Tx, w *work, refusal *fault.Error) error {
	first, decision := w.items[0], audit.Refused
	if impossible(refusal) {
		decision = audit.Alarm
	}
	return s.record(tx, audit.Record{
		Actor: "signer", Action: "document.refused", Object: first.intent.Ticket, Org: first.seal.Org,
		Decision: decision, Evidence: w.evidence.Approval.Hash(), Detail: refusal.Code,
	})
}

// impossible reports a refusal that nothing in the ordinary course brings about:
// the service checks the same before it asks the signer, so its store, or it, is
// in strange hands.
func impossible(refusal *fault.Error) bool {
	for _, never := range []*fault.Error{
		fault.StatementBad, fault.Signature, fault.SignatureHW, fault.DeviceUnknown, fault.DeviceCooling, fault.DelegationBad, fault.DelegationScope,
		fault.DelegationLimit, fault.NotLegalRep, fault.DocumentChanged, fault.SignerRefused, fault.SealUnusable,
	} {
		if refusal.Code == never.Code {
			return true
		}
	}
	return false
}
