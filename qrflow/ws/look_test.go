package ws_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"yunzhang.dev/qrflow/ws"
)

// Hints are lost and one question to the domain fails: the pages it was not about
// learn all the same what happened.
func TestALookThatFailsLeavesTheOthers(t *testing.T) {
	inBubble(t, ws.Limits{PerIP: 1000, Attempts: many, Frame: 1e12}, func(h *house, _ *page) {
		const pages = 150
		for i := range pages {
			p := h.pipe(t, fmt.Sprint("p.page", i))
			defer p.Close()
			p.expect("hello", nil)
			p.ack(2)
		}
		synctest.Wait()
		for i := range pages {
			h.happen(fmt.Sprint("page", i), ws.Event{Type: "claimed"})
		}
		h.withDesk(func() { h.hole, h.asked = "page7", map[string]bool{} })
		h.hub.Resync(context.Background())
		synctest.Wait()
		h.withDesk(func() {
			if n := len(h.asked); n < pages-100 || n > 100 || h.asked["page7"] {
				t.Errorf("%d pages ask what happened", n)
			}
		})
	})
}

// withDesk does something with the desk.
func (h *house) withDesk(do func()) {
	h.desk.mu.Lock()
	defer h.desk.mu.Unlock()
	do()
}

// A handshake that was let in before the hub closed, and comes behind its look at
// all sockets, is not left behind.
func TestAPageThatComesDuringShutdown(t *testing.T) {
	inBubble(t, ws.Limits{}, func(h *house, first *page) {
		late, closed := h.hub.Entered(), make(chan struct{})
		go func() { h.hub.Close(context.Background()); close(closed) }()
		first.closed(1012)
		synctest.Wait()
		h.pipeTo(t, "p.late", late).closed(1012)
		<-closed
	})
}
