package httpx_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

func TestGate(t *testing.T) {
	t.Parallel()
	g := httpx.NewGate()
	leave, err := g.Enter()
	if err != nil {
		t.Fatal(err)
	}
	g.Close()
	g.Close()
	if _, err := g.Enter(); !errors.Is(err, fault.ShuttingDown) {
		t.Errorf("entered a closed gate: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Wait(gone); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "1 pieces") {
		t.Errorf("wait with work inside: %v", err)
	}
	leave()
	leave()
	if err := g.Wait(t.Context()); err != nil {
		t.Errorf("wait: %v", err)
	}
}

// A stop during a request: the request ends well, sockets are closed meanwhile,
// new requests are refused, readiness is withdrawn, and Serve returns.
func TestServeWaitsForWorkUnderWay(t *testing.T) {
	t.Parallel()
	gate := httpx.NewGate()
	app := httpx.NewServer(httpx.Deps{Gate: gate, Health: &httpx.Health{Gate: gate}})
	inside, release := make(chan struct{}), make(chan struct{})
	app.Post("/stamp", func(c *fiber.Ctx) error {
		close(inside)
		<-release
		return c.SendString("stamped")
	})
	app.Get("/other", func(c *fiber.Ctx) error { return c.SendString("done") })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + ln.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	closing := make(chan struct{})
	served := make(chan error, 1)
	go func() {
		served <- httpx.Serve(ctx, app, ln, httpx.Stop{
			Grace: time.Minute, Gate: gate,
			Before: []func(context.Context){func(context.Context) { close(closing) }},
		})
	}()
	if a := get(t, url+"/readyz"); a.status != 200 || a.body != `{"ready":true,"failing":[]}` {
		t.Errorf("ready: %d %s", a.status, a.body)
	}
	stamped := make(chan string, 1)
	go func() {
		res, err := http.Post(url+"/stamp", "text/plain", nil)
		if err != nil {
			stamped <- err.Error()
			return
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		stamped <- string(b)
	}()
	<-inside
	stop()
	<-closing
	if a := get(t, url+"/other"); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Errorf("new work: %d %v", a.status, a.header)
	}
	if a := get(t, url+"/readyz"); a.status != 503 || !strings.Contains(a.body, "shutting-down") {
		t.Errorf("ready: %d %s", a.status, a.body)
	}
	select {
	case err := <-served:
		t.Fatalf("stopped with work under way: %v", err)
	default:
	}
	close(release)
	if got := <-stamped; got != "stamped" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
	if _, err := http.Get(url + "/other"); err == nil {
		t.Error("the port is still open")
	}
}

func TestServeGivesUpAfterTheGrace(t *testing.T) {
	t.Parallel()
	gate := httpx.NewGate()
	leave, err := gate.Enter()
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err = httpx.Serve(ctx, httpx.NewServer(httpx.Deps{}), ln, httpx.Stop{Grace: time.Millisecond, Gate: gate})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("serve: %v", err)
	}
}

func get(t *testing.T, url string) answer {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	var broken atomic.Bool
	var asked, later atomic.Int64
	app := httpx.NewServer(httpx.Deps{Log: log.logger(), Health: &httpx.Health{
		Log: log.logger(), Now: func() time.Time { return time.Unix(later.Load(), 0) },
		Checks: []httpx.Check{
			{Name: "store", Run: func(context.Context) error { asked.Add(1); return nil }},
			{Name: "signer", Run: func(context.Context) error {
				if broken.Load() {
					return errors.New("socket /run/x: refused")
				}
				return nil
			}},
		},
	}})
	if a := call(t, app, "GET", "/readyz", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	broken.Store(true)
	for range 100 { // of those who ask all the time
		if a := call(t, app, "GET", "/readyz", ""); a.status != 200 || asked.Load() != 1 {
			t.Fatalf("in the same second: %d, the store was asked %d times", a.status, asked.Load())
		}
	}
	later.Store(1)
	a := call(t, app, "GET", "/readyz", "")
	if a.status != 503 || a.body != `{"ready":false,"failing":["signer"]}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !strings.Contains(log.text(), "socket /run/x") {
		t.Error("the cause is not in the log")
	}
	if a := call(t, app, "GET", "/healthz", ""); a.status != 200 || a.body != "ok\n" {
		t.Errorf("health: %d %s", a.status, a.body)
	}
	if line := log.last(t); line["level"] != "DEBUG" || line["route"] != "/healthz" {
		t.Errorf("probe in the log: %v", line)
	}
}

func TestACheckThatPanicsHasFailed(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	app := httpx.NewServer(httpx.Deps{Log: log.logger(), Health: &httpx.Health{Log: log.logger(), Checks: []httpx.Check{
		{Name: "store", Run: func(context.Context) error { panic("nobody home") }},
		{Name: "signer", Run: func(context.Context) error { return nil }},
	}}})
	if a := call(t, app, "GET", "/readyz", ""); a.status != 503 || a.body != `{"ready":false,"failing":["store"]}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	if !strings.Contains(log.text(), "nobody home") {
		t.Error("the cause is not in the log")
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := httpx.NewMetrics()
	app := httpx.NewServer(httpx.Deps{Metrics: m})
	app.Get("/v1/seals/:id", func(c *fiber.Ctx) error { return c.SendString("x") })
	app.Get("/metrics", m.Handler("s3cret"))
	for _, path := range []string{"/v1/seals/es_1", "/v1/seals/es_2", "/nowhere/es_3"} {
		call(t, app, "GET", path, "")
	}
	for _, bad := range []string{"", "Bearer", "Bearer ", "Bearer s3cre", "Bearer s3cret2", "Basic s3cret"} {
		if a := call(t, app, "GET", "/metrics", "", "Authorization", bad); a.status != 401 {
			t.Errorf("%q: %d", bad, a.status)
		}
	}
	a := call(t, app, "GET", "/metrics", "", "Authorization", "Bearer s3cret")
	for _, want := range []string{
		`yunzhang_http_requests_total{method="GET",route="/v1/seals/:id",status="200"} 2`,
		`yunzhang_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`yunzhang_http_request_seconds_count{route="/v1/seals/:id"} 2`,
		"go_goroutines", "process_",
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %s in\n%s", want, a.body)
		}
	}
	if strings.Contains(a.body, "es_1") || strings.Contains(a.body, "es_3") {
		t.Error("an id became a label")
	}
	open := httpx.NewServer(httpx.Deps{})
	open.Get("/metrics", m.Handler(""))
	if a := call(t, open, "GET", "/metrics", ""); a.status != 401 {
		t.Errorf("without a token, from elsewhere: %d", a.status)
	}
	addr := listen(t, open)
	if a := get(t, "http://"+addr+"/metrics"); a.status != 200 {
		t.Errorf("without a token, from here: %d", a.status)
	}
	if a := exchange(t, addr, "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"); a.status != 401 {
		t.Errorf("without a token, through a proxy: %d", a.status)
	}
}
