package cloudseal

import (
	"context"
	"slices"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/impression"
)

// SlotsOf gives the slots of the delegation that a ticket's intents took.
func (s *Service) SlotsOf(tx unit.Tx, ticket string) (slots []int, err error) {
	intents, err := s.t.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{ticket}})
	for _, in := range intents {
		if in.Slot > 0 {
			slots = append(slots, in.Slot)
		}
	}
	return slots, err
}

// StampedOf gives the stamped documents of a ticket in their order;
// fault.NotStamped while they are not all stamped, fault.StampFailed when they
// will not be.
func (s *Service) StampedOf(tx unit.Tx, ticket string) (docs []Document, err error) {
	intents, err := s.t.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{ticket}})
	if err != nil {
		return nil, err
	}
	for _, in := range intents {
		switch in.State {
		case OpenIntent:
			return nil, fault.NotStamped
		case FailedIntent:
			return nil, fault.StampFailed
		}
		d, err := s.t.Documents.Get(tx, in.Document)
		if err != nil {
			return nil, err
		}
		docs = append(docs, *d)
	}
	return docs, nil
}

// EvidenceOf gives what permitted the stamps of a ticket; fault.Absent when
// nothing was approved.
func (s *Service) EvidenceOf(tx unit.Tx, ticket string) (*Evidence, error) {
	found, err := s.t.Evidence.Find(tx, unit.Query{Index: "ticket", Key: []any{ticket}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.Absent
	}
	return found[0], nil
}

// HeldDocument gives document i, from 1, of a request; fault.Absent when it has
// no such document.
func (s *Service) HeldDocument(tx unit.Tx, tenant, hold string, i int) (*Document, error) {
	found, err := s.t.Preparations.Find(tx, unit.Query{Index: "hold+index", Key: []any{hold, i}, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.Absent
	}
	return s.document(tx, tenant, found[0].Document)
}

// Claimable refuses a claim that could not be made now, with the faults of
// Claim; the filing is not asked.
func (s *Service) Claimable(ctx context.Context, org, kind string) error {
	k := impression.Kind(kind)
	if !slices.Contains(s.Kinds, k) {
		return fault.SealKindBad
	}
	return s.Work.View(ctx, func(tx unit.Tx) error {
		_, err := s.mayClaim(tx, Claim{Org: org, Kind: k})
		return err
	})
}
