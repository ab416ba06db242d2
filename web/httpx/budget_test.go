package httpx_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

func TestBudgetIsGivenBack(t *testing.T) {
	t.Parallel()
	b := httpx.NewBudget(100, 60)
	first, err := b.Take("a", 60)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		sender string
		n      int
		want   string
	}{{"a", 1, "body-bytes-per-address"}, {"b", 41, "body-bytes"}, {"b", 40, ""}} {
		back, err := b.Take(row.sender, row.n)
		if row.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", row, err)
				continue
			}
			back()
			continue
		}
		f := fault.From(err)
		if f.Code != fault.SlowDown.Code || f.Fields["limit"] != row.want || httpx.Problem(f, "en").RetryAfter == 0 {
			t.Errorf("%+v: %v", row, err)
		}
	}
	first()
	if back, err := b.Take("a", 60); err != nil {
		t.Error(err)
	} else {
		back()
	}
}

// AT-108: one sender announces large bodies and sends their beginnings. He comes to
// the end of his share, others are served, and the room is there again when he
// goes.
func TestAT108AnnouncedBodiesHaveABudget(t *testing.T) {
	t.Parallel()
	entered := make(chan int, 1)
	app := httpx.NewServer(httpx.Deps{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Limits:         httpx.Limits{Body: 1 << 20, Read: time.Hour, Stall: time.Hour},
		Budget:         httpx.NewBudget(8<<20, 4<<20),
	})
	app.Post("/", func(c *fiber.Ctx) error {
		entered <- len(c.Body())
		return c.SendString("ok")
	})
	addr := listen(t, app)
	head := func(from string, size int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nContent-Length: %d\r\n\r\n", from, size)
	}
	whole := func(from string) answer { return exchange(t, addr, head(from, 1<<20)+strings.Repeat("a", 1<<20)) }
	present, leave := context.WithCancel(t.Context())
	for range 4 {
		go silent(present, t, addr, head("192.0.2.1", 1<<20)+strings.Repeat("a", 16<<10))
	}
	// The four are taken in at their own pace: until then he is still served.
	var refused answer
	for refused = whole("192.0.2.1"); refused.status == 200; refused = whole("192.0.2.1") {
		<-entered
	}
	if refused.status != 429 || refused.problem(t)["limit"] != "body-bytes-per-address" || refused.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", refused.status, refused.body)
	}
	if a := exchange(t, addr, head("192.0.2.1", 5)+"hello"); a.status != 200 || <-entered != 5 {
		t.Errorf("a small one: %d %s", a.status, a.body)
	}
	if a := whole("192.0.2.2"); a.status != 200 || <-entered != 1<<20 {
		t.Errorf("another sender: %d %s", a.status, a.body)
	}
	leave()
	again := whole("192.0.2.1")
	for ; again.status == 429; again = whole("192.0.2.1") { // until the server has seen them go
	}
	if again.status != 200 || <-entered != 1<<20 {
		t.Errorf("afterwards: %d %s", again.status, again.body)
	}
}

// silent begins a body and falls silent until it may leave. It tries again while it
// is refused: what it competes with may be another request of the same sender.
func silent(present context.Context, t *testing.T, addr, beginning string) {
	for refused := true; refused; {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		stop := context.AfterFunc(present, func() { _ = conn.Close() })
		_, _ = io.WriteString(conn, beginning)
		first := make([]byte, len("HTTP/1.1 429"))
		_, err = io.ReadFull(conn, first)
		refused = err == nil && strings.HasSuffix(string(first), " 429")
		stop()
		_ = conn.Close()
	}
}

// What is left of a refused body is never taken for a request.
func TestRefusedBodyEndsTheConnection(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{Limits: httpx.Limits{Body: 10}})
	app.All("/*", func(c *fiber.Ctx) error { return c.SendString(c.Path()) })
	addr := listen(t, app)
	inner := "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, raw := range []string{
		fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(inner), inner),
		fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n%s", len(inner), inner, inner),
		fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(inner), inner),
	} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(raw)); err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		buf := make([]byte, 4096)
		for {
			n, err := conn.Read(buf)
			all.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if got := all.String(); strings.Count(got, "HTTP/1.1 ") != 1 || strings.Contains(got, "smuggled") || !strings.Contains(got, "Connection: close") {
			t.Errorf("%q\n%s", raw, got)
		}
	}
}
