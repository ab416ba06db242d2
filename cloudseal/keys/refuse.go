package keys

import (
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz/unit"
)

// Refuse makes sure that no signature can ever be made for a ticket, by a
// tombstone for it and for each of its documents, and answers whether it came
// too late: true means that the commit point was passed, nothing was changed,
// and Sign must be called again to finish. Repeating it is no error. reason is
// a fault code, for the record.
func (s *Signer) Refuse(ctx context.Context, ticket, reason string, documents ...string) (committed bool, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		committed = false
		old, err := s.approvals.Get(tx, ticket)
		if err == nil {
			committed = !old.Void
			return nil
		}
		if !errors.Is(err, unit.ErrAbsent) {
			return err
		}
		return s.bury(tx, ticket, reason, documents)
	})
	if err != nil {
		return false, fmt.Errorf("refuse ticket %s: %w", ticket, err)
	}
	return committed, nil
}

func (s *Signer) bury(tx unit.Tx, ticket, reason string, documents []string) error {
	err := s.approvals.Insert(tx, &Approval{
		Row: unit.Row{ID: ticket}, Nonce: ticket, Approval: ticket, Void: true, At: tx.Now(),
	})
	if err != nil {
		return retry(err)
	}
	for i, document := range documents {
		id := EntryID(ticket, document)
		err := s.journal.Insert(tx, &Entry{
			Row: unit.Row{ID: id}, Ticket: ticket, Document: document, Index: i + 1,
			State: Void, Use: id, Reason: reason, At: tx.Now(),
		})
		if err != nil {
			return retry(err)
		}
	}
	return nil
}
