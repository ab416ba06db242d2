package ws_test

import (
	"strings"
	"testing"
	"time"

	"yunzhang.dev/qrflow/ws"
)

// A page is shown a frame each period, and none after the scan. The domain is asked
// for the first of them, or, while the look at all tickets fails, for every fifth.
func TestFramesThatAreNotAskedFor(t *testing.T) {
	for name, blind := range map[string]bool{"looked after": false, "blind": true} {
		t.Run(name, func(t *testing.T) { notAskedFor(t, blind) })
	}
}

func notAskedFor(t *testing.T, blind bool) {
	inBubble(t, ws.Limits{Ping: time.Hour}, func(h *house, p *page) {
		h.desk.mu.Lock()
		h.rolls, h.blind = true, blind
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
		want := 1
		if blind {
			want = frames / 5
		}
		if asked := h.count(&h.frames); asked != want || unasked != frames-asked {
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
