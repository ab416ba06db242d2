// Package app is the composition root: it opens the stores, wires the domains
// to each other and to the outside (wire.go), mounts what is served (sites.go)
// and runs what works in the background (jobs.go). It holds no rule.
//
// # One node of several
//
// Any node answers any request, and nothing that a node has in memory would be
// missed:
//
//	sockets of pages        qrflow/ws     pages come back to any node; tokens and attaches are numbered in the ticket
//	what happened elsewhere follow.go     hints from the outbox; every page is looked after every 5 s without them
//	stamps to make          binding       a queue in memory; the intents are stored, and every node looks for those
//	                                      that nobody works on (cloudseal: a lease in the transaction that begins)
//	work for one node       jobs.go       a lease with a fence for each job (store.Leases)
//	limits                  limiter.go    wrong tries are counted in the store; floods by each node for itself
//	answers, nonces, codes  idempotency.go, authz/onetime: in the store
//	powers                  nowhere: each request reads them, and writes what it relied on
//	the published bundle    web/public    up to a minute old, as its copies elsewhere are
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/qrflow/ws"
	"yunzhang.dev/web/httpx"
)

// App is one node.
type App struct {
	cfg      config.Config
	opts     Options
	now      func() time.Time
	log      *slog.Logger
	secrets  *Secrets
	outside  providers
	main     *store.Main
	journal  *store.Journal
	blobs    *store.Blobs
	bucket   store.Bucket // beneath blobs
	leases   *store.Leases
	presence *store.Presence
	domains  domains
	hub      *ws.Hub
	ears     ears
	metrics  *httpx.Metrics
	gauges   gauges
	close    []func() error
}

// ErrNoProviders: the configuration names no provider that this build has.
var ErrNoProviders = errors.New("no registry, real-person or message provider is configured: this build has the sandbox's only; set sandbox.enabled = true on a loopback address")

// New opens a node's stores and wires it. It does not listen yet; Close gives
// everything back.
func New(cfg config.Config, opts Options) (*App, error) {
	if !cfg.Sandbox.Enabled {
		return nil, ErrNoProviders
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	a := &App{cfg: cfg, opts: opts, now: millis(opts.Now), log: opts.Log, metrics: httpx.NewMetrics()}
	a.ears.hear(a.now()) // nothing was missed yet
	if a.log == nil {
		a.log = newLog(cfg.Log)
	}
	for _, step := range []func() error{a.openSecrets, a.openStores, a.openProviders, a.wire, a.wireHub, a.wireMetrics} {
		if err := step(); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

func (a *App) openSecrets() (err error) {
	a.secrets, err = LoadSecrets(a.cfg.KeysDir)
	return err
}

func (a *App) openProviders() (err error) {
	if a.opts.outside != nil {
		a.outside = *a.opts.outside
		return nil
	}
	a.outside, err = sandboxProviders(a.cfg, a.opts, a.now)
	if err == nil {
		a.outside.faces.Share(a.secrets.derive("sandbox faces")[:gm.SealKeySize])
	}
	return err
}

// Close gives the stores back. Run has ended before.
func (a *App) Close() error {
	var errs []error
	for i := len(a.close) - 1; i >= 0; i-- {
		errs = append(errs, a.close[i]())
	}
	a.close = nil
	return errors.Join(errs...)
}

// Invite makes a one-time enrolment code for the first operator, who invites
// all others.
func (a *App) Invite(ctx context.Context, roles []string) (string, error) {
	return a.domains.authz.Invite(ctx, "", roles)
}

// Know makes a person one of the sandbox's.
func (a *App) Know(p Person) {
	a.outside.faces.Know(realperson.Identity{Name: p.Name, IDNumber: p.IDNumber})
}

// LastCode gives the newest code the sandbox sent to a phone, "" for none.
func (a *App) LastCode(phone string, template string) string {
	return a.outside.lastCode(phone, template)
}

// Listen opens the port of the configuration.
func (a *App) Listen() (net.Listener, error) {
	ln, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return ln, nil
}

func newLog(c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // checked by config
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

// RegisterApp registers a declaration system, as an operator does by "yunzhang
// admin"; for the demonstration and tests.
func (a *App) RegisterApp(ctx context.Context, n binding.NewApp) (app, kid string, err error) {
	made, key, err := a.domains.binding.Register(ctx, "sandbox", n)
	if err != nil {
		return "", "", err
	}
	return made.ID, key.ID, nil
}
