package ws_test

import (
	"strings"
	"testing"
	"time"

	"yunzhang.dev/qrflow/ws"
)

// A page is shown a frame each period, and the domain is asked for every fifth;
// none is shown after the scan.
func TestFramesThatAreNotAskedFor(t *testing.T) {
	inBubble(t, ws.Limits{Ping: time.Hour}, func(h *house, p *page) {
		h.desk.mu.Lock()
		h.rolls = true
		h.desk.mu.Unlock()
		p.expect("hello", nil)
		p.ack(2)
		start, unasked := time.Now(), 0
		const frames = 20
		for n := range frames {
			m := p.any()
			if m["type"] != "qr" {
				t.Fatalf("%v", m)
			}
			passed(t, start, time.Duration(n)*3*time.Second, time.Duration(n)*3*time.Second+100*time.Millisecond)
			if strings.HasPrefix(m["qr"].(string), "rolled ") {
				unasked++
			}
		}
		if asked := h.count(&h.frames); asked != frames/5 || unasked != frames-asked {
			t.Errorf("%d frames were asked for and %d not, of %d", asked, unasked, frames)
		}
		h.happen("1", ws.Event{Type: "claimed"})
		h.hub.Wake("1")
		p.expect("claimed", nil)
		time.Sleep(10 * time.Second) // the bubble's: three frames would be due
		h.happen("1", ws.Event{Type: "expired"})
		h.hub.Wake("1")
		p.expect("ended", nil) // and no frame before it
	})
}
