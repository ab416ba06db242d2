package ws_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/qrflow/ws"
)

func TestAStampFromOpenToDone(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	p := h.attach(t, "tkt.p.1")
	if got := p.response.Header.Get("Sec-Websocket-Protocol"); got != "cseal.v1" {
		t.Errorf("subprotocol %q", got)
	}
	if got := p.response.Header.Get("Sec-Websocket-Extensions"); got != "" {
		t.Errorf("compression was negotiated: %q", got)
	}
	p.expect("hello", msg{
		"state": "open", "last_seq": 2, "seq": 0, "tid": "1", "resume": "r.1.1", "hb": 15, "ttl_ms": 120000,
		"purpose": "stamp", "app": "不动产登记",
	})
	qr := p.any()
	if qr["type"] != "qr" || qr["n"] != 0.0 || qr["qr"] != "https://s.example/q#1.h.0.m" || qr["valid_ms"] != 9000.0 {
		t.Errorf("frame %v", qr)
	}
	p.ack(2)
	h.happen("1", ws.Event{Type: "wrong_subject"})
	h.happen("1", ws.Event{Type: "claimed", Who: "张*（尾号 34 的手机）", Match: "417", Left: 300e9})
	h.hub.Wake("1")
	p.expect("wrong_subject", msg{"seq": 3})
	p.expect("claimed", msg{"seq": 4, "who": "张*（尾号 34 的手机）", "match": "417", "decide_ms": 300000})
	for _, e := range []ws.Event{
		{Type: "match_wrong", TriesLeft: 1}, {Type: "approved"}, {Type: "signing", Done: 0, Total: 2},
	} {
		h.happen("1", e)
		h.hub.Wake("1")
	}
	p.expect("match_wrong", msg{"seq": 5, "tries_left": 1})
	p.expect("approved", msg{"seq": 6, "result_code": nil})
	p.expect("signing", msg{"seq": 7, "done": 0, "total": 2})
	h.happen("1", ws.Event{Type: "done", ResultCode: "rc_1", ResultFor: 60e9})
	h.hub.Wake("1")
	p.expect("done", msg{"seq": 8, "result_code": "rc_1", "expires_ms": 60000})
	p.closed(4410)
	if log := h.logged(); strings.Contains(log, "p.1") || strings.Contains(log, "r.1") || strings.Contains(log, "417") ||
		!strings.Contains(log, "status=101") || !strings.Contains(log, "route=/v1/page") {
		t.Errorf("log %s", log)
	}
}

// Each ending, and what the page is told of it.
func TestEndings(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	for id, tc := range map[string]struct {
		event ws.Event
		kind  string
		want  msg
	}{
		"a": {ws.Event{Type: "approved", ResultCode: "rc_2", ResultFor: 60e9}, "done", msg{"result_code": "rc_2"}},
		"b": {ws.Event{Type: "rejected", Reason: "user"}, "rejected", msg{"reason": "user"}},
		"c": {ws.Event{Type: "expired"}, "ended", msg{"state": "expired"}},
		"d": {ws.Event{Type: "cancelled", Reason: "page"}, "ended", msg{"state": "cancelled"}},
		"e": {ws.Event{Type: "blocked"}, "ended", msg{"state": "blocked"}},
		"f": {ws.Event{Type: "failed", Reason: "stamp-failed"}, "ended", msg{"state": "failed", "reason": "stamp-failed"}},
	} {
		p := h.attach(t, "tkt.p."+id)
		p.expect("hello", nil)
		p.ack(2)
		h.happen(id, tc.event)
		h.hub.Wake(id)
		m := p.expect(tc.kind, tc.want)
		if doc, _ := m["problem"].(map[string]any); tc.event.Type == "expired" &&
			(doc["type"] != "/problems/expired" || doc["status"] != 410.0 || doc["title"] != fault.Expired.ZH) {
			t.Errorf("problem %v", m)
		}
		p.closed(4410)
	}
}

func TestResumeSendsWhatWasMissed(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	p := h.attach(t, "tkt.p.1")
	token, _ := p.expect("hello", nil)["resume"].(string)
	p.ack(2)
	p.Close()
	h.happen("1", ws.Event{Type: "claimed", Who: "张*", Match: "417", Left: 300e9})
	h.happen("1", ws.Event{Type: "match_wrong", TriesLeft: 1})

	p = h.attach(t, "res."+token)
	p.expect("hello", msg{"state": "claimed", "last_seq": 4, "resume": "r.1.2"})
	p.ack(3)
	p.expect("match_wrong", msg{"seq": 4})

	// A page that was loaded anew knows nothing and asks for all.
	again := h.attach(t, "res.r.1.2")
	again.expect("hello", msg{"state": "claimed"})
	p.closed(4409)
	again.ack(0)
	again.expect("claimed", msg{"seq": 3, "match": "417"})
	again.expect("match_wrong", msg{"seq": 4})

	// After the end a page may still learn how it ended.
	h.happen("1", ws.Event{Type: "expired"})
	late := h.attach(t, "res.r.1.3")
	late.expect("hello", msg{"state": "expired", "resume": nil})
	late.ack(4)
	late.expect("ended", msg{"seq": 5})
	late.closed(4410)
	last := h.attach(t, "res.r.1.4")
	last.expect("hello", msg{"state": "expired"})
	last.ack(5)
	last.closed(4410)
}

func TestCancel(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	p := h.attach(t, "tkt.p.1")
	p.expect("hello", nil)
	p.ack(2)
	p.say(`{"v":1,"type":"cancel"}`) // too late: nothing happens
	p.say(`{"v":1,"type":"hb"}`)
	h.happen("1", ws.Event{Type: "claimed"})
	h.hub.Wake("1")
	p.expect("claimed", nil)
	for h.count(&h.cancels) == 0 {
		runtime.Gosched()
	}
	h.desk.mu.Lock()
	h.cancel = func(d *desk, id string) { d.add(id, ws.Event{Type: "cancelled", Reason: "page"}) }
	h.desk.mu.Unlock()
	p.say(`{"v":1,"type":"cancel"}`)
	p.expect("ended", msg{"state": "cancelled"})
	p.closed(4410)
}

func TestTicketThatVanishes(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	p := h.attach(t, "tkt.p.1")
	p.expect("hello", nil)
	h.desk.mu.Lock()
	h.broken = fault.TicketUnavailable
	h.desk.mu.Unlock()
	p.ack(2)
	p.closed(4404)
}

func TestDomainFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	p := h.attach(t, "tkt.p.1")
	p.expect("hello", nil)
	h.desk.mu.Lock()
	h.broken = errors.New("disk")
	h.desk.mu.Unlock()
	p.ack(2)
	h.happen("1", ws.Event{Type: "claimed"})
	h.hub.Wake("1")
	h.desk.mu.Lock()
	h.broken = nil
	h.desk.mu.Unlock()
	h.hub.Wake("1")
	p.expect("claimed", nil)
}

func TestOvertakenProgressIsSkipped(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	p := h.attach(t, "tkt.p.1")
	p.expect("hello", nil)
	h.happen("1", ws.Event{Type: "claimed"})
	h.happen("1", ws.Event{Type: "approved"})
	for i := range 500 {
		h.happen("1", ws.Event{Type: "signing", Done: i, Total: 500})
	}
	p.ack(2)
	p.expect("claimed", nil)
	p.expect("approved", nil)
	p.expect("signing", msg{"done": 499, "seq": 504})
	h.happen("1", ws.Event{Type: "done"})
	h.hub.Wake("1")
	p.expect("done", msg{"result_code": nil})
}

func TestShutdownSendsPagesElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	pages := []*page{h.attach(t, "tkt.p.1"), h.attach(t, "tkt.p.2")}
	for _, p := range pages {
		p.expect("hello", nil)
		p.ack(2)
	}
	closed := make(chan struct{})
	go func() { h.hub.Close(t.Context()); close(closed) }()
	for _, p := range pages {
		p.closed(1012)
	}
	<-closed
	if n := h.hub.Len(); n != 0 {
		t.Errorf("%d sockets left", n)
	}
	if status := h.refused(t, "tkt.p.3"); status != 503 {
		t.Errorf("after it: %d", status)
	}
}

// A page is one goroutine while nothing happens.
func TestOneGoroutineAPage(t *testing.T) {
	h := open(t, ws.Limits{Frame: 1e12})
	const pages = 40
	before := runtime.NumGoroutine()
	for i := range pages {
		p := h.attach(t, "tkt.p."+string(rune('A'+i)))
		p.expect("hello", nil)
		if m := p.any(); m["type"] != "qr" {
			t.Fatalf("%v", m)
		}
		p.ack(2)
	}
	settled := func() int {
		for range 1000 {
			runtime.Gosched()
		}
		return runtime.NumGoroutine() - before
	}
	for range 1000 {
		if settled() <= pages+5 {
			break
		}
	}
	if n := settled(); n > pages+5 || h.hub.Len() != pages {
		t.Errorf("%d goroutines for %d pages (%d sockets)", n, pages, h.hub.Len())
	}
}
