package app

import (
	"context"
	"sync/atomic"
	"time"

	"yunzhang.dev/qrflow/ws"
)

// Blindfold makes a node that does not run yet look at its waiting pages once an
// hour: they learn from hints what happens, or not at all. looks counts when it
// looks nevertheless.
func (a *App) Blindfold(looks *atomic.Int64) (err error) {
	of, limits := pages{a.domains.flow, applications{a.main.Work, a.domains.binding}, a.log}, a.socketLimits()
	limits.Recheck = time.Hour
	a.hub, err = ws.New(ws.Deps{
		Tickets: of, Sequences: counting{of, looks}, Log: a.log, Now: a.now, Hosts: []string{hostOf(a.cfg.Sites.Sockets)},
		LoopbackOrigins: a.cfg.Sandbox.Enabled, Limits: limits,
	})
	return err
}

type counting struct {
	pages
	looks *atomic.Int64
}

func (c counting) LastSeqs(ctx context.Context, tickets []string) (map[string]ws.Last, error) {
	c.looks.Add(1)
	return c.pages.LastSeqs(ctx, tickets)
}

// LookAt asks where tickets stand, as a node does of its waiting pages.
func (a *App) LookAt(ctx context.Context, tickets []string) error {
	_, err := a.domains.flow.LastSeqs(ctx, tickets)
	return err
}
