package httpx_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

// wanted repeats what authz/fault promises of each kind, so that a change of the
// table in this package alone is seen.
var wanted = []int{500, 400, 401, 403, 404, 409, 410, 411, 413, 415, 422, 423, 428, 429, 503}

func TestEveryFaultHasItsStatus(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for _, f := range fault.All() {
		if int(f.Kind) >= len(wanted) {
			t.Errorf("%s: kind %d has no status", f.Code, f.Kind)
			continue
		}
		want := wanted[f.Kind]
		seen[want] = true
		for lang, title := range map[string]string{"zh": f.ZH, "en": f.EN} {
			doc := httpx.Problem(f.Because(errors.New("private")), lang)
			if doc.Status != want || httpx.Status(f) != want {
				t.Errorf("%s: status %d, want %d", f.Code, doc.Status, want)
			}
			if doc.Code != f.Code || doc.Title != title || title == "" || doc.Type != "/problems/"+f.Code {
				t.Errorf("%s: %+v", f.Code, doc)
			}
			if strings.Contains(doc.Detail, "private") {
				t.Errorf("%s: the cause is public", f.Code)
			}
		}
	}
	for _, status := range wanted {
		if !seen[status] {
			t.Errorf("no fault has status %d: is the kind still used?", status)
		}
	}
}

func TestStatusOfOtherErrors(t *testing.T) {
	t.Parallel()
	if got := httpx.Status(nil); got != 200 {
		t.Errorf("nil: %d", got)
	}
	if got := httpx.Status(errors.New("disk full")); got != 500 {
		t.Errorf("plain error: %d", got)
	}
	if got := httpx.Status(fiber.ErrMethodNotAllowed); got != 404 {
		t.Errorf("method of another route: %d", got)
	}
}

func TestProblemDocument(t *testing.T) {
	t.Parallel()
	doc := httpx.Problem(fault.MatchWrong.With("tries_left", 1), "zh")
	doc.Instance = "rq_1"
	const want = `{"type":"/problems/match-wrong","title":"数字不一致","status":422,"detail":"数字不一致",` +
		`"instance":"rq_1","code":"match-wrong","tries_left":1}`
	got, err := json.Marshal(doc)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	slow := httpx.Problem(fault.SlowDown.After(1500*time.Millisecond), "en")
	if slow.RetryAfter != 2 || !strings.HasSuffix(slow.Detail, "Try again in 2 s.") {
		t.Errorf("%+v", slow)
	}
	if d := httpx.Problem(fault.RegistrySilent, "zh"); d.RetryAfter == 0 {
		t.Error("503 without a hint when to come back")
	}
	// What a framework for APIs asks of its errors.
	var e error = doc
	s, ok := e.(interface{ GetStatus() int })
	if !ok || s.GetStatus() != 422 || doc.ContentType("application/json") != httpx.ProblemType {
		t.Error("not usable as an API framework's error")
	}
}

func TestAnswersOfFailures(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	app := httpx.NewServer(httpx.Deps{Log: log.logger()})
	app.Get("/v1/seals/:id", func(c *fiber.Ctx) error {
		httpx.Note(c, "seal", "es_1")
		return fault.SealFrozen.Because(errors.New("frozen by operator op_1"))
	})
	app.Get("/broken", func(*fiber.Ctx) error { return errors.New("secret: 42") })
	app.Get("/panics", func(*fiber.Ctx) error { panic("secret: 43") })

	a := call(t, app, "GET", "/v1/seals/es_77?token=abc", "", "Accept-Language", "en-GB, zh;q=0.5")
	doc := a.problem(t)
	if a.status != 403 || doc["code"] != "seal-frozen" || doc["title"] != "The seal is frozen." {
		t.Errorf("%d %v", a.status, doc)
	}
	if doc["instance"] != a.header.Get("X-Request-Id") || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", a.header)
	}
	line := log.last(t)
	for key, want := range map[string]any{
		"route": "/v1/seals/:id", "status": 403.0, "code": "seal-frozen", "seal": "es_1",
		"method": "GET", "cause": "seal-frozen: frozen by operator op_1", "id": doc["instance"], "level": "INFO",
	} {
		if line[key] != want {
			t.Errorf("log %s = %v, want %v", key, line[key], want)
		}
	}
	if strings.Contains(log.text(), "es_77") || strings.Contains(log.text(), "abc") {
		t.Errorf("the path or query is in the log: %s", log.text())
	}

	for _, path := range []string{"/broken", "/panics"} {
		a = call(t, app, "GET", path, "")
		if a.status != 500 || strings.Contains(a.body, "secret") || a.problem(t)["code"] != "internal" {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
		if line := log.last(t); line["level"] != "ERROR" || !strings.Contains(line["cause"].(string), "secret") {
			t.Errorf("%s: log %v", path, line)
		}
	}
	if stack, _ := log.last(t)["stack"].(string); !strings.Contains(stack, "problem_test.go") {
		t.Error("a panic is logged without its place")
	}

	a = call(t, app, "GET", "/nothing/here", "")
	if a.status != 404 || a.problem(t)["code"] != "route-unknown" || log.last(t)["route"] != "unmatched" {
		t.Errorf("%d %s, log %v", a.status, a.body, log.last(t))
	}
	if strings.Contains(log.text(), "nothing/here") {
		t.Error("an unknown path is in the log")
	}
}

func TestProblemPages(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{})
	for _, f := range fault.All() {
		a := call(t, app, "GET", "/problems/"+f.Code, "")
		if a.status != 200 || !strings.Contains(a.body, f.ZH) || !strings.Contains(a.body, "<code>"+f.Code+"</code>") {
			t.Fatalf("%s: %d %s", f.Code, a.status, a.body)
		}
	}
	list := call(t, app, "GET", "/problems", "", "Accept-Language", "en")
	if list.status != 200 || !strings.Contains(list.body, "<h1>Problem codes</h1>") ||
		strings.Count(list.body, "<tr><td>") != len(fault.All()) {
		t.Errorf("list: %d", list.status)
	}
	if !strings.Contains(list.header.Get("Content-Security-Policy"), "script-src 'self'") {
		t.Errorf("policy %q", list.header.Get("Content-Security-Policy"))
	}
	if a := call(t, app, "GET", "/problems/none", ""); a.status != 404 {
		t.Errorf("unknown code: %d", a.status)
	}
	// A person who follows a dead link sees words.
	a := call(t, app, "GET", "/gone", "", "Accept", "text/html,*/*")
	if a.status != 404 || !strings.HasPrefix(a.body, "<!doctype html>") ||
		!strings.Contains(a.body, fault.RouteUnknown.ZH) || !strings.Contains(a.body, a.header.Get("X-Request-Id")) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := call(t, app, "GET", "/problems/style.css", ""); a.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("style: %v", a.header)
	}
}

func TestPreferredLang(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": "zh", "*": "zh", "zh-CN,zh;q=0.9,en;q=0.8": "zh", "en": "en", "en-US,en;q=0.9,zh;q=0.8": "en",
		"fr, en;q=0.1": "en", "en;q=0.3, zh;q=0.4": "zh", "en;q=2": "zh", "en;q=NaN": "zh", "EN-gb": "en", ";;,,": "zh",
	} {
		if got := httpx.PreferredLang(accept); got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}
