package httpx_test

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"yunzhang.dev/web/httpx"
)

func TestStatic(t *testing.T) {
	t.Parallel()
	css := strings.Repeat("body { margin: 0 } ", 200)
	files := fstest.MapFS{
		"index.html":     {Data: []byte("<p>home")},
		"sub/index.html": {Data: []byte("<p>sub")},
		"app.css":        {Data: []byte(css)},
		"app.mjs":        {Data: []byte("export {}")},
		"logo.svg":       {Data: []byte("<svg/>")},
	}
	handler, err := httpx.Static(files, httpx.Files{Policy: httpx.Policy{Camera: true}, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	app := httpx.NewServer(httpx.Deps{})
	app.Get("/w/*", handler)

	for path, want := range map[string]string{
		"/w/": "text/html; charset=utf-8", "/w/index.html": "text/html; charset=utf-8", "/w/sub/": "text/html; charset=utf-8",
		"/w/sub": "text/html; charset=utf-8", "/w/app.css": "text/css; charset=utf-8",
		"/w/app.mjs": "text/javascript; charset=utf-8", "/w/logo.svg": "image/svg+xml",
	} {
		a := call(t, app, "GET", path, "")
		if a.status != 200 || a.header.Get("Content-Type") != want || a.header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %d %v", path, a.status, a.header)
		}
		page := strings.HasPrefix(want, "text/html")
		if strings.Contains(a.header.Get("Content-Security-Policy"), "script-src") != page {
			t.Errorf("%s: policy %q", path, a.header.Get("Content-Security-Policy"))
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" {
			t.Errorf("%s: not shared: %v", path, a.header)
		}
	}
	for _, path := range []string{"/w/none", "/w/../server.go", "/w/%2e%2e/server.go", "/w//etc/passwd", "/w/sub/../../x", "/w/.", "/w/app.css/"} {
		if a := call(t, app, "GET", path, ""); a.status != 404 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}

	a := call(t, app, "GET", "/w/app.css", "", "Accept-Encoding", "br, gzip;q=0.9")
	if a.header.Get("Content-Encoding") != "gzip" || a.header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("%v", a.header)
	}
	z, err := gzip.NewReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || string(b) != css {
		t.Errorf("gzip form differs: %v", err)
	}
	if b := call(t, app, "GET", "/w/app.css", "", "Accept-Encoding", "gzip;q=0").body; b != css {
		t.Error("compressed for a client that refuses it")
	}
	etag := a.header.Get("ETag")
	for _, condition := range []string{etag, "W/" + etag, `"x", ` + etag} {
		if b := call(t, app, "GET", "/w/app.css", "", "If-None-Match", condition); b.status != 304 || b.body != "" {
			t.Errorf("%s: %d", condition, b.status)
		}
	}
	if b := call(t, app, "GET", "/w/app.css", "", "If-None-Match", `"x"`); b.status != 200 {
		t.Errorf("other version: %d", b.status)
	}
}

func TestStaticRefusesUnknownSorts(t *testing.T) {
	t.Parallel()
	_, err := httpx.Static(fstest.MapFS{"run.sh": {Data: []byte("x")}}, httpx.Files{})
	if err == nil || !strings.Contains(err.Error(), "run.sh") {
		t.Errorf("error %v", err)
	}
}
