package drive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Message is what a waiting page receives (protocol.md §2.10).
type Message struct {
	Type       string `json:"type"`
	Ticket     string `json:"tid"`
	Seq        int64  `json:"seq"`
	State      string `json:"state"`
	Resume     string `json:"resume"`
	N          int    `json:"n"`
	QR         string `json:"qr"`
	Who        string `json:"who"`
	Match      string `json:"match"`
	Done       int    `json:"done"`
	Total      int    `json:"total"`
	ResultCode string `json:"result_code"`
	Reason     string `json:"reason"`
	TriesLeft  int    `json:"tries_left"`
}

// Page is a waiting page without a browser: it remembers the newest frame and
// every event.
type Page struct {
	conn *websocket.Conn

	mu     sync.Mutex
	seen   []Message     // events and frames as they came; guarded by mu
	wake   chan struct{} // closed and replaced with every message; guarded by mu
	failed error         // guarded by mu
}

// errClosed: the socket has ended.
var errClosed = errors.New("drive: the page's socket has ended")

// OpenPage attaches a page with its token, or resumes one.
func OpenPage(ctx context.Context, n Net, url, origin, token string, resume bool) (*Page, error) {
	kind := "tkt."
	if resume {
		kind = "res."
	}
	d := websocket.Dialer{
		NetDialContext:   func(ctx context.Context, network, addr string) (net.Conn, error) { return n.dial(ctx, network, addr) },
		TLSClientConfig:  n.tls(),
		Subprotocols:     []string{"cseal.v1", kind + token},
		HandshakeTimeout: 10 * time.Second,
	}
	conn, answer, err := d.DialContext(ctx, url, http.Header{"Origin": {origin}})
	if err != nil {
		if answer != nil {
			return nil, fmt.Errorf("attach: %s", answer.Status)
		}
		return nil, fmt.Errorf("attach: %w", err)
	}
	p := &Page{conn: conn, wake: make(chan struct{})}
	if err := conn.WriteJSON(map[string]any{"v": 1, "type": "ack", "seq": 0}); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go p.read()
	return p, nil
}

func (p *Page) read() {
	for {
		_, b, err := p.conn.ReadMessage()
		var m Message
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		p.mu.Lock()
		if err != nil {
			p.failed = fmt.Errorf("%w: %w", errClosed, err)
		} else {
			p.seen = append(p.seen, m)
		}
		close(p.wake)
		p.wake = make(chan struct{})
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Close leaves.
func (p *Page) Close() { _ = p.conn.Close() }

// Cancel gives the ticket up.
func (p *Page) Cancel() error { return p.conn.WriteJSON(map[string]any{"v": 1, "type": "cancel"}) }

// Wait gives the newest message that want accepts, as soon as there is one.
func (p *Page) Wait(ctx context.Context, want func(Message) bool) (Message, error) {
	for {
		p.mu.Lock()
		for i := len(p.seen) - 1; i >= 0; i-- {
			if want(p.seen[i]) {
				m := p.seen[i]
				p.mu.Unlock()
				return m, nil
			}
		}
		wake, failed := p.wake, p.failed
		p.mu.Unlock()
		if failed != nil {
			return Message{}, failed
		}
		select {
		case <-ctx.Done():
			return Message{}, ctx.Err()
		case <-wake:
		}
	}
}

// Seen gives everything that came.
func (p *Page) Seen() []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Message(nil), p.seen...)
}

// Frame gives the code that is on the page now.
func (p *Page) Frame(ctx context.Context) (string, error) {
	m, err := p.Wait(ctx, func(m Message) bool { return m.Type == "qr" })
	return m.QR, err
}

// Number gives the number that the page shows after the scan.
func (p *Page) Number(ctx context.Context) (string, error) {
	m, err := p.Wait(ctx, func(m Message) bool { return m.Type == "claimed" && m.Match != "" })
	return m.Match, err
}

// Result gives the result code, or an error that says how else it ended.
func (p *Page) Result(ctx context.Context) (string, error) {
	m, err := p.Wait(ctx, func(m Message) bool { return m.ResultCode != "" || m.Type == "ended" || m.Type == "rejected" })
	if err == nil && m.ResultCode == "" {
		err = fmt.Errorf("the request ended: %s %s", m.State, m.Reason)
	}
	return m.ResultCode, err
}
