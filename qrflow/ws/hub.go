package ws

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

// Hub holds the sockets of this node.
type Hub struct {
	d        Deps
	limits   Limits
	hosts    map[string]bool
	attempts *httpx.Limiter
	upgrader *websocket.Upgrader
	gate     *httpx.Gate   // sockets under way
	lookups  chan struct{} // questions to the domain under way

	mu      sync.Mutex         // guards what follows
	sockets map[string]*socket // by ticket: one live socket each
	perIP   map[string]int
	total   int
}

// New makes a Hub. Mount its route, run Run, call Wake when a ticket moved.
func New(d Deps) (*Hub, error) {
	if d.Tickets == nil || d.Sequences == nil || d.Log == nil || d.Now == nil || len(d.Hosts) == 0 {
		return nil, errors.New("ws: a dependency is missing")
	}
	limits := d.Limits.withDefaults()
	hosts := map[string]bool{}
	for _, host := range d.Hosts {
		hosts[strings.ToLower(host)] = true
	}
	return &Hub{
		hosts: hosts, attempts: httpx.NewLimiter(limits.Attempts, d.Now),
		d: d, limits: limits, upgrader: upgrader(limits.Write), gate: httpx.NewGate(),
		lookups: make(chan struct{}, limits.Lookups),
		sockets: map[string]*socket{}, perIP: map[string]int{},
	}, nil
}

// Len is the number of open sockets.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total
}

// enter takes a place for a socket; leave gives it back.
func (h *Hub) enter(ip string) (leave func(), err error) {
	if err := h.attempts.Allow(ip); err != nil {
		return nil, err
	}
	out, err := h.gate.Enter()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.perIP[ip] >= h.limits.PerIP:
		out()
		return nil, fault.SlowDown.With("limit", "sockets-per-address")
	case h.total >= h.limits.Sockets:
		out()
		return nil, fault.ShuttingDown.Becausef("all %d sockets taken", h.total)
	}
	h.perIP[ip]++
	h.total++
	return sync.OnceFunc(func() {
		h.left(ip)
		out()
	}), nil
}

func (h *Hub) left(ip string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.total--
	if h.perIP[ip]--; h.perIP[ip] == 0 {
		delete(h.perIP, ip)
	}
}

// serve upgrades a connection and starts its socket. It returns at once. c is
// nil when the connection could not be taken over.
func (h *Hub) serve(c conn, who visitor, view View, leave func()) {
	if c == nil {
		leave()
		return
	}
	r, t := &http.Request{Method: http.MethodGet, Header: who.header}, take(metered(c, h.limits.InBytes))
	ws, err := h.upgrader.Upgrade(t, r, nil)
	if err != nil {
		_ = c.Close()
		leave()
		return
	}
	who.header = nil // not kept for the life of the page
	s := newSocket(h, ws, c, who, view)
	s.in, s.leave = t.in, leave
	if loser := h.replace(s); loser != nil {
		loser.close(codeReplaced, false)
	}
	if h.gate.Closed() { // Close may have looked before it was there
		s.close(codeRestart, false)
	}
	s.begin()
}

// replace makes s the socket of its ticket and gives the one that has to go: the
// one that was there, or s when that attached after it.
func (h *Hub) replace(s *socket) (loser *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	other := h.sockets[s.ticket]
	if other != nil && other.page > s.page {
		return s
	}
	h.sockets[s.ticket] = s
	return other
}

func (h *Hub) remove(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sockets[s.ticket] == s {
		delete(h.sockets, s.ticket)
	}
}

// Wake tells that something happened to a ticket. It is a hint: it returns at
// once, may come for any ticket, twice, or not at all.
func (h *Hub) Wake(ticket string) {
	h.mu.Lock()
	s := h.sockets[ticket]
	h.mu.Unlock()
	if s != nil {
		s.pull()
	}
}

// together is how many tickets one question to the domain is about: so many rows
// are one answer of a store across the network, and a question that fails leaves
// the others.
const together = 100

// Run looks after all sockets until ctx ends, with few questions to the domain
// every few seconds. It makes hints that were lost late, not lost.
func (h *Hub) Run(ctx context.Context) {
	tick := time.NewTicker(h.limits.Recheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.recheck(ctx)
		}
	}
}

// Resync looks after all sockets now: events may have been missed.
func (h *Hub) Resync(ctx context.Context) { h.recheck(ctx) }

func (h *Hub) recheck(ctx context.Context) {
	for some := range slices.Chunk(h.all(), together) {
		if ctx.Err() != nil {
			return
		}
		h.look(ctx, some)
	}
}

func (h *Hub) look(ctx context.Context, some []*socket) {
	tickets := make([]string, len(some))
	for i, s := range some {
		tickets[i] = s.ticket
	}
	ctx, cancel := context.WithTimeout(ctx, h.limits.DomainFor)
	defer cancel()
	last, err := h.d.Sequences.LastSeqs(ctx, tickets)
	if err != nil {
		h.d.Log.Warn("look at waiting tickets", "cause", err)
		return
	}
	for _, s := range some {
		switch at, ok := last[s.ticket]; {
		case ok && at.Page > s.page: // its page is on another node now
			s.close(codeReplaced, false)
		case !ok || at.Seq > s.seen() || s.ended:
			s.pull()
		default:
			s.feed.confirm()
		}
	}
}

func (h *Hub) all() []*socket {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*socket, 0, len(h.sockets))
	for _, s := range h.sockets {
		all = append(all, s)
	}
	return all
}

// Close ends all sockets with 1012: their pages come back elsewhere, or here
// after the restart. It returns when all are gone, or cuts them when ctx ends.
func (h *Hub) Close(ctx context.Context) {
	h.gate.Close()
	for _, s := range h.all() {
		s.close(codeRestart, false)
	}
	if h.gate.Wait(ctx) != nil {
		for _, s := range h.all() {
			_ = s.raw.Close()
		}
	}
}

// ask runs one question to the domain when it is its turn.
func (h *Hub) ask(question func(context.Context)) {
	h.lookups <- struct{}{}
	defer func() { <-h.lookups }()
	ctx, cancel := context.WithTimeout(context.Background(), h.limits.DomainFor)
	defer cancel()
	question(ctx)
}
