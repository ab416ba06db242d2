package keys

import (
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// commit is the commit point: the approval is spent, every stop is found open
// and written, every TBS is in the journal, all in one transaction. It changes
// nothing and answers false when the same approval is there already.
func (s *Signer) commit(ctx context.Context, p *proof, lines []*line) (first bool, err error) {
	needs := s.needs(p, lines)
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		if err := unit.Fetch(tx, needs...); err != nil {
			return err
		}
		spent, err := s.spend(tx, p)
		first = !spent
		if err != nil || spent {
			return err
		}
		if err := s.pass(tx, p.powers()); err != nil {
			return err
		}
		for _, l := range lines {
			if err := s.write(tx, l); err != nil {
				return err
			}
		}
		return nil
	})
	return first, err
}

// needs names what commit reads: a hint for unit.Fetch.
func (s *Signer) needs(p *proof, lines []*line) []unit.Want {
	var stops []string
	for _, pw := range p.powers() {
		stops = append(stops, stopID(pw.kind, pw.id))
		if pw.first != "" {
			stops = append(stops, pw.first)
		}
	}
	wants := []unit.Want{s.approvals.want(p.Ticket), s.approvals.listed(withNonce(p.Nonce)), s.stops.want(stops...)}
	for _, l := range lines {
		wants = append(wants, s.journal.listed(usedBy(l.Use)))
	}
	return wants
}

func withNonce(nonce string) unit.Query {
	return unit.Query{Index: "nonce", Key: []any{nonce}, Limit: 1}
}

func usedBy(use string) unit.Query { return unit.Query{Index: "use", Key: []any{use}, Limit: 1} }

// spend uses up the approval. It reports true when this very approval was
// spent for this ticket before.
func (s *Signer) spend(tx unit.Tx, p *proof) (bool, error) {
	old, err := s.approvals.Get(tx, p.Ticket)
	switch {
	case err == nil && !old.Void && old.Approval == p.hash.Hex():
		return true, nil
	case err == nil:
		return false, fault.SignerRefused.Becausef("ticket %s was decided before", p.Ticket)
	case !errors.Is(err, unit.ErrAbsent):
		return false, err
	}
	seen, err := s.approvals.Find(tx, withNonce(p.Nonce))
	if err != nil {
		return false, err
	}
	if len(seen) > 0 {
		return false, fault.SignerRefused.Becausef("the nonce was used for %s", seen[0].ID)
	}
	return false, retry(s.approvals.Insert(tx, &Approval{
		Row: unit.Row{ID: p.Ticket}, Nonce: p.Nonce, Approval: p.hash.Hex(), At: tx.Now(),
	}))
}

// write adds an entry. A slot that another entry uses is refused: whatever the
// service believes, one slot of a delegation never makes two stamps.
func (s *Signer) write(tx unit.Tx, l *line) error {
	used, err := s.journal.Find(tx, usedBy(l.Use))
	if err != nil {
		return err
	}
	if len(used) > 0 {
		return fault.DelegationLimit.Becausef("%s is used by %s", l.Use, used[0].ID)
	}
	l.At = tx.Now()
	if err := s.journal.Insert(tx, l.Entry); err != nil {
		return retry(err)
	}
	return retry(s.texts.Insert(tx, &Text{Row: unit.Row{ID: l.ID}, TBS: l.text}))
}

// retry turns "taken" into "conflict": absence was seen in the same unit, so
// somebody else wrote meanwhile, and the next run will see what.
func retry(err error) error {
	if errors.Is(err, unit.ErrTaken) {
		return unit.ErrConflict
	}
	return err
}

// recall gives the journal's entries for an approval in the order of its
// documents, nil when it has not been spent. Another approval of the same
// ticket, a void ticket and an unknown document are refused.
func (s *Signer) recall(ctx context.Context, a approval, jobs []Job) ([]*line, error) {
	var lines []*line
	err := s.work.View(ctx, func(tx unit.Tx) error {
		spent, err := s.approvals.Get(tx, a.Ticket)
		if errors.Is(err, unit.ErrAbsent) {
			return nil
		}
		if err != nil {
			return err
		}
		if spent.Void || spent.Approval != a.hash.Hex() {
			return fault.SignerRefused.Becausef("ticket %s was decided before", a.Ticket)
		}
		entries, err := s.journal.Find(tx, unit.Query{Index: "ticket+index", Key: []any{a.Ticket}})
		if err != nil {
			return err
		}
		if err := sameJobs(a, entries, jobs); err != nil {
			return err
		}
		lines, err = s.complete(tx, entries)
		return err
	})
	if err != nil {
		return nil, err
	}
	return lines, nil
}

// complete reads what the entries of a broken-off call need to be finished.
func (s *Signer) complete(tx unit.Tx, entries []*Entry) ([]*line, error) {
	lines := make([]*line, 0, len(entries))
	for _, e := range entries {
		k, err := s.keys.Get(tx, KeyID(e.Seal, e.Version))
		if err != nil {
			return nil, err
		}
		text, err := s.texts.Get(tx, e.ID)
		if err != nil {
			return nil, err
		}
		if gm.SM3(text.TBS) != e.TBS {
			return nil, fmt.Errorf("keys: text %s was not written by this signer", e.ID)
		}
		lines = append(lines, &line{Entry: e, text: text.TBS, key: k})
	}
	return lines, nil
}

// sameJobs checks that the journal's entries are for these jobs, one for one.
func sameJobs(a approval, entries []*Entry, jobs []Job) error {
	if len(entries) != len(a.Docs) || len(entries) != len(jobs) {
		return fault.SignerRefused.Becausef("%d documents, %d in the journal", len(jobs), len(entries))
	}
	for i, e := range entries {
		if e.Document != jobs[i].Document || e.Approval != a.hash {
			return fault.SignerRefused.Becausef("document %d is another one in the journal", i+1)
		}
	}
	return nil
}

// Lookup gives the journal's entries of a ticket, in the order of its
// documents: empty when the signer never decided about it.
func (s *Signer) Lookup(ctx context.Context, ticket string) (entries []*Entry, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		entries, err = s.journal.Find(tx, unit.Query{Index: "ticket+index", Key: []any{ticket}})
		return err
	})
	return entries, err
}

// Pending lists the tickets that have committed entries without a signature:
// whoever holds their evidence must call Sign again.
func (s *Signer) Pending(ctx context.Context) (tickets []string, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		tickets = nil
		open, err := s.journal.Find(tx, unit.Query{Index: "state+ticket", Key: []any{string(Committed)}})
		for _, e := range open {
			if len(tickets) == 0 || tickets[len(tickets)-1] != e.Ticket {
				tickets = append(tickets, e.Ticket)
			}
		}
		return err
	})
	return tickets, err
}
