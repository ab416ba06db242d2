package app_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
	"yunzhang.dev/qrflow/ws"
)

// attacker is a program in the middle: it has a browser of its own, reads what
// comes over sockets, shows to victims what it likes, and presents whatever it
// got hold of. It has no enrolled device and no key.
type attacker struct {
	*party
	shown string // the code on its own page
}

// forward puts a code on the attacker's page, for a victim to scan.
func (a *attacker) forward(frame string) { a.shown = frame }

// scanned is a victim's phone that scans the attacker's page.
func (a *attacker) scanned(ctx context.Context, victim *client.Phone) (*client.Scan, error) {
	return victim.Scan(ctx, a.shown)
}

// browse opens the socket with a token from a site and gives what came over it
// until the server closed it, or the status of the refusal.
func (a *attacker) browse(ctx context.Context, origin, token string) (status int, s *wire) {
	d := websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, network, a.Net.Addr)
		},
		Subprotocols: []string{"cseal.v1", token},
	}
	conn, res, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(a.Config.Sites.Sockets, "http")+ws.Path, http.Header{"Origin": {origin}})
	if err != nil {
		if res == nil {
			return 0, nil
		}
		return res.StatusCode, nil
	}
	s = &wire{conn: conn, done: make(chan struct{})}
	go s.tap()
	return res.StatusCode, s
}

// wire is a socket of which every byte is written down.
type wire struct {
	conn *websocket.Conn
	done chan struct{}

	mu  sync.Mutex
	all strings.Builder // guarded by mu
}

func (s *wire) tap() {
	defer close(s.done)
	for {
		_, b, err := s.conn.ReadMessage()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.all.Write(b)
		s.all.WriteByte('\n')
		s.mu.Unlock()
	}
}

func (s *wire) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all.String()
}

// seen wants a record about an object: its action, decision and detail.
func (p *party) seen(t testing.TB, object, want string) {
	t.Helper()
	all, err := p.app.Seen(t.Context(), object)
	check(t, err)
	if !slices.Contains(all, want) {
		t.Errorf("the audit says of %s only %q, not %q", object, all, want)
	}
}

// state wants a ticket to be in a state.
func (p *party) state(t testing.TB, r *drive.Request, want string) {
	t.Helper()
	st, err := p.system.Status(t.Context(), r.Ticket)
	check(t, err)
	if st.State != want {
		t.Errorf("the ticket is %s, want %s", st.State, want)
	}
}

// refusedWith wants one of the codes.
func refusedWith(t testing.TB, err error, codes ...string) {
	t.Helper()
	if !slices.Contains(codes, drive.Code(err)) {
		t.Errorf("got %v, want one of %s", err, fmt.Sprint(codes))
	}
}
