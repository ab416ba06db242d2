package binding

import (
	"context"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/qrflow"
)

// Reader finds a ticket for somebody who may see its documents; the error says
// why he may not.
type Reader func(tx unit.Tx) (*qrflow.Ticket, error)

// ByClaim lets the device that made a claim read; fault.TicketUnavailable for any
// other.
func (s *Service) ByClaim(c qrflow.Claimant, claim string) Reader {
	return func(tx unit.Tx) (*qrflow.Ticket, error) { return s.flow.Held(tx, c, claim) }
}

// BySecond lets a second person read whose approval a ticket waits for; the
// faults are those of Second.
func (s *Service) BySecond(who authz.Caller, ticket string) Reader {
	return func(tx unit.Tx) (*qrflow.Ticket, error) {
		ask, _, err := s.asked(tx, who, ticket)
		if err != nil {
			return nil, err
		}
		return ask.ticket, nil
	}
}

// claimed gives a reader's ticket that a device has claimed and that has not
// ended, else fault.WrongState.
func (s *Service) claimed(tx unit.Tx, reader Reader) (*qrflow.Ticket, *request, error) {
	t, err := reader(tx)
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
func (s *Service) Manifest(ctx context.Context, reader Reader) (manifest []byte, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		_, r, err := s.claimed(tx, reader)
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
// names; fault.WrongState before the claim and once the ticket has ended.
func (s *Service) Shown(ctx context.Context, reader Reader, i int) ([]byte, error) {
	var d *cloudseal.Document
	err := s.work.View(ctx, func(tx unit.Tx) error {
		t, r, err := s.claimed(tx, reader)
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
