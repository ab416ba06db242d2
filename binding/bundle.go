package binding

import (
	"context"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/qrflow"
)

// Bundle gives the application what an offline verifier needs for the stamps of
// its ticket, as a file: trust, status list and the signed statements behind
// the approval. fault.WrongState for a ticket that made no stamp.
func (s *Service) Bundle(ctx context.Context, app *App, ticket string) ([]byte, error) {
	st, err := s.flow.Status(ctx, app.ID, ticket)
	if err != nil {
		return nil, err
	}
	if st.Purpose != string(authz.Stamp) || st.State != qrflow.Done {
		return nil, fault.WrongState.With("state", string(st.State))
	}
	approval, err := s.approvalHash(ctx, ticket)
	if err != nil {
		return nil, err
	}
	b, err := s.seals.Bundle(ctx, approval)
	if err != nil {
		return nil, err
	}
	return b.Bytes()
}

// DocumentBundle is Bundle for one stamped document of the application: it tells
// nothing of the other documents of a large batch.
func (s *Service) DocumentBundle(ctx context.Context, app *App, document string) ([]byte, error) {
	d, err := s.seals.Document(ctx, app.ID, document)
	if err != nil {
		return nil, err
	}
	b, err := s.seals.DocumentBundle(ctx, d)
	if err != nil {
		return nil, err
	}
	return b.Bytes()
}

func (s *Service) approvalHash(ctx context.Context, ticket string) (h gm.Digest, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		t, err := s.flow.TicketIn(tx, ticket)
		if err == nil {
			h = t.Statement
		}
		return err
	})
	return h, err
}
