package audit

import (
	"context"
	"fmt"

	"yunzhang.dev/authz/unit"
)

// Broken says where a chain does not hold.
type Broken struct {
	Chain  string
	Seq    int64  // the first record that does not fit
	Reason string // "missing", "link" (another record before it) or "content"
}

func (b *Broken) Error() string {
	return fmt.Sprintf("audit chain %s is broken at %d: %s", b.Chain, b.Seq, b.Reason)
}

// Verify walks the whole chain and gives its head, or *Broken for the first
// record that does not fit. It reads page by page: new records may be chained
// meanwhile.
func (l *Log) Verify(ctx context.Context) (Head, error) {
	head := Head{Chain: l.Chain}
	for after := []any(nil); ; {
		var page []*Record
		err := l.Work.View(ctx, func(tx unit.Tx) (err error) {
			page, err = l.Records.Find(tx, unit.Query{Index: "chain+seq", Key: []any{l.Chain}, After: after, Limit: batch})
			return err
		})
		if err != nil {
			return head, fmt.Errorf("read audit chain: %w", err)
		}
		for _, r := range page {
			if err := head.extend(r); err != nil {
				return head, err
			}
			after = []any{r.Seq, r.ID}
		}
		if len(page) < batch {
			return head, nil
		}
	}
}

// extend moves the head over the next record, if it is the next.
func (h *Head) extend(r *Record) error {
	broken := func(reason string) error { return &Broken{h.Chain, h.Seq + 1, reason} }
	switch {
	case r.Seq != h.Seq+1:
		return broken("missing")
	case r.Prev != h.Hash:
		return broken("link")
	case r.link(h.Hash) != r.Hash:
		return broken("content")
	}
	h.Seq, h.Hash = r.Seq, r.Hash
	return nil
}
