package pagebench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/drive"
)

// page is a waiting page that opens a new ticket whenever the one it has ends.
type page struct {
	crowd *crowd
	from  int // which loopback address

	mu     sync.Mutex // guards what follows
	frame  []byte     // the message with the code on it, nil while there is none
	conn   *websocket.Conn
	events chan<- arrival // of whoever watches; nil: nobody
}

// arrival is an event with the time at which it was read.
type arrival struct {
	drive.Message
	at time.Time
}

// live is the page until ctx ends.
func (p *page) live(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		conn, err := p.attach(ctx)
		if err != nil {
			p.crowd.failed(ctx, err)
			pause(ctx, time.Second)
			continue
		}
		p.show(conn, nil)
		p.crowd.there.Add(1)
		if first {
			p.crowd.arrived.Done()
		} else {
			p.crowd.renewed.Add(1)
		}
		if err := p.read(conn); err != nil {
			p.crowd.failed(ctx, err)
		}
		p.crowd.there.Add(-1)
		p.show(nil, nil)
		_ = conn.Close()
	}
}

// attach opens a ticket by the signed API and a socket for it.
func (p *page) attach(ctx context.Context) (*websocket.Conn, error) {
	p.crowd.turns <- struct{}{}
	defer func() { <-p.crowd.turns }()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	_, hash := ds.Verifier()
	s := p.crowd.system
	opened, err := s.Open(ctx, ds.Ask{Purpose: "login", VerifierHash: hash.Hex(), Origin: s.Origin, Context: "127.0.0.0/24 bench"})
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	d := dialer(s.Net.Addr, p.from)
	d.Subprotocols = []string{"cseal.v1", "tkt." + opened.PageToken}
	conn, answer, err := d.DialContext(ctx, opened.SocketURL, http.Header{"Origin": {s.Origin}})
	if err != nil {
		if answer != nil {
			err = errors.New(answer.Status)
		}
		return nil, fmt.Errorf("attach: %w", err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`{"v":1,"type":"ack","seq":0}`)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

var (
	isFrame = []byte(`"type":"qr"`)
	isBeat  = []byte(`"type":"hb"`)
)

// read takes what comes until the ticket ends; an error tells that the socket
// ended before.
func (p *page) read(conn *websocket.Conn) error {
	for {
		_, b, err := conn.ReadMessage()
		at := time.Now()
		if err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		p.crowd.messages.Add(1)
		if bytes.Contains(b, isBeat) {
			continue
		}
		if bytes.Contains(b, isFrame) {
			p.crowd.frames.Add(1)
			p.show(conn, b)
			continue
		}
		var m drive.Message
		if err := json.Unmarshal(b, &m); err != nil {
			return err
		}
		p.tell(arrival{m, at})
		if m.Type == "done" || m.Type == "ended" || m.Type == "rejected" {
			return nil
		}
	}
}

// show notes what is on the page. It is read by whoever looks: most codes roll by
// unseen.
func (p *page) show(conn *websocket.Conn, frame []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn, p.frame = conn, frame
}

// code gives the code on the page, "" for none.
func (p *page) code() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var m drive.Message
	if p.frame == nil || json.Unmarshal(p.frame, &m) != nil {
		return ""
	}
	return m.QR
}

// watch has the events of this page come to c as well; it must have room.
func (p *page) watch(c chan<- arrival) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = c
}

func (p *page) tell(a arrival) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.events == nil {
		return
	}
	select {
	case p.events <- a:
	default: // nobody reads any more
	}
}

func (p *page) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		_ = p.conn.Close()
	}
}
