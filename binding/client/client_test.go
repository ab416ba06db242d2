package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"yunzhang.dev/binding/client"
	"yunzhang.dev/cloudseal/gm"
)

var nonceIn = regexp.MustCompile(`nonce="([^"]+)"`)

// A node dies with a request that it has carried out. The transport sends the same
// bytes to another, which has seen the nonce; the client asks under a new one.
func TestARequestThatTheTransportSendsAgain(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*client.Client) error{
		"with a body":    func(c *client.Client) error { _, err := c.Open(t.Context(), client.Ask{}); return err },
		"without a body": func(c *client.Client) error { return c.Cancel(t.Context(), "tk_1") },
		"a question":     func(c *client.Client) error { _, err := c.Status(t.Context(), "tk_1"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			n, nonces, keys := 0, map[string]bool{}, map[string]bool{}
			node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				nonce := nonceIn.FindStringSubmatch(r.Header.Get("Signature-Input"))[1]
				replay := nonces[nonce]
				n, nonces[nonce] = n+1, true
				if n > 1 {
					keys[r.Header.Get("Idempotency-Key")] = true
				}
				switch {
				case n == 2: // n is 1 for a request after which the connection is kept
					panic(http.ErrAbortHandler)
				case replay:
					w.WriteHeader(http.StatusUnauthorized)
					_, _ = w.Write([]byte(`{"status":401,"code":"unauthorized"}`))
				default:
					_, _ = w.Write([]byte(`{}`))
				}
			}))
			defer node.Close()
			key, err := gm.GenerateKey()
			if err != nil {
				t.Fatal(err)
			}
			c := &client.Client{Base: node.URL, KeyID: "k1", Key: key, HTTP: node.Client(), Now: time.Now}
			if _, err := c.Me(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := do(c); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if n != 4 || len(nonces) != 3 || len(keys) != 1 {
				t.Errorf("%d requests, %d nonces, %d idempotency keys", n, len(nonces), len(keys))
			}
		})
	}
}

// A refusal of what was sent once is final.
func TestARefusalIsFinal(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	node := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n.Add(1)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"status":401,"code":"unauthorized"}`))
	}))
	defer node.Close()
	key, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	c := &client.Client{Base: node.URL, KeyID: "k1", Key: key, HTTP: node.Client(), Now: time.Now}
	if _, err := c.Me(t.Context()); client.CodeOf(err) != "unauthorized" || n.Load() != 1 {
		t.Errorf("%d requests: %v", n.Load(), err)
	}
}

// A node dies with a request, and the proxy in front says so; another is going; a
// third still has the first attempt under way. The client asks on under one key.
func TestAnAnswerThatPassesIsNoAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key, err := gm.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		script := []struct {
			status int
			body   string
		}{
			{502, "<html>Bad Gateway</html>"}, {503, `{"status":503,"code":"shutting-down"}`}, {409, `{"status":409,"code":"idempotency-running"}`}, {201, `{"ticket_id":"tk_1"}`},
		}
		n, keys := 0, map[string]bool{}
		c := &client.Client{Base: "https://s.example", KeyID: "k1", Key: key, Now: time.Now, HTTP: &http.Client{Transport: through(func(r *http.Request) *http.Response {
			keys[r.Header.Get("Idempotency-Key")] = true
			a := script[n]
			n++
			return &http.Response{StatusCode: a.status, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}
		})}}
		opened, err := c.Open(t.Context(), client.Ask{})
		if err != nil || opened.Ticket != "tk_1" || n != len(script) || len(keys) != 1 {
			t.Errorf("%v after %d attempts under %d keys", err, n, len(keys))
		}
	})
}

type through func(*http.Request) *http.Response

func (f through) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }
