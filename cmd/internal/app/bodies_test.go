package app_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
)

// AT-108: one address announces files of 20 MiB and falls silent. A node as it is
// configured by default has room for six of them; the next is sent away, and small
// requests of that address and files of others are served as before.
func TestAT108SilentUploadsLeaveTheNodeToOthers(t *testing.T) {
	t.Parallel()
	base, c, _ := startWith(t, t.TempDir(), app.Options{World: drive.World()}, func(c *config.Config) {
		c.TLS.TrustedProxies = []string{"127.0.0.0/8"}
	})
	at, err := url.Parse(base)
	check(t, err)
	host := strings.TrimPrefix(c.Sites.Verify, "http://")
	answers := make(chan *http.Response, 7)
	for range cap(answers) {
		conn, err := net.Dial("tcp", at.Host)
		check(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		fmt.Fprintf(conn, "POST /v1/verify HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Type: application/pdf\r\nContent-Length: %d\r\n\r\n%s",
			host, 20<<20, strings.Repeat("a", 10_000))
		go func() {
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				answers <- res
			}
		}()
	}
	if res := <-answers; res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("the seventh: %s", res.Status)
	}
	for _, row := range []struct {
		from, method string
		body         []byte
	}{{"192.0.2.1", "GET", nil}, {"192.0.2.2", "POST", samplePDF(t, "ff.pdf")}} {
		req, err := http.NewRequestWithContext(t.Context(), row.method, base+"/v1/verify", bytes.NewReader(row.body))
		check(t, err)
		req.Host = host
		req.Header.Set("X-Forwarded-For", row.from)
		req.Header.Set("Content-Type", "application/pdf")
		res, err := http.DefaultClient.Do(req)
		check(t, err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s from %s meanwhile: %s", row.method, row.from, res.Status)
		}
	}
}
