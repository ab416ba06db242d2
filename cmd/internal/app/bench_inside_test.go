package app

import (
	"context"
	"net"
	"sync"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/web/httpx"
)

// RunQuiet is Run without what works beside the requests, but for what pages
// need: a benchmark stamps by itself, so that what a stamp costs is not mixed
// with what its request costs.
func (a *App) RunQuiet(ctx context.Context, ln net.Listener) error {
	gate := httpx.NewGate()
	server, err := a.server(gate)
	if err != nil {
		return err
	}
	ctx, leave := a.staying(ctx)
	defer leave()
	jobs, end := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	all.Go(func() { a.hub.Run(jobs) })
	all.Go(func() { a.follow(jobs) })
	defer all.Wait()
	defer end()
	return httpx.Serve(ctx, server, ln, httpx.Stop{
		Grace: a.cfg.ShutdownGrace.D(), Gate: gate, Before: []func(context.Context){a.hub.Close},
	})
}

// Stamp does what a worker does with an approved ticket.
func (a *App) Stamp(ctx context.Context, ticket string) error {
	return a.domains.seals.Stamp(ctx, ticket)
}

// Chain puts the audit records since the last call into their chain.
func (a *App) Chain(ctx context.Context) error {
	_, err := a.domains.audit.Sequence(ctx)
	return err
}

// WriteRows is the least that one transaction costs: so many of the smallest
// rows, and one with each of the given contents encrypted.
func (a *App) WriteRows(ctx context.Context, n int, contents ...[]byte) error {
	nonces, until := nonces{a.main.Work, a.main.Spent}, a.now().Add(time.Minute)
	return a.main.Work.Update(ctx, func(tx unit.Tx) error {
		for range n {
			if err := nonces.SpendIn(tx, "bench", gm.SM3(gm.Random(16)).Hex(), until); err != nil {
				return err
			}
		}
		for _, b := range contents {
			if err := a.main.Answers.Insert(tx, &store.Answer{Row: unit.Row{ID: unit.NewID("bench")}, Body: b}); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutBlob and GetBlob are the least that keeping a document costs.
func (a *App) PutBlob(ctx context.Context, digest gm.Digest, b []byte) error {
	return a.blobs.Put(ctx, "bench", digest, b)
}

// GetBlob reads what PutBlob wrote.
func (a *App) GetBlob(ctx context.Context, digest gm.Digest) ([]byte, error) {
	return a.blobs.Get(ctx, "bench", digest)
}
