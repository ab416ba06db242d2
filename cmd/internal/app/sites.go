package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding/api"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/qrflow/ws"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/public"
	"yunzhang.dev/web/widget"
)

// wireHub makes the hub of waiting pages.
func (a *App) wireHub() (err error) {
	of := pages{a.domains.flow, applications{a.main.Work, a.domains.binding}, a.log}
	a.hub, err = ws.New(ws.Deps{
		Tickets: of, Sequences: of, Log: a.log, Now: a.now, Hosts: []string{hostOf(a.cfg.Sites.Sockets)},
		LoopbackOrigins: a.cfg.Sandbox.Enabled,
		Limits:          a.socketLimits(),
	})
	return err
}

func (a *App) socketLimits() ws.Limits {
	l := ws.Limits{PerIP: a.cfg.Limits.SocketsPerAddress, Frame: a.cfg.Lifetimes.Frame.D()}
	if a.opts.Unlimited {
		l.PerIP, l.Attempts = 1<<20, httpx.Rate{Count: 1 << 30, Per: time.Second}
	}
	return l
}

// hostOf is the host of an origin, with its port.
func hostOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Host
}

// socketURL is where pages attach.
func (a *App) socketURL() string {
	return "ws" + strings.TrimPrefix(a.cfg.Sites.Sockets, "http") + ws.Path
}

const metricsPath = "/metrics"

// server makes the HTTP server with all its sites.
func (a *App) server(gate *httpx.Gate) (*fiber.App, error) {
	c := a.cfg
	hosts := []string{}
	for _, origin := range []string{c.Sites.App, c.Sites.Portal, c.Sites.Verify, c.Sites.Sockets, c.Sites.Demo} {
		if origin != "" {
			hosts = append(hosts, hostOf(origin))
		}
	}
	var proxies []netip.Prefix
	for _, p := range c.TLS.TrustedProxies {
		proxies = append(proxies, netip.MustParsePrefix(p)) // checked by config
	}
	var byAddress []string
	if c.Log.MetricsToken != "" {
		byAddress = []string{metricsPath} // each node is scraped, whatever the sites are called
	}
	server := httpx.NewServer(httpx.Deps{
		Log: a.log, Now: a.opts.Now, Hosts: hosts, ByAddress: byAddress, TrustedProxies: proxies, HTTPS: c.TLS.Cert != "" || c.Production,
		Limits: httpx.Limits{Connections: c.Limits.Connections}, Bodies: a.bodies(), Budget: httpx.NewBudget(a.cfg.Limits.BodyBytes, a.cfg.Limits.BodyBytesPerAddress), Metrics: a.metrics, Gate: gate, Health: a.health(gate),
	})
	sites, err := a.sites()
	if err != nil {
		return nil, err
	}
	server.Get(metricsPath, a.metrics.Handler(c.Log.MetricsToken))
	httpx.Sites(server, sites)
	return server, nil
}

// uploadTime is how long a document may take to arrive: the largest one over
// two megabits a second.
const uploadTime = 90 * time.Second

func (a *App) bodies() []httpx.BodyRule {
	rules := append(mobileapi.DefaultLimits().BodyRules(), a.publicLimits().BodyRules()...)
	return append(rules, httpx.BodyRule{Method: "POST", Prefix: "/v1/documents", Max: a.cfg.Limits.Document, Read: uploadTime})
}

// health asks both stores whose keys they know, a read, and whether this node may
// write to them.
func (a *App) health(gate *httpx.Gate) *httpx.Health {
	ours := a.secrets.Fingerprint()
	return &httpx.Health{Log: a.log, Gate: gate, Checks: []httpx.Check{
		{Name: "store", Run: func(ctx context.Context) error { return a.main.Matches(ctx, ours) }},
		{Name: "signer", Run: func(ctx context.Context) error { return a.journal.Matches(ctx, ours) }},
		{Name: "presence", Run: func(context.Context) error { return a.presence.Check() }},
		{Name: "events", Stale: true, Run: a.hears},
	}}
}

// sites mounts what each host name serves.
func (a *App) sites() (map[string]*fiber.App, error) {
	sites := map[string]*fiber.App{}
	for origin, mount := range map[string]func(*fiber.App) error{
		a.cfg.Sites.App: a.mountPhone, a.cfg.Sites.Portal: a.mountPortal, a.cfg.Sites.Verify: a.mountPublic,
		a.cfg.Sites.Sockets: a.mountSockets, a.cfg.Sites.Demo: a.mountDemo,
	} {
		if origin == "" {
			continue
		}
		site := httpx.NewSite()
		if err := mount(site); err != nil {
			return nil, err
		}
		sites[hostOf(origin)] = site
	}
	return sites, nil
}

func (a *App) mountPhone(site *fiber.App) error {
	d := &a.domains
	limits := mobileapi.DefaultLimits()
	limits.Address.Count, limits.Address.Per, limits.Address.Burst = a.cfg.Limits.AddressRate, time.Second, 6*a.cfg.Limits.AddressRate
	if a.opts.Unlimited {
		limits.Address, limits.Device, limits.Person = httpx.Rate{}, httpx.Rate{}, httpx.Rate{}
		limits.Enrol, limits.Codes = httpx.Rate{}, httpx.Rate{}
	}
	phone, err := mobileapi.New(mobileapi.Deps{
		Authz: d.authz, Work: a.main.Work,
		Seals:        sealShelf{a.main.Work, d.authz, d.seals, a.outside.registry},
		Claims:       claims{a.main.Work, d.seals, a.blobs},
		Scans:        scans{a.main.Work, d.flow, d.binding, d.seals},
		Seconds:      seconds{d.binding},
		Applications: applications{a.main.Work, d.binding},
		History:      history{a.main.Work, d.seals, a.acted},
		Idempotency:  answers{a.main.Work, a.main.Answers},
		Agreement:    agreement(), Limits: limits, Now: a.now,
	})
	if err != nil {
		return err
	}
	phone.Mount(site)
	return nil
}

// acted lists the audit records of what a person did.
func (a *App) acted(tx unit.Tx, q unit.Query) (list []mobileapi.Activity, last []any, err error) {
	records, err := a.main.Audit.Find(tx, q)
	for _, r := range records {
		list = append(list, mobileapi.Activity{At: r.At, Action: r.Action, Object: r.Object, Org: r.Org, Decision: r.Decision})
		last = []any{r.At, r.ID}
	}
	return list, last, err
}

func (a *App) mountPortal(site *fiber.App) error {
	d := &a.domains
	atOnce := 0 // api's own
	if a.opts.Unlimited {
		atOnce = 1 << 10
	}
	portal, err := api.New(api.Deps{
		AtOnce:  atOnce,
		Binding: d.binding, Seals: d.seals, Flow: d.flow, Idempotency: answers{a.main.Work, a.main.Answers},
		Nonces: nonces{a.main.Work, a.main.Spent}, PerClient: a.perClient(), PerAddress: a.perAddress(), SocketURL: a.socketURL(),
		MaxDocument: a.cfg.Limits.Document, Now: a.now,
	})
	if err != nil {
		return err
	}
	portal.Mount(site)
	return nil
}

func (a *App) perClient() httpx.Rate {
	n := a.cfg.Limits.ApplicationRate
	if a.opts.Unlimited {
		n = 1 << 30
	}
	return httpx.Rate{Name: "application", Count: n, Per: time.Second, Burst: n}
}

// perAddress bounds declaration systems by address before anything dear is done
// for them.
func (a *App) perAddress() httpx.Rate {
	if a.opts.Unlimited {
		return httpx.Rate{}
	}
	r := api.AddressRate()
	r.Count, r.Burst = a.cfg.Limits.AddressRate, 4*a.cfg.Limits.AddressRate
	return r
}

func (a *App) publicLimits() public.Limits {
	l := public.DefaultLimits()
	l.Document = a.cfg.Limits.Verified()
	return l
}

func (a *App) mountPublic(site *fiber.App) error {
	p, err := public.New(public.Deps{Seals: a.domains.seals, Limits: a.publicLimits(), Now: a.now})
	if err != nil {
		return err
	}
	public.Landing(site)
	p.Mount(site)
	return nil
}

func (a *App) mountSockets(site *fiber.App) error {
	a.hub.Mount(site)
	return nil
}

// mountDemo serves the waiting page as a declaration system's own.
func (a *App) mountDemo(site *fiber.App) error {
	return widget.Mount(site, widget.Settings{Socket: a.socketURL()})
}

// Run answers on ln until ctx ends, then stops: no new work, stamps under way
// finished, sockets told to come back. It stops with an error when the stores
// were moved away under it, which happens to a node that was asleep.
func (a *App) Run(ctx context.Context, ln net.Listener) error {
	if err := a.presence.Stay(ctx); store.Over(err) {
		return a.advise(err)
	}
	ctx, leave := a.staying(ctx)
	defer leave()
	if err := a.recover(ctx); err != nil {
		a.log.ErrorContext(ctx, "recovery left something open", "error", err)
	}
	gate := httpx.NewGate()
	server, err := a.server(gate)
	if err != nil {
		return err
	}
	if ln, err = a.secure(ln); err != nil {
		return err
	}
	defer a.background(ctx)()
	err = httpx.Serve(ctx, server, ln, httpx.Stop{
		Grace: a.cfg.ShutdownGrace.D(), Gate: gate, Before: []func(context.Context){a.hub.Close},
	})
	if cause := context.Cause(ctx); errors.Is(cause, errAway) {
		err = errors.Join(err, cause)
	}
	return err
}

// background starts the jobs and the operators' socket; the function it gives
// ends them and waits. Jobs outlive the last request: a stamp that was approved
// is finished.
func (a *App) background(ctx context.Context) (stop func()) {
	jobs, end := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	all.Go(func() { a.runJobs(jobs) })
	all.Go(func() {
		if err := a.serveConsole(jobs); err != nil {
			a.log.ErrorContext(jobs, "the operators' socket is not served; set admin_socket to another path", "error", err)
		}
	})
	return func() {
		end()
		all.Wait()
	}
}
