package store

import (
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Fetch implements unit.Fetcher.
func (t *tx) Fetch(wants ...unit.Want) error {
	f, can := t.Tx.(engine.Fetcher)
	if !can {
		return nil
	}
	var refs []engine.Ref
	for _, w := range wants {
		switch {
		case w.Table == "":
			continue
		case w.Query != nil:
			refs = append(refs, engine.Ref{Collection: w.Table, Query: w.Query})
		}
		for _, id := range w.IDs {
			refs = append(refs, engine.Ref{Collection: w.Table, ID: id})
		}
	}
	return f.Fetch(refs...)
}
