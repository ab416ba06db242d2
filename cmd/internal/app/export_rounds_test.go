package app

import (
	"context"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/qrflow"
)

// Spoiled gives options with which a node's stores are spoiled.
func Spoiled(o Options, spoil func(*store.Main)) Options {
	o.spoil = spoil
	return o
}

// Outcome is what is stored of a request for stamps.
type Outcome struct {
	Approved bool
	Stamped  bool      // all its documents are
	SignedAt time.Time // when the signer took it into his journal
}

// Outcome reads the outcome of a ticket that has ended.
func (a *App) Outcome(ctx context.Context, id string) (o Outcome, err error) {
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		o = Outcome{}
		events, err := a.main.Events.Find(tx, unit.Query{Index: "ticket+seq", Key: []any{id}})
		if err != nil {
			return err
		}
		for _, e := range events {
			o.Approved = o.Approved || e.Type == string(qrflow.Approved)
		}
		intents, err := a.main.Seals.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{id}})
		o.Stamped = len(intents) > 0
		for _, in := range intents {
			o.Stamped = o.Stamped && in.State == cloudseal.DoneIntent
		}
		return err
	})
	if err != nil || !o.Stamped {
		return o, err
	}
	entries, err := a.domains.signer.Lookup(ctx, id)
	if err == nil && len(entries) == 1 && entries[0].State == keys.Done {
		o.SignedAt = entries[0].At
	}
	return o, err
}
