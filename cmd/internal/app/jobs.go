package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
)

// job is something that runs beside the requests, again and again, on one node
// of all at a time: the one that has its lease.
type job struct {
	name  string // also of its lease
	every time.Duration
	run   func(context.Context) error
}

// jobs lists what runs in the background, once for all nodes.
func (a *App) jobs() []job {
	d := &a.domains
	return []job{
		{"chain audit records", 2 * time.Second, func(ctx context.Context) error { _, err := d.audit.Sequence(ctx); return err }},
		{"end lapsed tickets", 2 * time.Second, func(ctx context.Context) error { _, err := d.flow.Sweep(ctx); return err }},
		{"tell the signer of revocations", 10 * time.Second, d.authz.Retell},
		{"tell the signer of stopped applications", 10 * time.Second, d.binding.Retell},
		{"send notices", time.Second, d.binding.SendNotices},
		{"issue and tell what was left open", 10 * time.Second, d.seals.RecoverRest},
		{"beat", beatEvery, func(ctx context.Context) error { return a.main.Beat(ctx, beatEvery) }},
		{"remove what has lapsed", time.Minute, a.sweep},
	}
}

// leaseFor is how long a job's node has it to itself: two turns, so that it
// keeps it from turn to turn, and a while for a slow one. After the death of the
// node the job rests for that long, and nothing but tidiness waits for it.
func leaseFor(j job) time.Duration { return 2*j.every + 10*time.Second }

// runJobs runs every job until ctx ends, then waits for those under way. What is
// not a job runs on every node: its own stamps and pages.
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
	all.Go(func() { a.keepRoom(ctx) })
	all.Wait()
}

// repeat runs a job at each of its turns, when this node has its lease. A job
// that fails is tried again at its next turn, here or elsewhere.
func (a *App) repeat(ctx context.Context, j job) {
	s := shift{leases: a.leases, job: j, now: a.now}
	defer s.end(context.WithoutCancel(ctx))
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	for {
		err := s.turn(context.WithoutCancel(ctx))
		a.gauges.job(j.name, s.held != nil, err)
		if err != nil {
			a.log.ErrorContext(ctx, "background job failed, will run again", "job", j.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// shift is a node's hold on a job.
type shift struct {
	leases *store.Leases
	job    job
	now    func() time.Time
	held   *store.Held // nil: another node has it, or nobody
	renew  time.Time   // when to prolong it
}

// turn runs the job once if the lease is ours or can be had. What it writes
// carries the lease's fence: a node that was overtaken writes nothing.
func (s *shift) turn(ctx context.Context) error {
	err := s.hold(ctx)
	if err == nil {
		err = s.job.run(s.held.Fenced(ctx))
	}
	if errors.Is(err, store.ErrFenced) {
		s.held = nil
		return nil
	}
	if errors.Is(err, store.ErrHeld) {
		return nil
	}
	return err
}

// hold takes or prolongs the lease.
func (s *shift) hold(ctx context.Context) (err error) {
	life, now := leaseFor(s.job), s.now()
	switch {
	case s.held == nil:
		s.held, err = s.leases.Take(ctx, s.job.name, life)
	case now.Before(s.renew):
		return nil
	default:
		err = s.held.Renew(ctx, life)
	}
	s.renew = now.Add(life / 2)
	return err
}

// end gives the lease back, so that a restart leaves no gap.
func (s *shift) end(ctx context.Context) {
	if s.held != nil {
		_ = s.held.Release(ctx) // it ends by itself
	}
}

// errAway: the node's stores are no longer here.
var errAway = errors.New("the node stops")

// staying keeps the node present from before its recovery to behind its last
// stamp, which is when leave is called. The context ends when the node has to.
func (a *App) staying(ctx context.Context) (working context.Context, leave func()) {
	working, away := context.WithCancelCause(ctx)
	present, end := context.WithCancel(context.WithoutCancel(ctx))
	var beside sync.WaitGroup
	tick := time.NewTicker(store.PresenceEvery)
	beside.Go(func() { away(a.stay(present, tick.C)) })
	return working, func() {
		tick.Stop()
		end()
		beside.Wait()
	}
}

// stay says at each turn that the node works on its stores, until ctx ends or
// they are no longer its to work on.
func (a *App) stay(ctx context.Context, turns <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-turns:
		}
		err := a.presence.Stay(ctx)
		switch {
		case store.Over(err):
			return fmt.Errorf("%w: %w", errAway, a.advise(err))
		case err != nil && ctx.Err() == nil:
			a.log.WarnContext(ctx, "the node could not say that it works on the stores, will again", "error", err)
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
// revocation before anything is stamped. What another node works on is left
// alone.
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
	"windows": "until",
}

// lapsedFor is how long lapsed rows are kept: somebody may still ask why.
const lapsedFor = time.Hour

// sweep removes what has lapsed, and what uploads that broke off left in MongoDB.
func (a *App) sweep(ctx context.Context) error {
	var errs []error
	for collection, field := range lapsing {
		_, err := a.main.Sweep(ctx, collection, field, a.now().Add(-lapsedFor))
		errs = append(errs, err)
	}
	if b, ok := a.bucket.(*mongo.Blobs); ok {
		_, err := b.Sweep(ctx, a.now().Add(-mongo.OrphanAge))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
