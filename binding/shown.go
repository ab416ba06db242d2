package binding

import (
	"context"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/qrflow"
)

// claimed gives a ticket that a device has claimed and that has not ended, else
// fault.WrongState.
func (s *Service) claimed(tx unit.Tx, ticket string) (*qrflow.Ticket, *request, error) {
	t, err := s.flow.TicketIn(tx, ticket)
	if err != nil {
		return nil, nil, err
	}
	switch state := t.StateAt(tx.Now()); state {
	case qrflow.Claimed, qrflow.Approved, qrflow.Signing:
	default:
		return nil, nil, fault.WrongState.With("state", string(state))
	}
	r, err := decodeRequest(t)
	return t, r, err
}

// Manifest gives the document lines of a claimed ticket whose statement names
// them by their root; fault.Absent when they stand in the statement, and
// fault.WrongState as for Shown.
func (s *Service) Manifest(ctx context.Context, ticket string) (manifest []byte, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		_, r, err := s.claimed(tx, ticket)
		if err != nil {
			return err
		}
		if manifest, err = s.manifest(tx, r); err == nil && manifest == nil {
			err = fault.Absent
		}
		return err
	})
	return manifest, err
}

// manifest is nil for a request whose lines stand in the statement.
func (s *Service) manifest(tx unit.Tx, r *request) ([]byte, error) {
	if r.Count <= statement.MaxInline {
		return nil, nil
	}
	docs, err := s.docs(tx, r)
	if err != nil {
		return nil, err
	}
	return statement.Approval{Seals: r.Seals, Docs: docs}.Manifest()
}

// Shown gives the bytes that line i (from 1) of a claimed ticket's statement
// names, for the device that claimed it; fault.WrongState before the claim and
// once the ticket has ended.
func (s *Service) Shown(ctx context.Context, ticket string, i int) ([]byte, error) {
	var d *cloudseal.Document
	err := s.work.View(ctx, func(tx unit.Tx) error {
		t, r, err := s.claimed(tx, ticket)
		if err != nil {
			return err
		}
		d, err = s.seals.HeldDocument(tx, t.Tenant, r.Hold, i)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.seals.Original(ctx, d)
}
