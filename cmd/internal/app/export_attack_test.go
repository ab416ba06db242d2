package app

import (
	"context"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
)

// Seen tells what the audit has about an object: action, decision and detail of
// each record, in their order.
func (a *App) Seen(ctx context.Context, object string) (seen []string, err error) {
	if _, err := a.domains.audit.Sequence(ctx); err != nil {
		return nil, err
	}
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		seen = nil
		all, err := a.main.Audit.Find(tx, unit.Query{Index: "chain+seq", Key: []any{"main"}})
		for _, r := range all {
			if r.Object == object {
				seen = append(seen, r.Action+" "+r.Decision+" "+r.Detail)
			}
		}
		return err
	})
	return seen, err
}

// Write is what somebody can do who writes the main database and knows its keys,
// but not the signer's.
func (a *App) Write(ctx context.Context, do func(unit.Tx, *store.Main) error) error {
	return a.main.Work.Update(ctx, func(tx unit.Tx) error { return do(tx, a.main) })
}
