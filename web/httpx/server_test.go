package httpx_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

// listen serves app on a port of its own until the test ends.
func listen(t *testing.T, app *fiber.App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(ln) }()
	t.Cleanup(func() {
		_ = app.Shutdown()
		_ = ln.Close()
		<-done
	})
	return ln.Addr().String()
}

// exchange writes raw bytes and reads one answer.
func exchange(t *testing.T, addr, raw string) answer {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	return read(t, res)
}

func TestBodyLimitsAreThoseOfTheRoute(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{
		Limits: httpx.Limits{Body: 1000},
		Bodies: []httpx.BodyRule{
			{Method: "POST", Prefix: "/v1/documents", Max: 5000, Read: time.Minute},
			{Prefix: "/v1/documents/tiny", Max: 10},
		},
	})
	app.All("/*", func(c *fiber.Ctx) error { return c.SendString(fmt.Sprint(len(c.Body()))) })
	addr := listen(t, app)
	for _, tc := range []struct {
		target string
		size   int
		want   int
	}{
		{"POST /v1/claims", 1000, 200},
		{"POST /v1/claims", 1001, 413},
		{"POST /v1/documents", 5000, 200},
		{"POST /v1/documents?x=/", 5000, 200},
		{"POST /v1/documents/d1", 5000, 200},
		{"POST /v1/documents", 5001, 413},
		{"PUT /v1/documents", 1001, 413},
		{"POST /v1/documentsevil", 1001, 413},
		{"POST /x?/v1/documents", 1001, 413},
		{"POST /v1/documents/tiny", 11, 413},
	} {
		head := tc.target + " HTTP/1.1\r\nHost: x\r\n"
		whole := head + fmt.Sprintf("Content-Length: %d\r\n\r\n", tc.size) + strings.Repeat("a", tc.size)
		chunked := head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", tc.size) + strings.Repeat("a", tc.size) + "\r\n0\r\n\r\n"
		for name, raw := range map[string]string{"whole": whole, "chunked": chunked} {
			a := exchange(t, addr, raw)
			want := tc.want
			if name == "chunked" {
				want = 411
			}
			if a.status != want {
				t.Errorf("%s %d %s: %d %s", tc.target, tc.size, name, a.status, a.body)
			}
			if a.status == 413 && a.problem(t)["code"] != "too-large" {
				t.Errorf("%s: %s", tc.target, a.body)
			}
		}
	}
}

func TestHeaderLimit(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	app := httpx.NewServer(httpx.Deps{Log: log.logger()})
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString("ok") })
	addr := listen(t, app)
	if a := exchange(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nCookie: a="+strings.Repeat("b", 12<<10)+"\r\n\r\n"); a.status != 200 {
		t.Errorf("12 KiB cookie: %d", a.status)
	}
	a := exchange(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nCookie: secret="+strings.Repeat("b", 17<<10)+"\r\n\r\n")
	if a.status != 413 || a.problem(t)["code"] != "too-large" {
		t.Errorf("17 KiB cookie: %d %s", a.status, a.body)
	}
	a = exchange(t, addr, "GET / HTTP/1.1\r\nHost: x\r\nsecret header\r\n\r\n")
	if a.status != 400 {
		t.Errorf("malformed: %d", a.status)
	}
	if strings.Contains(log.text(), "secret") {
		t.Errorf("a refused request is in the log: %s", log.text())
	}
}

// A sender that never finishes is answered and closed; the test hangs if not.
func TestAT063SlowSenders(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{Limits: httpx.Limits{Read: 20 * time.Millisecond}})
	addr := listen(t, app)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	rest, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(rest), " 400 ") {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestHostAllowList(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{
		Hosts:  []string{"app.localhost:8080", "seal.example.gov.cn"},
		Health: &httpx.Health{}, ByAddress: []string{"/metrics"},
	})
	app.Get("/metrics", func(c *fiber.Ctx) error { return fault.Unauthorized })
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString(httpx.Host(c)) })
	for host, want := range map[string]int{
		"app.localhost:8080": 200, "SEAL.example.gov.cn": 200,
		"app.localhost": 403, "seal.example.gov.cn.evil": 403, "evil": 403, "127.0.0.1": 403,
		"seal.example.gov.cn:443": 403, "seal.example.gov.cn.": 403,
	} {
		a := call(t, app, "GET", "/", "", "Host", host, "X-Forwarded-Host", "seal.example.gov.cn")
		if a.status != want {
			t.Errorf("%q: %d %s", host, a.status, a.body)
		}
	}
	if a := call(t, app, "GET", "/healthz", "", "Host", "10.0.0.7"); a.status != 200 {
		t.Errorf("probe by address: %d", a.status)
	}
	for path, want := range map[string]int{"/metrics": 401, "/metrics/": 403, "/metrics2": 403} {
		if a := call(t, app, "GET", path, "", "Host", "10.0.0.7"); a.status != want {
			t.Errorf("%s by address: %d, want %d", path, a.status, want)
		}
	}
	addr := listen(t, app)
	if a := exchange(t, addr, "GET / HTTP/1.1\r\nHost:\r\n\r\n"); a.status != 400 {
		t.Errorf("empty host: %d %s", a.status, a.body)
	}
	if a := exchange(t, addr, "GET / HTTP/1.1\r\n\r\n"); a.status != 400 {
		t.Errorf("no host: %d %s", a.status, a.body)
	}
	a := exchange(t, addr, "GET http://evil/ HTTP/1.1\r\nHost: seal.example.gov.cn\r\n\r\n")
	if a.status != 400 {
		t.Errorf("absolute target: %d %s", a.status, a.body)
	}
}

func TestClientIP(t *testing.T) {
	t.Parallel()
	trusted := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, tc := range []struct {
		name    string
		trusted []netip.Prefix
		xff     []string
		want    string
	}{
		{"nobody trusted", nil, []string{"203.0.113.9"}, "0.0.0.0"},
		{"no header", trusted, nil, "0.0.0.0"},
		{"one proxy", trusted, []string{"203.0.113.9"}, "203.0.113.9"},
		{"forged first hop", trusted, []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", trusted, []string{"198.51.100.1, 203.0.113.9, 10.1.2.3"}, "203.0.113.9"},
		{"two lines", trusted, []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		{"all trusted", trusted, []string{"10.0.0.1, 10.0.0.2"}, "10.0.0.1"},
		{"garbage", trusted, []string{"203.0.113.9, nonsense"}, "0.0.0.0"},
		{"mapped", trusted, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"v6 with zone", trusted, []string{"fe80::1%eth0"}, "fe80::1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// A test connection comes from 0.0.0.0.
			app := httpx.NewServer(httpx.Deps{TrustedProxies: tc.trusted})
			app.Get("/", func(c *fiber.Ctx) error { return c.SendString(httpx.ClientIP(c).String()) })
			var headers []string
			for _, line := range tc.xff {
				headers = append(headers, "X-Forwarded-For", line)
			}
			if a := call(t, app, "GET", "/", "", headers...); a.body != tc.want {
				t.Errorf("got %s, want %s", a.body, tc.want)
			}
		})
	}
}

func TestTrustedProxyNamesTheRequest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		proxies []netip.Prefix
		id      string
		keep    bool
	}{
		{[]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, "edge-12345678", true},
		{[]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, "bad id\twith blanks", false},
		{[]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, strings.Repeat("a", 65), false},
		{nil, "edge-12345678", false},
	} {
		log := &logbook{}
		app := httpx.NewServer(httpx.Deps{Log: log.logger(), TrustedProxies: tc.proxies})
		app.Get("/", func(c *fiber.Ctx) error {
			return c.SendString(fmt.Sprint(httpx.RequestID(c), httpx.IsHTTPS(c)))
		})
		a := call(t, app, "GET", "/", "", "X-Request-Id", tc.id, "X-Forwarded-Proto", "https")
		got := a.header.Get("X-Request-Id")
		if (got == tc.id) != tc.keep || len(got) < 8 || a.body != fmt.Sprint(got, tc.proxies != nil) || log.last(t)["id"] != got {
			t.Errorf("%q trusted %v: id %q, body %q", tc.id, tc.proxies != nil, got, a.body)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{HTTPS: true})
	app.Get("/api", func(c *fiber.Ctx) error { return httpx.Reply(c, 200, "x") })
	app.Get("/page", httpx.Page(httpx.Policy{
		Connect: []string{"wss://ws.example.gov.cn"}, Camera: true, DataImages: true, WASM: true, Opener: true,
		FramedBy: []string{"https://portal.example.gov.cn"},
	}), func(c *fiber.Ctx) error { return c.SendString("x") })
	a := call(t, app, "GET", "/api", "")
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
		"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		"Strict-Transport-Security": "max-age=63072000", "Content-Type": "application/json", "Server": "",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	p := call(t, app, "GET", "/page", "").header
	csp := p.Get("Content-Security-Policy")
	for _, want := range []string{
		"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval';", "connect-src 'self' wss://ws.example.gov.cn;",
		"img-src 'self' data: blob:;", "frame-ancestors https://portal.example.gov.cn;", "base-uri 'none'",
		"require-trusted-types-for 'script'",
	} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy %q lacks %q", csp, want)
		}
	}
	if strings.Contains(csp, "unsafe-inline") || strings.Contains(csp, " 'unsafe-eval'") {
		t.Errorf("policy %q", csp)
	}
	if !strings.HasPrefix(p.Get("Permissions-Policy"), "camera=(self)") || p.Get("X-Frame-Options") != "" ||
		p.Get("Cross-Origin-Opener-Policy") != "unsafe-none" {
		t.Errorf("headers %v", p)
	}
	plain := httpx.NewServer(httpx.Deps{})
	if got := call(t, plain, "GET", "/", "").header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("promises TLS without it: %q", got)
	}
}

// fiber hands out strings of its own buffers unless told otherwise.
func TestKeptStringsStayTheSame(t *testing.T) {
	t.Parallel()
	var kept []string
	app := httpx.NewServer(httpx.Deps{})
	app.Get("/x/:id", func(c *fiber.Ctx) error {
		kept = append(kept, c.Params("id"), c.Get("X-Name"), c.Query("q"))
		return nil
	})
	addr := listen(t, app)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for i := range 5 {
		fmt.Fprintf(conn, "GET /x/id-%d?q=q-%d HTTP/1.1\r\nHost: x\r\nX-Name: n-%d\r\n\r\n", i, i, i)
		if _, err := http.ReadResponse(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	const want = "id-0 n-0 q-0 id-1 n-1 q-1 id-2 n-2 q-2 id-3 n-3 q-3 id-4 n-4 q-4"
	if got := strings.Join(kept, " "); got != want {
		t.Errorf("kept %s", got)
	}
}

func TestBodyHandler(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{})
	app.Post("/", httpx.Body(4, "application/pdf", "application/ofd"), func(c *fiber.Ctx) error { return c.SendString("ok") })
	for _, tc := range []struct {
		body, contentType string
		want              int
	}{
		{"1234", "application/pdf", 200},
		{"1234", "application/ofd", 200},
		{"12345", "application/pdf", 413},
		{"1234", "text/html", 415},
	} {
		if a := call(t, app, "POST", "/", tc.body, "Content-Type", tc.contentType); a.status != tc.want {
			t.Errorf("%+v: %d %s", tc, a.status, a.body)
		}
	}
}

func TestHandlerContextEnds(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{Limits: httpx.Limits{Handle: time.Millisecond}})
	app.Get("/", func(c *fiber.Ctx) error {
		<-c.UserContext().Done()
		return c.UserContext().Err()
	})
	if a := call(t, app, "GET", "/", ""); a.status != 500 {
		t.Errorf("%d", a.status)
	}
}
