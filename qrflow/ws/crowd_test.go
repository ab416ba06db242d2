package ws_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"yunzhang.dev/qrflow/ws"
)

// perPage is what a page may hold of our memory, whatever it does.
const perPage = 64 << 10

// memoryOf gives what n things hold when they are made, each.
func memoryOf(n int, do func()) int {
	before, _ := memory()
	do()
	after, _ := memory()
	return int(after-before) / n
}

// AT-062: ten thousand pages that never read, each with as many events waiting as
// fit. They hold a bounded amount of memory, are told to come back when one more
// happens, and a page beside them gets its own at once.
func TestAT062TenThousandThatNeverRead(t *testing.T) {
	crowd := 10_000
	if raceEnabled {
		crowd = 500 // the detector holds more than the pages
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		limits := ws.Limits{Write: time.Hour, PerIP: 1 << 20, Attempts: many}
		h := &house{desk: d, hub: newHub(t, d, slog.New(slog.DiscardHandler), limits, "ws")}
		honest := h.pipe(t, "p.honest")
		honest.expect("hello", nil)
		honest.ack(2)
		pages := make([]*page, crowd)
		all := func(events int, each ws.Event) {
			for i := range pages {
				for range events {
					h.happen(fmt.Sprint(i), each)
				}
				h.hub.Wake(fmt.Sprint(i))
			}
			synctest.Wait()
		}
		each := memoryOf(crowd, func() {
			for i := range pages {
				pages[i] = h.pipe(t, fmt.Sprint("p.", i))
				pages[i].ack(2)
			}
			synctest.Wait() // each writer waits with its hello
			all(32, ws.Event{Type: "wrong_subject"})
		})
		t.Logf("%d pages that never read hold %d bytes each, their peers, pipes and tickets included", crowd, each)
		if each > perPage && !raceEnabled {
			t.Errorf("%d bytes for a page that never reads, want at most %d", each, perPage)
		}
		start := time.Now()
		h.happen("honest", ws.Event{Type: "claimed"})
		h.hub.Wake("honest")
		honest.expect("claimed", nil)
		passed(t, start, 0, 0)
		all(1, ws.Event{Type: "claimed"}) // one too many
		for _, p := range pages {
			p.closed(4408)
			p.Close()
		}
		honest.Close()
		h.hub.Close(t.Context())
		synctest.Wait()
		if n := h.hub.Len(); n != 0 {
			t.Errorf("%d sockets are left", n)
		}
	})
}

// AT-061: whoever sends what is too much or is no message costs nobody else
// anything. Around a page that behaves, others send megabytes, fragments, floods
// and bytes that mean nothing; it is answered as if it were alone. (Not parallel:
// it weighs the memory.)
func TestAT061OthersFeelNothing(t *testing.T) {
	h := open(t, ws.Limits{Attempts: many, PerIP: 1 << 20})
	honest := h.attach(t, "tkt.p.honest")
	if got := honest.response.Header.Get("Sec-Websocket-Extensions"); got != "" {
		t.Errorf("an extension was negotiated: %s", got)
	}
	honest.expect("hello", nil)
	honest.ack(2)
	const attackers = 30
	each := memoryOf(attackers, func() {
		for i := range attackers {
			p := h.attach(t, fmt.Sprint("tkt.p.", i))
			p.expect("hello", nil)
			p.ack(2)
			switch i % 3 {
			case 0:
				go p.shout(make([]byte, 1<<20))
			case 1:
				go fragments(p, 10_000, "a")
			case 2:
				go pings(p, 100_000)
			}
			p.gone()
			h.happen("honest", ws.Event{Type: "wrong_subject"})
			h.hub.Wake("honest")
			honest.expect("wrong_subject", nil)
		}
		h.sockets(t, 1)
	})
	t.Logf("an attacker leaves %d bytes behind", each)
	if each > perPage {
		t.Errorf("an attacker leaves %d bytes behind, want at most %d", each, perPage)
	}
}

// shout sends a message and does not care what becomes of it.
func (p *page) shout(b []byte) { _ = p.WriteMessage(1, b) }

// gone reads until the server has ended the socket.
func (p *page) gone() {
	for {
		if _, _, err := p.ReadMessage(); err != nil {
			p.Close()
			return
		}
	}
}

// AT-060: two nodes are given one token at once, 500 times. Both let their page
// in; after the next look at the tickets exactly the newer one is there.
func TestAT060OnePageStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		ctx, stop := context.WithCancel(t.Context())
		nodes := make([]*house, 2)
		for i := range nodes {
			nodes[i] = &house{desk: d, hub: newHub(t, d, slog.New(slog.DiscardHandler), ws.Limits{Attempts: many, PerIP: 1 << 20, Write: time.Hour}, "ws")}
			go nodes[i].hub.Run(ctx)
		}
		for round := range 500 {
			id := fmt.Sprint(round)
			older := nodes[round%2].pipe(t, "p."+id)
			older.expect("hello", nil)
			older.ack(2)
			d.again(id)
			newer := nodes[(round+1)%2].pipe(t, "p."+id)
			newer.expect("hello", nil)
			newer.ack(2)
			_ = older.SetReadDeadline(time.Now().Add(6 * time.Second)) // the bubble's time: one look later
			older.closed(4409)
			d.happen(id, ws.Event{Type: "expired"})
			newer.expect("ended", nil)
			newer.closed(4410)
			older.Close()
			newer.Close()
		}
		stop()
		for _, n := range nodes {
			n.hub.Close(t.Context())
		}
		synctest.Wait()
	})
}

// AT-060, on one node: the page that attached later stays, also when its
// connection comes up first.
func TestAT060LateConnection(t *testing.T) {
	inBubble(t, ws.Limits{}, func(h *house, p *page) {
		p.expect("hello", nil)
		p.ack(2)
		h.desk.mu.Lock()
		h.pages["1"] = -1 // the next one attached before this one
		h.resumes["1"] = 0
		h.desk.mu.Unlock()
		late := h.pipe(t, "p.1")
		late.closed(4409)
		late.Close()
		h.happen("1", ws.Event{Type: "claimed"})
		h.hub.Wake("1")
		p.expect("claimed", nil)
	})
}

// again lets the desk give the same ticket to another page.
func (d *desk) again(ticket string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.resumes[ticket] = 0
}

// AT-065: a bus that drops, doubles, delays and swaps its hints, over many
// tickets and seeds: five seconds after the last event each page has seen all of
// its ticket, in order and once.
func TestAT065BusFaults(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 65))
			d := newDesk()
			h := &house{desk: d, hub: newHub(t, d, slog.New(slog.DiscardHandler), ws.Limits{PerIP: 1 << 20, Attempts: many}, "ws")}
			ctx, stop := context.WithCancel(t.Context())
			go h.hub.Run(ctx)
			pages, seen := make([]*page, 20), make([]chan int64, 20)
			for i := range pages {
				pages[i], seen[i] = h.pipe(t, fmt.Sprint("p.", i)), make(chan int64, 1000)
				pages[i].ack(2)
				go pages[i].note(seen[i])
			}
			for range 200 {
				ticket := fmt.Sprint(rnd.IntN(len(pages)))
				h.happen(ticket, ws.Event{Type: "match_wrong", TriesLeft: 1})
				for range rnd.IntN(3) { // no hint, one or two, late and out of turn
					delay := time.Duration(rnd.IntN(4000)) * time.Millisecond
					time.AfterFunc(delay, func() { h.hub.Wake(ticket) })
				}
				h.hub.Wake(fmt.Sprint(rnd.IntN(5 * len(pages)))) // of another ticket, or of none
				time.Sleep(time.Duration(rnd.IntN(50)) * time.Millisecond)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			for i := range pages {
				n := d.last(fmt.Sprint(i))
				for want := int64(3); want <= n; want++ {
					select {
					case got := <-seen[i]:
						if got != want {
							t.Fatalf("seed %d: page %d was told event %d, want %d", seed, i, got, want)
						}
					default:
						t.Fatalf("seed %d: page %d has not seen event %d of %d", seed, i, want, n)
					}
				}
				if len(seen[i]) > 0 {
					t.Errorf("seed %d: page %d was told %d events more than there are", seed, i, len(seen[i]))
				}
				pages[i].Close()
			}
			stop()
			h.hub.Close(t.Context())
			synctest.Wait()
		})
	}
}

// note passes on the numbers of the events that come, until the socket ends.
func (p *page) note(seen chan<- int64) {
	for {
		_, b, err := p.ReadMessage()
		if err != nil {
			return
		}
		var m struct{ Seq int64 }
		if json.Unmarshal(b, &m) == nil && m.Seq > 0 {
			seen <- m.Seq
		}
	}
}

// last is the number of a ticket's newest event.
func (d *desk) last(ticket string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(d.events[ticket]))
}
