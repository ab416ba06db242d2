package httpx_test

import (
	"bufio"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/web/httpx"
)

// A body that broke off is no body: nothing of it reaches a handler, and the log
// holds no address.
func TestBrokenOffBody(t *testing.T) {
	t.Parallel()
	for _, rest := range []string{
		"Content-Length: 20000\r\n\r\n" + strings.Repeat("a", 10_000),
		"Content-Length: 200000\r\n\r\n" + strings.Repeat("a", 100_000),
		"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
	} {
		log := &logbook{}
		app := httpx.NewServer(httpx.Deps{Log: log.logger()})
		app.Post("/", func(c *fiber.Ctx) error {
			t.Errorf("%.40q: a handler has seen %d bytes", rest, len(c.Body()))
			return nil
		})
		conn, err := net.Dial("tcp", listen(t, app))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\n"+rest)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadAll(conn)
		_ = conn.Close()
		if strings.Contains(log.text(), "127.0.0.1:") {
			t.Errorf("%.40q: %s", rest, log.text())
		}
	}
}

// A sender who falls silent is answered and closed, also in the middle of a body
// that has much time, and his room is free again; the test hangs if not.
func TestSilentBodyEnds(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	app := httpx.NewServer(httpx.Deps{
		Limits: httpx.Limits{Stall: 20 * time.Millisecond},
		Bodies: []httpx.BodyRule{{Prefix: "/", Max: size, Read: time.Hour}},
		Budget: httpx.NewBudget(size, size),
	})
	app.Post("/", func(c *fiber.Ctx) error { return c.SendString("ok") })
	addr := listen(t, app)
	for _, sent := range []int{0, 100, 10_000, size - 1} {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("a", sent))
		rest, err := io.ReadAll(conn)
		if err != nil || !strings.Contains(string(rest), " 400 ") {
			t.Errorf("after %d bytes: %q, %v", sent, rest, err)
		}
		_ = conn.Close()
	}
}

// The room of a body is free again whatever became of its request, and one
// connection may send one after the other.
func TestRoomIsGivenBackWhateverHappens(t *testing.T) {
	t.Parallel()
	const size = 300_000
	app := httpx.NewServer(httpx.Deps{Limits: httpx.Limits{Body: size}, Budget: httpx.NewBudget(size, size)})
	app.Post("/panic", func(*fiber.Ctx) error { panic("on purpose") })
	app.Post("/sum", func(c *fiber.Ctx) error { return c.SendString(fmt.Sprint(sumOf(c.Request().Body()))) })
	conn, err := net.Dial("tcp", listen(t, app))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * i >> 3)
	}
	for _, row := range []struct {
		path string
		want int
	}{{"/panic", 500}, {"/sum", 200}, {"/nowhere", 404}, {"/sum", 200}, {"/panic", 500}, {"/sum", 200}} {
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", row.path, size, body)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		a := read(t, res)
		if a.status != row.want || row.want == 200 && a.body != fmt.Sprint(sumOf(body)) {
			t.Errorf("%s: %d %s", row.path, a.status, a.body)
		}
	}
}

func sumOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }
