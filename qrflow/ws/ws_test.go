package ws_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/websocket"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/qrflow/ws"
	"yunzhang.dev/web/httpx"
)

const origin = "https://declare.example.gov.cn"

// desk is a ticket domain of one application. A ticket's page token is "p" and
// its number, its resume tokens "r", its number and a count.
type desk struct {
	mu       sync.Mutex // guards what follows
	events   map[string][]ws.Event
	resumes  map[string]int
	pages    map[string]int // numbers of the newest attaches
	frames   int
	attaches int
	cancels  int
	looks    int
	broken   error                    // answer of Events
	blind    bool                     // LastSeqs fails
	hole     string                   // a ticket with which LastSeqs fails
	asked    map[string]bool          // of which tickets Events were asked
	begun    time.Time                // when frames began to roll; zero: each is whole
	cancel   func(d *desk, id string) // called with mu held
	rolls    bool                     // frames say which follow
}

func newDesk() *desk {
	return &desk{events: map[string][]ws.Event{}, resumes: map[string]int{}, pages: map[string]int{}, asked: map[string]bool{}}
}

var born = time.Date(2026, 11, 22, 2, 10, 0, 0, time.UTC)

// happen adds an event and gives its number.
func (d *desk) happen(ticket string, e ws.Event) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.add(ticket, e)
}

func (d *desk) add(ticket string, e ws.Event) int64 {
	e.Seq, e.At = int64(len(d.events[ticket])+1), born
	d.events[ticket] = append(d.events[ticket], e)
	return e.Seq
}

func (d *desk) state(ticket string) string {
	state := ""
	for _, e := range d.events[ticket] {
		if e.Type != "match_wrong" && e.Type != "wrong_subject" {
			state = e.Type
		}
	}
	return state
}

func live(state string) bool {
	return strings.Contains("issued open claimed approved signing", state)
}

func (d *desk) Attach(_ context.Context, a ws.Attach) (ws.View, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.attaches++
	if a.Origin != origin {
		return ws.View{}, fault.OriginBad
	}
	ticket, ok := strings.CutPrefix(a.Token, map[bool]string{false: "p.", true: "r."}[a.Resume])
	ticket, count, _ := strings.Cut(ticket, ".")
	switch {
	case !ok:
		return ws.View{}, fault.Unauthorized
	case strings.HasPrefix(ticket, "gone"):
		return ws.View{}, fault.TicketUnavailable
	case !a.Resume && d.resumes[ticket] > 0, a.Resume && count != fmt.Sprint(d.resumes[ticket]):
		return ws.View{}, fault.Unauthorized
	}
	if !a.Resume {
		d.add(ticket, ws.Event{Type: "issued"})
		d.add(ticket, ws.Event{Type: "open"})
	}
	d.resumes[ticket]++
	d.pages[ticket]++
	v := ws.View{
		Page: d.pages[ticket], Ticket: ticket, App: "不动产登记", Purpose: "stamp", State: d.state(ticket),
		LastSeq: int64(len(d.events[ticket])), Left: 2 * time.Minute,
	}
	if live(v.State) {
		v.Resume = fmt.Sprintf("r.%s.%d", ticket, d.resumes[ticket])
	}
	return v, nil
}

func (d *desk) Events(_ context.Context, ticket string, after int64) ([]ws.Event, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken != nil {
		return nil, d.broken
	}
	d.asked[ticket] = true
	return append([]ws.Event(nil), d.events[ticket][after:]...), nil
}

func (d *desk) Frame(_ context.Context, ticket string) (ws.Frame, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state(ticket) != "open" {
		return ws.Frame{}, fault.WrongState
	}
	d.frames++
	f := ws.Frame{Text: fmt.Sprintf("https://s.example/q#1.h.%d.m", d.frames-1), N: d.frames - 1, ValidFor: 9 * time.Second}
	if !d.begun.IsZero() {
		f.ValidFor -= time.Since(d.begun) % (3 * time.Second)
	}
	if d.rolls {
		f.Next = func(after time.Duration) (ws.Frame, bool) {
			return ws.Frame{Text: fmt.Sprint("rolled ", after), N: f.N, ValidFor: f.ValidFor}, true
		}
	}
	return f, nil
}

func (d *desk) Cancel(_ context.Context, ticket string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cancels++
	if d.cancel == nil {
		return fault.WrongState
	}
	d.cancel(d, ticket)
	return nil
}

func (d *desk) LastSeqs(_ context.Context, tickets []string) (map[string]ws.Last, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	if d.blind || d.hole != "" && slices.Contains(tickets, d.hole) {
		return nil, errors.New("the store does not answer")
	}
	last := map[string]ws.Last{}
	for _, id := range tickets {
		last[id] = ws.Last{Seq: int64(len(d.events[id])), Page: d.pages[id]}
	}
	return last, nil
}

func (d *desk) count(of *int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return *of
}

// house is a running server with a desk behind it.
type house struct {
	*desk
	hub  *ws.Hub
	addr string
	log  *bytes.Buffer
	mu   *sync.Mutex
}

type lockedWriter struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (h *house) logged() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.log.String()
}

func newHub(t *testing.T, d *desk, log *slog.Logger, l ws.Limits, hosts ...string) *ws.Hub {
	t.Helper()
	hub, err := ws.New(ws.Deps{
		Tickets: d, Sequences: d, Log: log, Now: func() time.Time { return born }, Hosts: hosts, Limits: l,
	})
	if err != nil {
		t.Fatal(err)
	}
	return hub
}

func open(t *testing.T, l ws.Limits) *house {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &house{desk: newDesk(), addr: ln.Addr().String(), log: new(bytes.Buffer), mu: new(sync.Mutex)}
	log := slog.New(slog.NewTextHandler(lockedWriter{h.mu, h.log}, nil))
	h.hub = newHub(t, h.desk, log, l, h.addr)
	app, site := httpx.NewServer(httpx.Deps{Log: log}), httpx.NewSite()
	h.hub.Mount(site)
	site.Get("/rest", func(c *fiber.Ctx) error { return c.SendString("ok") })
	httpx.Sites(app, map[string]*fiber.App{h.addr: site, "evil.example": site, "10.0.0.1": site})
	done := make(chan error, 1)
	go func() { done <- app.Listener(ln) }()
	t.Cleanup(func() {
		h.hub.Close(t.Context())
		_ = app.Shutdown()
		<-done
	})
	return h
}

// page is the browser's side.
type page struct {
	*websocket.Conn
	t        *testing.T
	response *http.Response
}

// attach opens a socket with a token ("tkt.…" or "res.…").
func (h *house) attach(t *testing.T, token string) *page {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"cseal.v1", token}, EnableCompression: true}
	c, res, err := d.Dial("ws://"+h.addr+ws.Path, http.Header{"Origin": {origin}})
	if err != nil {
		t.Fatalf("attach %s: %v (%v)", token, err, res)
	}
	t.Cleanup(func() { c.Close() })
	return &page{c, t, res}
}

// sockets waits until so many are open; the test's own time limit ends it.
func (h *house) sockets(t *testing.T, n int) {
	t.Helper()
	for h.hub.Len() != n {
		runtime.Gosched()
	}
}

type msg map[string]any

// next gives the next message that is no frame and no heartbeat.
func (p *page) next() msg {
	p.t.Helper()
	for {
		if m := p.any(); m["type"] != "qr" && m["type"] != "hb" {
			return m
		}
	}
}

func (p *page) any() msg {
	p.t.Helper()
	kind, b, err := p.ReadMessage()
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	var m msg
	if err := json.Unmarshal(b, &m); err != nil || kind != websocket.TextMessage {
		p.t.Fatalf("message %q: %v", b, err)
	}
	return m
}

func (p *page) expect(kind string, fields msg) msg {
	p.t.Helper()
	m := p.next()
	if m["type"] != kind || m["v"] != 1.0 || m["tid"] == "" || m["ts"] != "2026-11-22T02:10:00.000Z" {
		p.t.Fatalf("got %v, want %s", m, kind)
	}
	for k, want := range fields {
		if fmt.Sprint(m[k]) != fmt.Sprint(want) {
			p.t.Errorf("%s: %s = %v, want %v", kind, k, m[k], want)
		}
	}
	return m
}

func (p *page) say(text string) {
	p.t.Helper()
	if err := p.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) ack(seq int64) { p.t.Helper(); p.say(fmt.Sprintf(`{"v":1,"type":"ack","seq":%d}`, seq)) }

// closed reads to the end and wants a close code.
func (p *page) closed(code int) {
	p.t.Helper()
	for {
		_, _, err := p.ReadMessage()
		if err == nil {
			continue
		}
		if !websocket.IsCloseError(err, code) {
			p.t.Errorf("closed with %v, want %d", err, code)
		}
		return
	}
}
