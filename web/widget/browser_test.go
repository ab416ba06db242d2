package widget_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/gofiber/fiber/v2"
	"github.com/gorilla/websocket"

	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/widget"
)

// keep names a folder for the pictures; without it they go where the test's
// other files go.
const keep = "YUNZHANG_SHOTS"

// browser starts one Chromium for all tests, or skips them.
func browser(t *testing.T) context.Context {
	t.Helper()
	exe := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			exe = path
			break
		}
	}
	if exe == "" {
		t.Skip("needs chromium: none on the path")
	}
	ctx, stop := chromedp.NewExecAllocator(t.Context(),
		chromedp.ExecPath(exe), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("accept-lang", "zh-CN"))
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until its files are gone
	return ctx
}

// watched is a tab whose complaints are collected.
type watched struct {
	t   *testing.T
	ctx context.Context
	mu  sync.Mutex // guards bad
	bad []string
}

// watch opens a tab: complaints are kept, and its clock can be moved.
func watch(t *testing.T, browser context.Context) *watched {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stop)
	w := &watched{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			w.complain("exception: " + e.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError && !strings.Contains(e.Entry.Text, "WebSocket") {
				w.complain(e.Entry.Text + " " + e.Entry.URL)
			}
		}
	})
	const prelude = `
		window.violations = [];
		addEventListener('securitypolicyviolation', (e) => violations.push(e.violatedDirective + ' ' + e.blockedURI));
		const real = performance.now.bind(performance);
		window.skew = 0;
		performance.now = () => real() + skew;`
	w.do(log.Enable(), chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(prelude).Do(ctx)
		return err
	}))
	return w
}

func (w *watched) complain(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bad = append(w.bad, text)
}

func (w *watched) do(actions ...chromedp.Action) {
	w.t.Helper()
	if err := chromedp.Run(w.ctx, actions...); err != nil {
		w.t.Fatal(err)
	}
}

// quiet fails on anything the browser complained about.
func (w *watched) quiet() {
	w.t.Helper()
	var violations []string
	w.do(chromedp.Evaluate(`violations`, &violations))
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(violations)+len(w.bad) > 0 {
		w.t.Errorf("violations %q, errors %q", violations, w.bad)
	}
}

// shows waits until the page has the text.
func (w *watched) shows(text string) {
	w.t.Helper()
	var seen string
	err := chromedp.Run(w.ctx, chromedp.Poll(
		fmt.Sprintf(`document.body.innerText.replace(/\s+/g, ' ').includes(%q)`, text), nil, chromedp.WithPollingTimeout(15*time.Second)))
	if err != nil {
		_ = chromedp.Run(w.ctx, chromedp.Evaluate(`document.body.innerText`, &seen))
		w.t.Fatalf("no %q in\n%s", text, seen)
	}
}

func (w *watched) text(expression string) string {
	w.t.Helper()
	var s string
	w.do(chromedp.Evaluate(`String(`+expression+`)`, &s))
	return s
}

// sizes are a phone and a desktop.
var sizes = map[string][2]int64{"phone": {390, 844}, "desktop": {1280, 800}}

// shoot takes a picture in both sizes.
func (w *watched) shoot(name string) {
	w.t.Helper()
	dir := os.Getenv(keep)
	if dir == "" {
		dir = w.t.TempDir()
	}
	for size, px := range sizes {
		var picture []byte
		w.do(
			emulation.SetDeviceMetricsOverride(px[0], px[1], 1, size == "phone"),
			chromedp.Evaluate(`Promise.allSettled(document.getAnimations().filter((a) => a.effect.getTiming().iterations === 1).map((a) => a.finished)).then(() => 1)`,
				nil, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
			chromedp.CaptureScreenshot(&picture),
		)
		var over string
		w.do(chromedp.Evaluate(`String(document.documentElement.scrollWidth - innerWidth)`, &over))
		if over != "0" {
			w.t.Errorf("%s, %s: %s pixels wider than the window", name, size, over)
		}
		if err := os.WriteFile(filepath.Join(dir, name+"-"+size+".png"), picture, 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
}

// stage is a server with the page, and a socket whose other end is the test.
type stage struct {
	t      *testing.T
	url    string
	socket string
	conns  chan *caller
	down   atomic.Bool   // refuses everybody
	turned chan struct{} // somebody was refused

	mu  sync.Mutex // guards all
	all []*caller  // a connection that nobody holds is closed by the collector
}

// caller is one attached page.
type caller struct {
	*websocket.Conn
	t      *testing.T
	tokens []string
	origin string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, conns: make(chan *caller, 8), turned: make(chan struct{}, 1)}
	upgrader := websocket.Upgrader{Subprotocols: []string{"cseal.v1"}, CheckOrigin: func(*http.Request) bool { return true }}
	sockets := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tokens := websocket.Subprotocols(r)
		if len(tokens) != 2 || tokens[1] == "tkt.bad" || s.down.Load() || r.URL.RawQuery != "" {
			w.WriteHeader(http.StatusUnauthorized)
			select {
			case s.turned <- struct{}{}:
			default:
			}
			return
		}
		c, err := upgrader.Upgrade(w, r, nil)
		if err == nil {
			s.take(&caller{c, t, tokens, r.Header.Get("Origin")})
		}
	}))
	t.Cleanup(sockets.Close)
	s.socket = "ws" + strings.TrimPrefix(sockets.URL, "http") + "/v1/page"

	app := httpx.NewServer(httpx.Deps{})
	if err := widget.Mount(app, widget.Settings{Socket: s.socket}); err != nil {
		t.Fatal(err)
	}
	s.url = serve(t, app)
	return s
}

func (s *stage) take(c *caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, c)
	s.conns <- c
}

func serve(t *testing.T, app *fiber.App) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = app.ShutdownWithContext(ctx)
		<-done
	})
	return "http://" + ln.Addr().String()
}

// attached waits for a page with a token.
func (s *stage) attached(token string) *caller {
	s.t.Helper()
	select {
	case c := <-s.conns:
		if c.tokens[0] != "cseal.v1" || c.tokens[1] != token {
			s.t.Fatalf("attached with %q, want %s", c.tokens, token)
		}
		return c
	case <-time.After(20 * time.Second):
		s.t.Fatalf("nobody attached with %s", token)
		return nil
	}
}

type msg map[string]any

// send writes a message as the server does.
func (c *caller) send(kind string, seq int, fields msg) {
	c.t.Helper()
	m := msg{"v": 1, "type": kind, "tid": "tk_1", "seq": seq, "ts": "2026-11-22T02:10:00.000Z"}
	for k, v := range fields {
		m[k] = v
	}
	if err := c.WriteJSON(m); err != nil {
		c.t.Fatal(err)
	}
}

// hears wants the next message of the page.
func (c *caller) hears(want string) {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, b, err := c.ReadMessage()
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", want, err)
	}
	var m, w msg
	if json.Unmarshal(b, &m) != nil || json.Unmarshal([]byte(want), &w) != nil || fmt.Sprint(m) != fmt.Sprint(w) {
		c.t.Fatalf("the page said %s, want %s", b, want)
	}
}

func (c *caller) hello(state, resume string, more msg) {
	c.t.Helper()
	fields := msg{"state": state, "last_seq": 2, "resume": resume, "hb": 15, "ttl_ms": 118_900, "purpose": "stamp", "app": "浙江省社会保险网上申报系统"}
	for k, v := range more {
		fields[k] = v
	}
	c.send("hello", 0, fields)
}

func (c *caller) frame(n int) string {
	c.t.Helper()
	text := fmt.Sprintf("https://s.example.gov.cn/q#1.oKGio6SlpqeoqaqrrK2urw.%d.hTkP6AlkdG2r-boR", n)
	c.send("qr", 0, msg{"n": n, "qr": text, "valid_ms": 9000})
	return text
}

func (c *caller) end(code int) {
	_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	_ = c.Close()
}
