package app

import (
	"context"
	"errors"
	"sync"
	"time"
)

// job is something that runs beside the requests, again and again.
type job struct {
	name  string
	every time.Duration
	run   func(context.Context) error
}

// jobs lists what runs in the background of a node.
func (a *App) jobs() []job {
	d := &a.domains
	return []job{
		{"chain audit records", 2 * time.Second, func(ctx context.Context) error { _, err := d.audit.Sequence(ctx); return err }},
		{"end lapsed tickets", 2 * time.Second, func(ctx context.Context) error { _, err := d.flow.Sweep(ctx); return err }},
		{"tell the signer of revocations", 10 * time.Second, d.authz.Retell},
		{"tell the signer of stopped applications", 10 * time.Second, d.binding.Retell},
		{"send notices", time.Second, d.binding.SendNotices},
		{"remove what has lapsed", time.Minute, a.sweep},
	}
}

// runJobs runs every job until ctx ends, then waits for those under way. A job
// that fails is tried again at its next turn.
func (a *App) runJobs(ctx context.Context) {
	var all sync.WaitGroup
	for _, j := range a.jobs() {
		all.Go(func() { a.repeat(ctx, j) })
	}
	all.Go(func() {
		if a.signerKnows(ctx) {
			a.domains.binding.Run(ctx, a.cfg.Limits.StampWorkers)
		}
	})
	all.Go(func() { a.hub.Run(ctx) })
	all.Go(func() { a.follow(ctx) })
	all.Wait()
}

func (a *App) repeat(ctx context.Context, j job) {
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	for {
		if err := j.run(context.WithoutCancel(ctx)); err != nil {
			a.log.ErrorContext(ctx, "background job failed, will run again", "job", j.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// signerKnows waits until the signer has learned of every revocation: before,
// nothing is stamped. It reports false when the node stops first.
func (a *App) signerKnows(ctx context.Context) bool {
	for ctx.Err() == nil {
		err := errors.Join(a.domains.authz.Retell(ctx), a.domains.binding.Retell(ctx))
		if err == nil {
			return true
		}
		a.log.ErrorContext(ctx, "the signer cannot be told of revocations; nothing is stamped", "error", err)
		pause(ctx, time.Second)
	}
	return false
}

// recover does at start what a crash may have left: the signer learns of every
// revocation before anything is stamped.
func (a *App) recover(ctx context.Context) error {
	if err := errors.Join(a.domains.authz.Retell(ctx), a.domains.binding.Retell(ctx)); err != nil {
		return err
	}
	return a.domains.seals.Recover(ctx)
}

// lapsing lists the collections whose rows are forgotten after a time, with the
// field that holds it.
var lapsing = map[string]string{
	"nonces": "expires", "spent": "expires", "idempotency": "expires", "codes": "expires", "enrolments": "expires", "invitations": "expires",
	"notices": "expires", "presences": "expires", "pages": "expires",
}

// lapsedFor is how long lapsed rows are kept: somebody may still ask why.
const lapsedFor = time.Hour

// sweep removes what has lapsed.
func (a *App) sweep(ctx context.Context) error {
	var errs []error
	for collection, field := range lapsing {
		_, err := a.main.Sweep(ctx, collection, field, a.now().Add(-lapsedFor))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
