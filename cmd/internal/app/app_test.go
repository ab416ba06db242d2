package app_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store/storetest"
)

// settings is a sandbox node on a port of its own.
func settings(t testing.TB, dir, addr string) config.Config {
	t.Helper()
	c := config.Default()
	c.Listen, c.DataDir, c.KeysDir = addr, filepath.Join(dir, "data"), filepath.Join(dir, "keys")
	c.Sandbox.Enabled, c.Store = true, storetest.Choose(t)
	_, port, _ := net.SplitHostPort(addr)
	origin := func(name string) string { return "http://" + name + ".localhost:" + port }
	c.Sites = config.Sites{
		Issuer: "seal.localhost", App: origin("app"), Portal: origin("portal"), Demo: origin("ds"), Verify: origin("verify"), Sockets: origin("ws"),
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	if err := app.NewSecrets(c.KeysDir, app.Operator{Name: "测试运营中心", USCC: "12100000000018032A"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return c
}

// start runs a node until the test ends.
func start(t testing.TB, o app.Options) (base string, c config.Config, a *app.App) {
	t.Helper()
	return startIn(t, t.TempDir(), o)
}

// startIn is start with a folder that may outlive the test.
func startIn(t testing.TB, dir string, o app.Options) (base string, c config.Config, a *app.App) {
	t.Helper()
	return startAs(t, dir, o, (*app.App).Run)
}

// startAs is startIn with another way to run the node.
func startAs(t testing.TB, dir string, o app.Options, run func(*app.App, context.Context, net.Listener) error) (base string, c config.Config, a *app.App) {
	t.Helper()
	return startNode(t, dir, o, run, nil)
}

// startWith is startIn with another configuration.
func startWith(t testing.TB, dir string, o app.Options, change func(*config.Config)) (base string, c config.Config, a *app.App) {
	t.Helper()
	return startNode(t, dir, o, (*app.App).Run, change)
}

// draws is shared by all nodes of the tests: opening its fonts is half the price
// of starting one.
var draws = impression.New()

func startNode(t testing.TB, dir string, o app.Options, run func(*app.App, context.Context, net.Listener) error, change func(*config.Config)) (base string, c config.Config, a *app.App) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c = settings(t, dir, ln.Addr().String())
	if o.Now != nil {
		c.Store = storetest.ChooseAt(t, o.Now)
	}
	if change != nil {
		change(&c)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	o.Drawer = draws
	if a, err = app.New(c, o); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(a, ctx, ln) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return "http://" + ln.Addr().String(), c, a
}

func get(t *testing.T, base, origin, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = strings.TrimPrefix(origin, "http://")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(b)
}

func TestSitesAnswerUnderTheirNames(t *testing.T) {
	t.Parallel()
	base, c, _ := start(t, app.Options{})
	for _, row := range []struct {
		origin, path string
		status       int
		holds        string
	}{
		{c.Sites.App, "/healthz", 200, "ok"}, {c.Sites.App, "/readyz", 200, "true"}, {c.Sites.App, "/openapi.json", 200, `"3.1.`},
		{c.Sites.App, "/v1/me", 401, `"code":"auth"`}, {c.Sites.App, "/v1/tickets/x", 404, "route-unknown"},
		{c.Sites.Portal, "/v1/me", 401, `"code":"auth"`}, {c.Sites.Verify, "/v1/trust", 200, "cseal-bundle/1"},
		{c.Sites.Demo, "/widget/", 200, "<!doctype html>"}, {c.Sites.App, "/metrics", 200, "go_goroutines"},
		{"http://evil.example", "/v1/me", 403, `"code":"host"`}, {c.Sites.Verify, "/q", 200, "app"},
	} {
		status, body := get(t, base, row.origin, row.path)
		if status != row.status || !strings.Contains(strings.ToLower(body), strings.ToLower(row.holds)) {
			t.Errorf("%s%s: %d %.200s", row.origin, row.path, status, body)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	c := settings(t, t.TempDir(), "127.0.0.1:1")
	c.Store = config.Default().Store // on MongoDB there may be many
	first, err := app.New(c, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if second, err := app.New(c, app.Options{}); err == nil {
		second.Close()
		t.Fatal("two nodes on one folder")
	} else if !strings.Contains(err.Error(), c.DataDir) {
		t.Errorf("the message does not name the folder: %v", err)
	}
}
