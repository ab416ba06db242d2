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

// AT-053, 054, 057, 058 and the form of the request: refused before the domain
// hears of it.
func TestHandshakesThatAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, ws.Limits{Attempts: many})
	good := map[string]string{
		"Host": h.addr, "Upgrade": "websocket", "Connection": "keep-alive, Upgrade", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": origin, "Sec-WebSocket-Protocol": "cseal.v1, tkt.p.1",
	}
	for name, tc := range map[string]struct {
		target string
		change map[string]string // "" removes
		want   int
	}{
		"host of somebody else": {"", map[string]string{"Host": "evil.example", "Origin": "https://evil.example"}, 421},
		"address as host":       {"", map[string]string{"Host": "10.0.0.1"}, 421},
		"no upgrade":            {"", map[string]string{"Upgrade": ""}, 400},
		"other upgrade":         {"", map[string]string{"Upgrade": "h2c"}, 400},
		"no connection upgrade": {"", map[string]string{"Connection": "keep-alive"}, 400},
		"old version":           {"", map[string]string{"Sec-WebSocket-Version": "8"}, 400},
		"no key":                {"", map[string]string{"Sec-WebSocket-Key": ""}, 400},
		"short key":             {"", map[string]string{"Sec-WebSocket-Key": "AAAA"}, 400},
		"post":                  {"POST /v1/page", nil, 400},
		"token in the query":    {"GET /v1/page?token=p.1", nil, 400},
		"empty query":           {"GET /v1/page?", nil, 400},
		"token in the path":     {"GET /v1/page/p.1", nil, 404},
		"no origin":             {"", map[string]string{"Origin": ""}, 403},
		"null origin":           {"", map[string]string{"Origin": "null"}, 403},
		"http origin":           {"", map[string]string{"Origin": "http://declare.example.gov.cn"}, 403},
		"http loopback":         {"", map[string]string{"Origin": "http://ds.localhost"}, 403},
		"upper case origin":     {"", map[string]string{"Origin": "https://Declare.example.gov.cn"}, 403},
		"origin with path":      {"", map[string]string{"Origin": origin + "/"}, 403},
		"origin with user":      {"", map[string]string{"Origin": "https://a@declare.example.gov.cn"}, 403},
		"two origins":           {"", map[string]string{"Origin": origin + "\r\nOrigin: " + origin}, 403},
		"no subprotocol":        {"", map[string]string{"Sec-WebSocket-Protocol": ""}, 401},
		"no token":              {"", map[string]string{"Sec-WebSocket-Protocol": "cseal.v1"}, 401},
		"empty token":           {"", map[string]string{"Sec-WebSocket-Protocol": "cseal.v1, tkt."}, 401},
		"token alone":           {"", map[string]string{"Sec-WebSocket-Protocol": "tkt.p.1"}, 401},
		"other version":         {"", map[string]string{"Sec-WebSocket-Protocol": "cseal.v2, tkt.p.1"}, 401},
		"two tokens":            {"", map[string]string{"Sec-WebSocket-Protocol": "cseal.v1, tkt.p.1, tkt.p.2"}, 401},
		"endless token":         {"", map[string]string{"Sec-WebSocket-Protocol": "cseal.v1, tkt." + strings.Repeat("a", 201)}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			target := tc.target
			if target == "" {
				target = "GET /v1/page"
			}
			var headers []string
			for key, value := range good {
				if changed, ok := tc.change[key]; ok {
					value = changed
				}
				if value != "" {
					headers = append(headers, key+": "+value)
				}
			}
			res, _ := h.knock(t, target, headers...)
			if res.StatusCode != tc.want {
				t.Errorf("%d, want %d", res.StatusCode, tc.want)
			}
			if res.ContentLength != 0 && tc.want != 404 {
				t.Errorf("the refusal has a body of %d bytes", res.ContentLength)
			}
		})
	}
	if n := h.count(&h.attaches); n != 0 {
		t.Errorf("the domain was asked %d times", n)
	}
	if strings.Contains(h.logged(), "p.1") {
		t.Errorf("a token is in the log: %s", h.logged())
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
