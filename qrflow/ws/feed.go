package ws

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"yunzhang.dev/authz/fault"
)

// feed is what a socket takes from the domain: events when woken, frames while
// the ticket waits for a scan, and the heartbeat beside them.
type feed struct {
	mu      sync.Mutex // guards what follows
	last    int64      // the ticket's last event at the attach
	sent    int64      // the last event that was sent, or that the page had
	acked   bool       // the page has said where it is
	waiting bool       // the ticket waits for a scan
	pulling bool       // somebody is asking for events
	again   bool       // and has to ask once more
	stopped bool
	frames  *time.Timer
	beats   *time.Timer
	roll    roll
}

// ack takes a page's word for what it has. The first ack decides what it is sent.
func (f *feed) ack(seq int64) (first, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.acked {
		return false, seq <= f.sent
	}
	if seq > f.last {
		return false, false
	}
	f.acked, f.sent = true, seq
	return true, true
}

func (f *feed) begun() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.acked
}

func (f *feed) at() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent
}

// start sends the first frame and sets both timers.
func (f *feed) start(s *socket) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frames = time.AfterFunc(0, s.frame)
	f.beats = time.AfterFunc(s.hub.limits.Ping, s.beat)
}

func (f *feed) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped, f.waiting = true, false
	f.frames.Stop()
	f.beats.Stop()
}

// rearm sets a timer again, unless the socket has ended meanwhile.
func (f *feed) rearm(t *time.Timer, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped {
		t.Reset(d)
	}
}

// enter begins a pull. Whoever finds one under way leaves it a note instead.
func (f *feed) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pulling || !f.acked || f.stopped {
		f.again = f.pulling
		return false
	}
	f.pulling = true
	return true
}

// leave ends a pull; false when it has to be done again.
func (f *feed) leave() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulling = f.again && !f.stopped
	f.again = false
	return !f.pulling
}

func (f *feed) isWaiting() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting
}

// passed notes that an event was handed over.
func (f *feed) passed(e Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sent = e.Seq
	switch e.Type {
	case "issued", "open", "wrong_subject":
	default:
		f.waiting = false
	}
}

// pull fetches and sends what the page has not seen. It returns at once; wakes
// that come meanwhile make it look again.
func (s *socket) pull() {
	if !s.feed.enter() {
		return
	}
	go func() {
		for {
			s.hub.ask(s.fetch)
			if s.feed.leave() {
				return
			}
		}
	}()
}

func (s *socket) fetch(ctx context.Context) {
	events, err := s.hub.d.Tickets.Events(ctx, s.ticket, s.seen())
	if err != nil {
		if errors.Is(err, fault.TicketUnavailable) {
			s.close(codeGone, true)
			return
		}
		s.hub.d.Log.Warn("fetch events of a ticket", "ticket", s.ticket, "cause", err)
		return // the next look tries again
	}
	final := s.ended
	for i, e := range events {
		// Progress that is overtaken is not worth a message.
		overtaken := e.Type == "signing" && i+1 < len(events) && events[i+1].Type == "signing"
		m, last, known := eventMessage(e, s.who.lang)
		final = final || last
		s.feed.passed(e)
		if !s.feed.isWaiting() {
			s.out.dropFrame()
		}
		if known && !overtaken {
			s.send(anEvent, m)
		}
	}
	if final {
		s.close(codeEnded, true)
	}
}

// frame sends the code to show now and comes back when the next one begins.
func (s *socket) frame() {
	if !s.feed.isWaiting() {
		return
	}
	if f, ok := s.feed.rolled(); ok {
		s.feed.rearm(s.feed.frames, s.show(f))
		return
	}
	next := s.hub.limits.Frame
	s.hub.ask(func(ctx context.Context) {
		f, err := s.hub.d.Tickets.Frame(ctx, s.ticket)
		switch {
		case err != nil:
			s.pull() // it stopped waiting, and there is an event that says why
		case s.feed.isWaiting():
			s.feed.rollOn(f)
			next = s.show(f)
		}
	})
	s.feed.rearm(s.feed.frames, next)
}

// show sends a frame and gives when the next one begins.
func (s *socket) show(f Frame) time.Duration {
	s.send(aFrame, frameMessage(f))
	return untilNext(f, s.hub.limits.Frame)
}

// untilNext is when the next frame begins: a frame is valid to the end of a
// period, so the rest of that is the rest of the current one.
func untilNext(f Frame, period time.Duration) time.Duration {
	if rest := f.ValidFor % period; rest > 0 {
		return rest + afterwards
	}
	return period
}

// afterwards is how much later than the turn of a period we ask, so that two
// clocks that differ a little do not make us ask twice.
const afterwards = 20 * time.Millisecond

// beat sends the protocol's ping, which the browser answers, and a message,
// because its script cannot see the ping.
func (s *socket) beat() {
	_ = s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(s.hub.limits.Write))
	s.send(aHeartbeat, message{Type: "hb"})
	s.feed.rearm(s.feed.beats, s.hub.limits.Ping)
}

// cancel passes the page's wish on. Whether it came too late shows in the events.
func (s *socket) cancel() {
	go s.hub.ask(func(ctx context.Context) {
		if err := s.hub.d.Tickets.Cancel(ctx, s.ticket); err != nil && fault.From(err).Kind == fault.Internal {
			s.hub.d.Log.Warn("cancel a ticket for its page", "ticket", s.ticket, "cause", err)
		}
		s.pull()
	})
}
