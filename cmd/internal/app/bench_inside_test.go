package app

import (
	"context"
	"net"
	"sync"
	"time"

	"yunzhang.dev/cloudseal/gm"
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

// WriteRow is the least durable write: one transaction with one small row.
func (a *App) WriteRow(ctx context.Context) error {
	return nonces{a.main.Work, a.main.Spent}.Spend(ctx, "bench", gm.SM3(gm.Random(16)).Hex(), a.now().Add(time.Minute))
}

// PutBlob and GetBlob are the least that keeping a document costs.
func (a *App) PutBlob(ctx context.Context, digest gm.Digest, b []byte) error {
	return a.blobs.Put(ctx, "bench", digest, b)
}

// GetBlob reads what PutBlob wrote.
func (a *App) GetBlob(ctx context.Context, digest gm.Digest) ([]byte, error) {
	return a.blobs.Get(ctx, "bench", digest)
}
