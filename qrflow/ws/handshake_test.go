package ws_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"yunzhang.dev/qrflow/ws"
)

// knock sends a handshake line by line and gives the answer's status.
func (h *house) knock(t *testing.T, target string, headers ...string) (*http.Response, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "%s HTTP/1.1\r\n%s\r\n\r\n", target, strings.Join(headers, "\r\n"))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return res, conn
}

func (h *house) refused(t *testing.T, token string) int {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"cseal.v1", token}}
	c, res, err := d.Dial("ws://"+h.addr+ws.Path, http.Header{"Origin": {origin}})
	if err == nil {
		c.Close()
		t.Fatalf("%s was let in", token)
	}
	return res.StatusCode
}

// door is one way to come to the door: what is changed of a good handshake, and
// the status of the refusal. "" removes a header.
type door struct {
	target string
	change map[string]string
	want   int
}

// closed knocks in every way and makes sure that each is refused without a body,
// before the domain hears of it, and without a token in the log.
func (h *house) closed(t *testing.T, doors map[string]door) {
	t.Helper()
	good := map[string]string{
		"Host": h.addr, "Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": origin, "Sec-WebSocket-Protocol": "cseal.v1, tkt.p.1",
	}
	for name, d := range doors {
		if d.target == "" {
			d.target = "GET /v1/page"
		}
		var headers []string
		for key, value := range good {
			if changed, ok := d.change[key]; ok {
				value = changed
			}
			if value != "" {
				headers = append(headers, key+": "+value)
			}
		}
		if cookie := d.change["Cookie"]; cookie != "" {
			headers = append(headers, "Cookie: "+cookie)
		}
		res, _ := h.knock(t, d.target, headers...)
		if res.StatusCode != d.want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, d.want)
		}
		if res.ContentLength != 0 && d.want != 404 || len(res.Cookies()) > 0 {
			t.Errorf("%s: the refusal has a body of %d bytes and cookies %v", name, res.ContentLength, res.Cookies())
		}
	}
	if n := h.count(&h.attaches); n != 0 {
		t.Errorf("the domain was asked %d times", n)
	}
	if strings.Contains(h.logged(), "p.1") {
		t.Errorf("a token is in the log: %s", h.logged())
	}
}

func with(header, value string, want int) door {
	return door{change: map[string]string{header: value}, want: want}
}

func TestHandshakesThatAreNone(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	h.closed(t, map[string]door{
		"no upgrade": with("Upgrade", "", 400), "other upgrade": with("Upgrade", "h2c", 400),
		"no connection upgrade": with("Connection", "keep-alive", 400), "old version": with("Sec-WebSocket-Version", "8", 400),
		"no key": with("Sec-WebSocket-Key", "", 400), "short key": with("Sec-WebSocket-Key", "AAAA", 400),
		"post": {target: "POST /v1/page", want: 400},
	})
}

// AT-053: the library would let a missing Origin pass.
func TestAT053NoOrigin(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	h.closed(t, map[string]door{"none": with("Origin", "", 403), "two": with("Origin", origin+"\r\nOrigin: "+origin, 403)})
}

// AT-054: whatever is not spelled as a browser spells an https origin is refused
// at once; what is, and is not the application's, by the domain.
func TestAT054OriginsThatAreNotExact(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	h.closed(t, map[string]door{
		"null": with("Origin", "null", 403), "http": with("Origin", "http://declare.example.gov.cn", 403),
		"http loopback": with("Origin", "http://ds.localhost", 403), "upper case": with("Origin", "https://Declare.example.gov.cn", 403),
		"with path": with("Origin", origin+"/", 403), "with user": with("Origin", "https://a@declare.example.gov.cn", 403),
	})
	for _, other := range []string{"https://x.declare.example.gov.cn", origin + ".evil", origin + ":8443", "https://example.gov.cn"} {
		d := websocket.Dialer{Subprotocols: []string{"cseal.v1", "tkt.p.1"}}
		if _, res, err := d.Dial("ws://"+h.addr+ws.Path, http.Header{"Origin": {other}}); err == nil || res.StatusCode != 403 {
			t.Errorf("%s: %v", other, res)
		}
	}
}

// AT-056: a page of somebody else opens our socket in the victim's browser, with
// every cookie there is. Cookies are looked at by nobody and set by nobody.
func TestAT056CookiesOpenNothing(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	const cookies = "session=abc; tkt=p.1; cseal.v1=tkt.p.1"
	h.closed(t, map[string]door{
		"of another site": {change: map[string]string{"Cookie": cookies, "Origin": "http://evil.example"}, want: 403},
		"without a token": {change: map[string]string{"Cookie": cookies, "Sec-WebSocket-Protocol": "cseal.v1"}, want: 401},
	})
	d := websocket.Dialer{Subprotocols: []string{"cseal.v1", "tkt.p.1"}}
	_, res, err := d.Dial("ws://"+h.addr+ws.Path, http.Header{"Origin": {"https://evil.example"}, "Cookie": {cookies}})
	if err == nil || res.StatusCode != 403 {
		t.Errorf("with the victim's token too: %v", res)
	}
	if p := h.attach(t, "tkt.p.1"); len(p.response.Cookies()) > 0 {
		t.Errorf("the socket host sets %v", p.response.Cookies())
	}
}

// AT-057: a name that somebody else points at us is not our name, with an Origin
// that agrees with it or not.
func TestAT057ForeignHosts(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	h.closed(t, map[string]door{
		"rebinding":       {change: map[string]string{"Host": "evil.example", "Origin": "https://evil.example"}, want: 421},
		"our origin":      with("Host", "evil.example", 421),
		"address as host": with("Host", "10.0.0.1", 421),
		"address of both": {change: map[string]string{"Host": "10.0.0.1", "Origin": "https://10.0.0.1"}, want: 421},
	})
}

// AT-058: a token is a subprotocol and nothing else; elsewhere it would be in
// logs and histories.
func TestAT058TokensElsewhere(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	const protocols = "Sec-WebSocket-Protocol"
	h.closed(t, map[string]door{
		"in the query": {target: "GET /v1/page?token=p.1", want: 400}, "empty query": {target: "GET /v1/page?", want: 400},
		"in the path": {target: "GET /v1/page/p.1", want: 404}, "no subprotocol": with(protocols, "", 401),
		"none": with(protocols, "cseal.v1", 401), "empty": with(protocols, "cseal.v1, tkt.", 401), "alone": with(protocols, "tkt.p.1", 401),
		"other version": with(protocols, "cseal.v2, tkt.p.1", 401), "two": with(protocols, "cseal.v1, tkt.p.1, tkt.p.2", 401),
		"endless": with(protocols, "cseal.v1, tkt."+strings.Repeat("a", 201), 401),
	})
	h.attach(t, "tkt.p.1").expect("hello", nil)
	if got := h.refused(t, "tkt.p.1"); got != 401 {
		t.Errorf("used again: %d", got)
	}
}

func TestRefusalsOfTheDomain(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	h.attach(t, "tkt.p.1").expect("hello", nil)
	for token, want := range map[string]int{
		"tkt.p.1": 401, "tkt.x.1": 401, "res.p.1": 401, "res.r.1.7": 401, "tkt.p.gone": 404,
	} {
		if got := h.refused(t, token); got != want {
			t.Errorf("%s: %d, want %d", token, got, want)
		}
	}
	d := websocket.Dialer{Subprotocols: []string{"cseal.v1", "tkt.p.9"}}
	_, res, err := d.Dial("ws://"+h.addr+ws.Path, http.Header{"Origin": {"https://other.example.gov.cn"}})
	if err == nil || res.StatusCode != 403 {
		t.Errorf("origin of another application: %v", res)
	}
	if h.hub.Len() != 1 {
		t.Errorf("%d sockets are counted, want 1", h.hub.Len())
	}
}

func TestLoopbackOriginsOfTheSandbox(t *testing.T) {
	t.Parallel()
	for o, want := range map[string]bool{
		"http://ds.localhost:8080": true, "http://localhost": true, "http://127.0.0.1:80": true, "http://[::1]:80": true,
		"https://ds.example": true, "http://ds.example": false, "http://localhost.evil": false, "ws://localhost": false,
		"http://evil#.localhost": false, "http://10.0.0.1": false,
	} {
		if got := ws.WellFormed(o, true); got != want {
			t.Errorf("%s: %v", o, got)
		}
	}
}

// A frame in the handshake's own segment would be lost inside the server.
func TestEarlyBytesAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	frame := "\x81\x85\x00\x00\x00\x00hello"
	fmt.Fprintf(conn, "GET /v1/page HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: %s\r\nSec-WebSocket-Protocol: cseal.v1, tkt.p.1\r\n\r\n%s", h.addr, origin, frame)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 400 {
		t.Fatalf("%v, %v", res, err)
	}
	h.sockets(t, 0) // the place is given back
}

// AT-064: the 51st socket of one address.
func TestAT064SocketsOfOneAddress(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{PerIP: 2})
	first := h.attach(t, "tkt.p.1")
	first.expect("hello", nil)
	h.attach(t, "tkt.p.2").expect("hello", nil)
	if got := h.refused(t, "tkt.p.3"); got != 429 {
		t.Errorf("one too many: %d", got)
	}
	if n := h.count(&h.attaches); n != 2 {
		t.Errorf("the refused page's token was spent (%d attaches)", n)
	}
	first.Close()
	h.sockets(t, 1)
	h.attach(t, "tkt.p.3").expect("hello", nil)

	full := open(t, ws.Limits{Sockets: 1})
	full.attach(t, "tkt.p.1").expect("hello", nil)
	if got := full.refused(t, "tkt.p.2"); got != 503 {
		t.Errorf("node full: %d", got)
	}
	few := open(t, ws.Limits{Attempts: one})
	few.attach(t, "tkt.p.1").expect("hello", nil)
	if got := few.refused(t, "tkt.p.2"); got != 429 {
		t.Errorf("second attempt: %d", got)
	}
}

func TestRESTGoesOnBesideSockets(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{})
	h.attach(t, "tkt.p.1").expect("hello", nil)
	res, err := http.Get("http://" + h.addr + "/rest")
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	res.Body.Close()
}
