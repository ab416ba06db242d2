package httpx

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Limits bounds what one request may cost. A zero field takes its default.
type Limits struct {
	// Body is the size of a request body on routes without a BodyRule.
	// Default 256 KiB: the largest JSON request of the API (a batch of 500
	// documents by id) has 200 KiB.
	Body int
	// Header is the size of the request line and all header fields together.
	// Default 16 KiB: fiber's own 4 KiB refuses browsers with a few cookies.
	Header int
	// Read is the time for a whole request. Default 5 s: it ends slow senders.
	Read time.Duration
	// Write is the time for a whole response. Default 60 s.
	Write time.Duration
	// Idle is how long a connection may wait for its next request. Default 60 s.
	Idle time.Duration
	// Handle is when the context of a handler ends. Default 30 s.
	Handle time.Duration
	// Stall is the time in which each 64 KiB of a body must arrive, so that silence
	// holds no room of the Budget. Default 10 s: a mobile network lost and found.
	Stall time.Duration
	// Connections is how many are served at once. Default 16384. One address has no
	// bound of its own: a city may stand behind one, and all clients of a proxy do.
	// What a connection may hold is bounded instead (Budget, Header, Read, Idle).
	Connections int
}

// Room of request bodies in memory when Deps names no Budget: in all, and for one
// sender, who may be all the servers of a declaration system, or an office.
const (
	defaultBodies = 512 << 20
	defaultShare  = 128 << 20
)

// BodyRule gives routes their own body limit, and the time it may take to
// arrive. It is applied when the header has been read, before the body is.
type BodyRule struct {
	Method string // "POST"; empty for any
	Prefix string // of the path, such as "/v1/documents"
	Max    int    // bytes
	Read   time.Duration
}

// Deps is what a server needs.
type Deps struct {
	Log *slog.Logger
	// Now measures how long requests take. Default time.Now.
	Now func() time.Time
	// Hosts are the names (with the port where it is not the scheme's own) under
	// which the server answers; anything else is refused before routing. It
	// closes DNS rebinding. Empty answers to all, for tests.
	Hosts []string
	// ByAddress are paths that are asked for by address and not by name, besides
	// the probes: what they answer must need a secret.
	ByAddress []string
	// TrustedProxies may say for whom they speak (X-Forwarded-For,
	// X-Forwarded-Proto) and name the request (X-Request-Id).
	TrustedProxies []netip.Prefix
	// HTTPS promises that browsers reach every host by TLS: answers then carry
	// Strict-Transport-Security.
	HTTPS  bool
	Limits Limits
	Bodies []BodyRule
	// Budget bounds the bodies that are in memory together. Default: 512 MiB, of
	// which one sender may have 128.
	Budget *Budget
	// Metrics counts requests; nil for none.
	Metrics *Metrics
	// Gate counts the work under way and refuses new work in shutdown; nil for none.
	Gate *Gate
	// Health answers /healthz and /readyz; nil for none.
	Health *Health
}

func (d Deps) withDefaults() Deps {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Budget == nil {
		d.Budget = NewBudget(defaultBodies, defaultShare)
	}
	l := &d.Limits
	l.Body = or(l.Body, 256<<10)
	l.Header = or(l.Header, 16<<10)
	l.Read = or(l.Read, 5*time.Second)
	l.Write = or(l.Write, time.Minute)
	l.Idle = or(l.Idle, time.Minute)
	l.Handle = or(l.Handle, 30*time.Second)
	l.Stall = or(l.Stall, 10*time.Second)
	l.Connections = or(l.Connections, 16384)
	return d
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// NewServer makes the app that owns the port. Routes may be added to it, or to
// sites behind it (see Sites).
func NewServer(d Deps) *fiber.App {
	d = d.withDefaults()
	f := newFront(d)
	app := fiber.New(settings(d.Limits, f.reject))
	// Hijacked connections belong to who hijacked them, so that a waiting page
	// costs one goroutine and not two (qrflow/ws).
	app.Server().KeepHijackedConns = true
	app.Server().CloseOnShutdown = true
	app.Server().HeaderReceived = f.headed
	app.Use(f.handle)
	if d.Health != nil {
		d.Health.mount(app)
	}
	mountProblems(app)
	return app
}

// settings are those of every app of the system. Immutable because fiber's
// strings otherwise change under whoever keeps them. Multipart is left unparsed
// because fasthttp would put its parts into temporary files before any check.
func settings(l Limits, onError fiber.ErrorHandler) fiber.Config {
	return fiber.Config{
		Immutable:                    true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		StreamRequestBody:            true, // bodies are read by front, within their budget
		StrictRouting:                true,
		CaseSensitive:                true,
		EnableTrustedProxyCheck:      true, // with no proxy of fiber's own: see ClientIP
		ReadBufferSize:               l.Header,
		BodyLimit:                    l.Body,
		ReadTimeout:                  l.Read,
		WriteTimeout:                 l.Write,
		IdleTimeout:                  l.Idle,
		Concurrency:                  l.Connections,
		ErrorHandler:                 onError,
	}
}
