package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/mobileapi/client"
)

// server answers an open request, GET /v1/agreement, by a script.
type server struct {
	mu     sync.Mutex // guards what follows
	script []func(http.ResponseWriter)
	asked  int
}

func (s *server) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do := s.script[min(s.asked, len(s.script)-1)]
	s.asked++
	do(w)
}

func refused(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func good(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"agreement_id":"a","text":"t","later":1}`)) }

// ask plays a script and gives how often the phone asked and its pauses.
func ask(t *testing.T, script ...func(http.ResponseWriter)) (asked int, pauses []time.Duration, err error) {
	t.Helper()
	s := &server{script: script}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	p, err := client.New(client.Config{
		Server: srv.URL + "/", Issuer: "seal.example.gov.cn", Dir: t.TempDir(),
		Wait: func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Agreement(t.Context())
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, pauses, err
}

func hangUp(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

func TestRepetition(t *testing.T) {
	t.Parallel()
	const down = `{"type":"/problems/shutting-down","title":"t","status":503,"code":"shutting-down","detail":"d","retry_after":%}`
	for _, c := range []struct {
		name   string
		script []func(http.ResponseWriter)
		asked  int
		pauses []time.Duration
		want   error
	}{
		{"good", []func(http.ResponseWriter){good}, 1, nil, nil},
		{"lost once", []func(http.ResponseWriter){hangUp, good}, 2, []time.Duration{50 * time.Millisecond}, nil},
		{"lost for good", []func(http.ResponseWriter){hangUp}, 4,
			[]time.Duration{50 * time.Millisecond, 200 * time.Millisecond, 800 * time.Millisecond}, errors.New("no answer")},
		{"restarting", []func(http.ResponseWriter){refused(503, strings.Replace(down, "%", "2", 1)), good}, 2, []time.Duration{2 * time.Second}, nil},
		{"restarting for long", []func(http.ResponseWriter){refused(503, strings.Replace(down, "%", "60", 1)), good}, 1, nil, fault.ShuttingDown},
		{"refused", []func(http.ResponseWriter){refused(404, `{"code":"not-found","status":404,"title":"t"}`), good}, 1, nil, fault.Absent},
		{"a proxy's page", []func(http.ResponseWriter){refused(400, `<html>`), good}, 1, nil, errors.New("400")},
		{"a proxy without an answer", []func(http.ResponseWriter){refused(502, `<html>`), refused(504, ``), good}, 3,
			[]time.Duration{50 * time.Millisecond, 200 * time.Millisecond}, nil},
		{"a redirect", []func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://evil.example/")
			w.WriteHeader(http.StatusFound)
		}}, 1, nil, errors.New("302")},
		{"not JSON", []func(http.ResponseWriter){func(w http.ResponseWriter) { _, _ = w.Write([]byte("{")) }}, 1, nil, errors.New("answer")},
		{"doubled member", []func(http.ResponseWriter){func(w http.ResponseWriter) { _, _ = w.Write([]byte(`{"text":"a","text":"b"}`)) }}, 1, nil, errors.New("answer")},
	} {
		asked, pauses, err := ask(t, c.script...)
		if asked != c.asked || !slices.Equal(pauses, c.pauses) {
			t.Errorf("%s: asked %d times with pauses %v", c.name, asked, pauses)
		}
		f, isFault := c.want.(*fault.Error)
		switch {
		case c.want == nil && err != nil, c.want != nil && err == nil:
			t.Errorf("%s: %v", c.name, err)
		case isFault && !errors.Is(err, f), c.want != nil && !isFault && !strings.Contains(err.Error(), c.want.Error()):
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]client.Config{
		"no server": {Issuer: "i", Dir: "d"}, "no host": {Server: "https://", Issuer: "i", Dir: "d"},
		"a path":    {Server: "https://a.example/v1", Issuer: "i", Dir: "d"},
		"no scheme": {Server: "a.example", Issuer: "i", Dir: "d"}, "no issuer": {Server: "https://a.example", Dir: "d"},
		"no folder": {Server: "https://a.example", Issuer: "i"}, "ftp": {Server: "ftp://a.example", Issuer: "i", Dir: "d"},
	} {
		if _, err := client.New(c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	p, err := client.New(client.Config{Server: "https://a.example", Issuer: "i", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Unlock(t.Context(), "x"); !errors.Is(err, client.ErrNotEnrolled) || p.Device() != "" {
		t.Errorf("%v", err)
	}
}
