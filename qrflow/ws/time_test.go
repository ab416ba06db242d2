package ws_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"yunzhang.dev/qrflow/ws"
)

// inBubble runs fn with a hub whose clock is the bubble's, and one attached page
// over a pipe: everything about waiting is exact and costs no time.
func inBubble(t *testing.T, l ws.Limits, fn func(*house, *page)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		h := &house{desk: d, hub: newHub(t, d, slog.New(slog.DiscardHandler), l, "ws")}
		ctx, stop := context.WithCancel(t.Context())
		go h.hub.Run(ctx)
		p := h.pipe(t, "p.1")
		fn(h, p)
		p.Close()
		stop()
		h.hub.Close(t.Context())
		synctest.Wait()
	})
}

// pipe attaches a page without a server: the request is read and thrown away.
func (h *house) pipe(t *testing.T, token string) *page {
	t.Helper()
	return h.pipeTo(t, token, h.hub.Accept)
}

func (h *house) pipeTo(t *testing.T, token string, accept func(net.Conn, http.Header, ws.View)) *page {
	t.Helper()
	server, client := net.Pipe()
	view, err := h.Attach(t.Context(), ws.Attach{Token: token, Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		r, err := http.ReadRequest(bufio.NewReader(server))
		if err != nil {
			return
		}
		accept(server, r.Header, view)
	}()
	d := websocket.Dialer{
		Subprotocols:   []string{"cseal.v1"},
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return client, nil },
	}
	c, _, err := d.Dial("ws://ws"+ws.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &page{Conn: c, t: t}
}

// passed fails unless as much time has passed.
func passed(t *testing.T, since time.Time, least, most time.Duration) {
	t.Helper()
	if d := time.Since(since); d < least || d > most {
		t.Errorf("after %v, want %v to %v", d, least, most)
	}
}

// AT-063: connect and send nothing.
func TestAT063SilentPage(t *testing.T) {
	inBubble(t, ws.Limits{}, func(_ *house, p *page) {
		start := time.Now()
		p.closed(4408)
		passed(p.t, start, 5*time.Second, 5*time.Second)
	})
}

// AT-063: no pong. The page reads, but does not answer pings.
func TestAT063NoPongs(t *testing.T) {
	inBubble(t, ws.Limits{}, func(_ *house, p *page) {
		start := time.Now()
		p.SetPingHandler(func(string) error { return nil })
		p.ack(2)
		p.closed(4408)
		passed(p.t, start, 30*time.Second, 30*time.Second)
	})
}

// A page that answers lives on; it gets a heartbeat every 15 s and a frame every 3 s.
func TestFramesAndHeartbeats(t *testing.T) {
	inBubble(t, ws.Limits{}, func(h *house, p *page) {
		p.expect("hello", nil)
		p.ack(2)
		start := time.Now()
		var frames, beats int
		for time.Since(start) < 2*time.Minute {
			switch m := p.any(); m["type"] {
			case "qr":
				passed(t, start, time.Duration(frames)*3*time.Second, time.Duration(frames)*3100*time.Millisecond)
				frames++
			case "hb":
				beats++
				passed(t, start, time.Duration(beats)*15*time.Second, time.Duration(beats)*15*time.Second)
			default:
				t.Fatalf("%v", m)
			}
		}
		if frames < 39 || beats != 8 && beats != 7 {
			t.Errorf("%d frames, %d heartbeats", frames, beats)
		}
		made := h.count(&h.frames)
		h.happen("1", ws.Event{Type: "claimed"})
		h.hub.Wake("1")
		p.expect("claimed", nil)
		p.any() // a heartbeat, up to 15 s later
		if n := h.count(&h.frames); n > made+1 {
			t.Errorf("%d frames were made after the scan", n-made)
		}
	})
}

// A page that attaches in the middle of a frame gets the next one when it begins.
func TestFramesFollowTheDomainsClock(t *testing.T) {
	inBubble(t, ws.Limits{}, func(h *house, p *page) {
		p.expect("hello", nil)
		p.ack(2)
		p.any()
		h.desk.mu.Lock()
		h.begun = time.Now().Add(-2 * time.Second)
		h.desk.mu.Unlock()
		start := time.Now()
		for _, want := range []time.Duration{3000, 4020, 7020, 10020} {
			if m := p.any(); m["type"] != "qr" {
				t.Fatalf("%v", m)
			}
			passed(t, start, want*time.Millisecond, (want+60)*time.Millisecond)
		}
	})
}

// Nobody woke us: the look at all tickets finds it within 5 s.
func TestAT065LostHints(t *testing.T) {
	inBubble(t, ws.Limits{}, func(h *house, p *page) {
		p.expect("hello", nil)
		p.ack(2)
		start := time.Now()
		h.happen("1", ws.Event{Type: "claimed"})
		p.expect("claimed", nil)
		passed(t, start, 0, 5*time.Second)
		looks := h.count(&h.looks)
		second := h.pipe(t, "p.2")
		second.expect("hello", nil)
		second.ack(2)
		for range 2 { // heartbeats of 15 s each
			for p.any()["type"] != "hb" {
			}
		}
		if n := h.count(&h.looks) - looks; n < 5 || n > 7 {
			t.Errorf("%d looks for 2 pages in 30 s, want one for all every 5 s", n)
		}
		second.Close()
	})
}

// AT-062: a page that never reads holds a bounded queue, and is told to come back.
func TestAT062SlowPage(t *testing.T) {
	inBubble(t, ws.Limits{Write: time.Hour}, func(h *house, p *page) {
		p.expect("hello", nil)
		p.ack(2)
		synctest.Wait() // the writer now waits with the first frame
		for range 32 {
			h.happen("1", ws.Event{Type: "wrong_subject"})
			h.hub.Wake("1")
			synctest.Wait()
		}
		h.happen("1", ws.Event{Type: "claimed"}) // one too many
		h.hub.Wake("1")
		synctest.Wait()
		if m := p.any(); m["type"] != "qr" {
			t.Errorf("the message under way: %v", m)
		}
		p.closed(4408)
	})
}

// A page whose wire is stuck is cut after the time of one message.
func TestAT062StuckWire(t *testing.T) {
	inBubble(t, ws.Limits{}, func(h *house, p *page) {
		p.expect("hello", nil)
		start := time.Now()
		p.ack(2)
		h.happen("1", ws.Event{Type: "claimed"})
		h.hub.Wake("1")
		for h.hub.Len() != 0 {
			time.Sleep(100 * time.Millisecond) // the bubble's time
		}
		passed(t, start, 5*time.Second, 7*time.Second)
	})
}

// Frames and heartbeats that were not read in time are replaced, not piled up.
func TestOnlyTheLatestFrameWaits(t *testing.T) {
	inBubble(t, ws.Limits{Write: time.Hour}, func(_ *house, p *page) {
		p.expect("hello", nil)
		p.ack(2)
		time.Sleep(14 * time.Second) // the bubble's time
		if m := p.any(); m["n"] != 0.0 {
			t.Errorf("the frame under way: %v", m)
		}
		if m := p.any(); m["n"] != 4.0 {
			t.Errorf("the one that waited: %v", m)
		}
	})
}

func TestAT064NewerSocketReplaces(t *testing.T) {
	inBubble(t, ws.Limits{}, func(h *house, p *page) {
		p.expect("hello", nil)
		p.ack(2)
		start := time.Now()
		h.desk.mu.Lock()
		h.resumes["1"] = 0 // the desk lets the same ticket in again
		h.desk.mu.Unlock()
		newer := h.pipe(t, "p.1")
		p.closed(4409)
		passed(t, start, 0, 0)
		newer.expect("hello", nil)
		newer.Close()
	})
}
