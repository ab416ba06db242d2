package ws_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"yunzhang.dev/qrflow/ws"
	"yunzhang.dev/web/httpx"
)

var (
	many = httpx.Rate{Count: 100_000, Per: time.Minute}
	one  = httpx.Rate{Count: 1, Per: time.Hour}
)

// AT-061 and whatever else is no message of this protocol. What a page sends is
// never held beyond the limit of one message: the wire is cut first.
func TestAT061BadMessages(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	text := func(s string) func(*page) {
		return func(p *page) { _ = p.WriteMessage(websocket.TextMessage, []byte(s)) }
	}
	n := 0
	for name, tc := range map[string]struct {
		do   func(*page)
		want int
	}{
		"binary":           {func(p *page) { _ = p.WriteMessage(websocket.BinaryMessage, []byte(`{"v":1,"type":"hb"}`)) }, 4400},
		"invalid UTF-8":    {text("{\"v\":1,\"type\":\"h\xff\"}"), 4400},
		"no JSON":          {text("hello"), 4400},
		"nothing":          {text(""), 4400},
		"unknown type":     {text(`{"v":1,"type":"approve"}`), 4400},
		"unknown member":   {text(`{"v":1,"type":"hb","x":1}`), 4400},
		"other version":    {text(`{"v":2,"type":"hb"}`), 4400},
		"doubled member":   {text(`{"v":1,"type":"hb","type":"cancel"}`), 4400},
		"ack of nothing":   {text(`{"v":1,"type":"ack","seq":99}`), 4400},
		"negative ack":     {text(`{"v":1,"type":"ack","seq":-1}`), 4400},
		"cancel with seq":  {text(`{"v":1,"type":"cancel","seq":1}`), 4400},
		"4 KiB and one":    {text(strings.Repeat(" ", 4097)), 1009},
		"1 MiB":            {text(strings.Repeat("a", 1<<20)), 1009},
		"10000 fragments":  {func(p *page) { fragments(p, 10_000, "a") }, 1009},
		"empty fragments":  {func(p *page) { fragments(p, 10_000, "") }, 4400},
		"endless nothing":  {func(p *page) { fragments(p, 100_000, "") }, 4429},
		"flood of pings":   {func(p *page) { pings(p, 100_000) }, 4429},
		"flood of pongs":   {func(p *page) { _, _ = io.WriteString(p.NetConn(), strings.Repeat("\x8a\x80\x00\x00\x00\x00", 100_000)) }, 4429},
		"unmasked pong":    {func(p *page) { _, _ = p.NetConn().Write([]byte("\x8a\x01a")) }, 1002},
		"half a pong":      {func(p *page) { _, _ = p.NetConn().Write([]byte("\x0a\x80\x00\x00\x00\x00")) }, 1002},
		"long pong":        {func(p *page) { _, _ = p.NetConn().Write([]byte("\x8a\xfe\x00\x7e\x00\x00\x00\x00")) }, 1002},
		"flood of hb":      {func(p *page) { repeat(p, 25, `{"v":1,"type":"hb"}`) }, 4429},
		"unmasked frame":   {func(p *page) { _, _ = p.NetConn().Write([]byte("\x81\x01a")) }, 1002},
		"reserved opcode":  {func(p *page) { _, _ = p.NetConn().Write([]byte("\x83\x80\x00\x00\x00\x00")) }, 1002},
		"compressed frame": {func(p *page) { _, _ = p.NetConn().Write([]byte("\xc1\x80\x00\x00\x00\x00")) }, 1002},
	} {
		n++
		id := fmt.Sprint(n)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := h.attach(t, "tkt.p."+id)
			p.expect("hello", nil)
			p.ack(2)
			go tc.do(p)
			p.closed(tc.want)
		})
	}
}

// fragments writes one message in pieces, by hand: the library would join them.
func fragments(p *page, count int, piece string) {
	var b []byte
	for i := range count {
		head := byte(0)
		if i == 0 {
			head = 1
		}
		if i == count-1 {
			head |= 0x80
		}
		b = append(b, head, 0x80|byte(len(piece)), 0, 0, 0, 0)
		b = append(b, piece...)
	}
	_, _ = p.NetConn().Write(b)
}

func pings(p *page, count int) {
	b := binary.BigEndian.AppendUint64(nil, 0)
	one := append([]byte{0x89, 0x80}, b[:4]...)
	_, _ = io.WriteString(p.NetConn(), strings.Repeat(string(one), count))
}

func repeat(p *page, count int, text string) {
	for range count {
		_ = p.WriteMessage(websocket.TextMessage, []byte(text))
	}
}

func TestFirstMessageIsAnAck(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	for i, text := range []string{`{"v":1,"type":"hb"}`, `{"v":1,"type":"cancel"}`} {
		p := h.attach(t, fmt.Sprint("tkt.p.", i))
		p.expect("hello", nil)
		p.say(text)
		p.closed(4400)
	}
	if n := h.count(&h.cancels); n != 0 {
		t.Error("a page that had not begun cancelled a ticket")
	}
}

// A page that goes away leaves nothing behind.
func TestPagesThatLeave(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	polite, rude := h.attach(t, "tkt.p.1"), h.attach(t, "tkt.p.2")
	polite.expect("hello", nil)
	_ = polite.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1001, ""))
	polite.closed(1001)
	rude.NetConn().Close()
	h.sockets(t, 0)
	h.hub.Wake("1")
}

// FuzzRequest: what is accepted is one of the three messages.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{`{"v":1,"type":"ack","seq":5}`, `{"v":1,"type":"cancel"}`, `{"v":1,"type":"hb"}`, `{"v":1}`, `[]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, seq, err := ws.ParseRequest(b)
		if err == nil && (!strings.Contains(" ack cancel hb ", " "+kind+" ") || seq < 0 || kind != "ack" && seq != 0) {
			t.Errorf("%q accepted as %s %d", b, kind, seq)
		}
	})
}
