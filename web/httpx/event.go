package httpx

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// event is what is told about one request: one line, filled in on the way.
type event struct {
	id    string
	start time.Time
	ip    netip.Addr
	tls   bool   // a trusted proxy says that it was reached by TLS
	route string // pattern, never the path: paths hold ids
	code  string
	err   error
	notes []slog.Attr
}

type eventKey struct{}

func eventOf(c *fiber.Ctx) *event {
	ev, _ := c.Locals(eventKey{}).(*event)
	return ev
}

// Note adds a fact to the request's log line: ids of tickets, seals, stamps;
// never names, numbers, tokens or contents.
func Note(c *fiber.Ctx, key, value string) {
	if ev := eventOf(c); ev != nil {
		ev.notes = append(ev.notes, slog.String(key, value))
	}
}

// RequestID is the name of this request, in its answer (X-Request-Id) and in
// the log; empty outside a server of this package.
func RequestID(c *fiber.Ctx) string {
	if ev := eventOf(c); ev != nil {
		return ev.id
	}
	return ""
}

// ClientIP is the address the request came from, as far as trusted proxies
// vouch for it. Unmapped, without zone; invalid when unknown.
func ClientIP(c *fiber.Ctx) netip.Addr {
	if ev := eventOf(c); ev != nil {
		return ev.ip
	}
	return remoteIP(c)
}

func (f *front) begin(c *fiber.Ctx) *event {
	remote := remoteIP(c)
	trusted := f.trusts(remote)
	ev := &event{start: f.d.Now(), ip: remote}
	if trusted {
		ev.ip = f.forwarded(c, remote)
		ev.tls = c.Get(fiber.HeaderXForwardedProto) == "https"
		ev.id = goodID(c.Get(fiber.HeaderXRequestID))
	}
	if ev.id == "" {
		ev.id = newRequestID()
	}
	c.Locals(eventKey{}, ev)
	return ev
}

func remoteIP(c *fiber.Ctx) netip.Addr {
	ip, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	return ip.Unmap()
}

func (f *front) trusts(ip netip.Addr) bool {
	for _, p := range f.d.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// forwarded reads X-Forwarded-For from the right: the first address that is not
// a trusted proxy's is the client. What stands further left was written by the
// client itself. (fiber's own c.IP takes the leftmost.)
func (f *front) forwarded(c *fiber.Ctx, remote netip.Addr) netip.Addr {
	var hops []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for i := len(hops) - 1; i >= 0; i-- {
		ip, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			return remote
		}
		remote = ip.Unmap().WithZone("")
		if !f.trusts(remote) {
			return remote
		}
	}
	return remote
}

const requestIDPrefix = "rq_"

func newRequestID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails (Go 1.24)
	return requestIDPrefix + strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// goodID accepts a proxy's request id when it is one word of letters and digits.
func goodID(id string) string {
	if len(id) < 8 || len(id) > 64 {
		return ""
	}
	for _, r := range id {
		word := r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !word {
			return ""
		}
	}
	return id
}

// unmatched stands for the route of requests that have none.
const unmatched = "unmatched"

// method bounds what a sender can put into labels and lines.
func method(c *fiber.Ctx) string {
	if slices.Contains(fiber.DefaultMethods, c.Method()) {
		return c.Method()
	}
	return "other"
}

// finish counts the request and writes its line. Causes go to the log and
// nowhere else.
func (f *front) finish(c *fiber.Ctx, ev *event) {
	route := or(ev.route, unmatched)
	if probe(c) {
		route = c.Path()
	}
	status := c.Response().StatusCode()
	took := f.d.Now().Sub(ev.start)
	if f.d.Metrics != nil {
		f.d.Metrics.observe(method(c), route, status, took)
	}
	level := levelOf(status)
	if probe(c) && status < 400 {
		level = slog.LevelDebug
	}
	f.d.Log.LogAttrs(context.Background(), level, "request", f.line(c, ev, route, status, took)...)
}

func (f *front) line(c *fiber.Ctx, ev *event, route string, status int, took time.Duration) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("id", ev.id),
		slog.String("method", method(c)),
		slog.String("route", route),
		slog.Int("status", status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("net", network(ev.ip)),
	}
	if ev.code != "" {
		attrs = append(attrs, slog.String("code", ev.code))
	}
	if ev.err != nil && ev.err.Error() != ev.code {
		attrs = append(attrs, slog.String("cause", ev.err.Error()))
	}
	var p *panicked
	if errors.As(ev.err, &p) {
		attrs = append(attrs, slog.String("stack", string(p.stack)))
	}
	return append(attrs, ev.notes...)
}

func levelOf(status int) slog.Level {
	if status >= 500 && status != fiber.StatusServiceUnavailable {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// network is what the log keeps of an address: enough to see where a flood comes
// from, too little to name a person (/24, /48).
func network(ip netip.Addr) string {
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
