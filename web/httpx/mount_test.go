package httpx_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"yunzhang.dev/web/httpx"
)

// A net/http handler may keep what it was given: an OpenID provider keeps the
// client id of an authorization request until the token request.
func TestMountedHandlersOwnTheirRequest(t *testing.T) {
	t.Parallel()
	var kept []string
	app := httpx.NewServer(httpx.Deps{})
	app.All("/oidc/*", httpx.Mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		kept = append(kept, r.Method, r.URL.Path, r.URL.Query().Get("client_id"), r.Header.Get("X-Name"), r.Host, string(body))
		w.WriteHeader(http.StatusAccepted)
	})))
	addr := listen(t, app)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	var want []string
	for i := range 4 {
		body := fmt.Sprintf("body-%d", i)
		fmt.Fprintf(conn, "POST /oidc/p%d?client_id=c%d HTTP/1.1\r\nHost: h%d\r\nX-Name: n%d\r\nContent-Length: %d\r\n\r\n%s",
			i, i, i, i, len(body), body)
		if _, err := http.ReadResponse(r, nil); err != nil {
			t.Fatal(err)
		}
		want = append(want, "POST", fmt.Sprint("/oidc/p", i), fmt.Sprint("c", i), fmt.Sprint("n", i), fmt.Sprint("h", i), body)
	}
	if got := strings.Join(kept, " "); got != strings.Join(want, " ") {
		t.Errorf("kept %s\nwant %s", got, strings.Join(want, " "))
	}
}

func TestMountedAnswers(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{})
	app.Get("/m", httpx.Mount(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil || r.Header.Get("Host") != "" {
			t.Errorf("tls %v, header %v", r.TLS, r.Header)
		}
		if _, ok := r.Context().Deadline(); !ok {
			t.Error("the context has no deadline")
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusFound)
		w.WriteHeader(http.StatusOK)
		fmt.Fprint(w, "<html>moved")
	})))
	app.Get("/panics", httpx.Mount(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })))
	a := call(t, app, "GET", "/m", "")
	if a.status != 302 || a.body != "<html>moved" || len(a.header.Values("Set-Cookie")) != 2 ||
		len(a.header.Values("Cache-Control")) != 1 || a.header.Get("Cache-Control") != "max-age=60" ||
		a.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%d %q %v", a.status, a.body, a.header)
	}
	if a := call(t, app, "GET", "/panics", ""); a.status != 500 || a.problem(t)["code"] != "internal" {
		t.Errorf("panic: %d %s", a.status, a.body)
	}
}
