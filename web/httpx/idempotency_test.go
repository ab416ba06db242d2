package httpx_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/httpxtest"
)

// desk is a server whose handler counts how often it ran and fails as told.
func desk(store httpx.Idempotency) (app *fiber.App, runs *int, next *func() error) {
	app, runs, next = httpx.NewServer(httpx.Deps{}), new(int), new(func() error)
	client := func(c *fiber.Ctx) httpx.Client { return httpx.Client{Name: c.Get("X-Client")} }
	app.Post("/tickets/:id", httpx.Idempotent(store, client), func(c *fiber.Ctx) error {
		*runs++
		if *next != nil {
			if err := (*next)(); err != nil {
				return err
			}
		}
		return httpx.Reply(c, 201, fmt.Sprint("ticket ", *runs))
	})
	return app, runs, next
}

const someKey = `"abcdefghijklmnopqrstuvwxyz"`

func TestRepetitionsGetTheFirstAnswer(t *testing.T) {
	t.Parallel()
	app, runs, _ := desk(&httpxtest.Shelf{})
	ask := func(client, target, key, body string) answer {
		return call(t, app, "POST", target, body, "X-Client", client, "Idempotency-Key", key)
	}
	first := ask("a", "/tickets/1", someKey, "x")
	again := ask("a", "/tickets/1", strings.Trim(someKey, `"`), "x")
	if first.status != 201 || first.header.Get("Idempotency-Replayed") != "" {
		t.Errorf("first: %d %v", first.status, first.header)
	}
	if again.status != 201 || again.body != first.body || again.header.Get("Idempotency-Replayed") != "true" ||
		again.header.Get("Content-Type") != "application/json" {
		t.Errorf("again: %d %s %v", again.status, again.body, again.header)
	}
	for name, a := range map[string]answer{
		"body": ask("a", "/tickets/1", someKey, "y"), "path": ask("a", "/tickets/2", someKey, "x"),
		"query": ask("a", "/tickets/1?q=1", someKey, "x"),
	} {
		if a.status != 422 || a.problem(t)["code"] != "idempotency-mismatch" {
			t.Errorf("other %s: %d %s", name, a.status, a.body)
		}
	}
	if a := ask("b", "/tickets/1", someKey, "x"); a.status != 201 || a.body == first.body {
		t.Errorf("another client's key: %d %s", a.status, a.body)
	}
	if *runs != 2 {
		t.Errorf("the handler ran %d times, want 2", *runs)
	}
}

func TestWhichRefusalsAreKept(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fails error
		kept  bool
	}{
		{fault.MatchWrong, true}, // it counted a try
		{fault.SealFrozen, true},
		{fault.StateConflict, true},
		{fault.Unauthorized, false},
		{fault.StepUpNeeded, false},
		{fault.SlowDown, false},
		{fault.RegistrySilent, false},
		{errors.New("disk"), false},
	} {
		app, runs, next := desk(&httpxtest.Shelf{})
		*next = func() error { return tc.fails }
		first := call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey)
		*next = nil
		again := call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey)
		if tc.kept != (again.status == first.status) || tc.kept != (*runs == 1) {
			t.Errorf("%v: %d then %d, %d runs", tc.fails, first.status, again.status, *runs)
		}
		if tc.kept && (again.body != first.body || again.header.Get("Content-Type") != httpx.ProblemType) {
			t.Errorf("%v: %s then %s", tc.fails, first.body, again.body)
		}
	}
}

func TestPanicSetsTheKeyFree(t *testing.T) {
	t.Parallel()
	app, _, next := desk(&httpxtest.Shelf{})
	*next = func() error { panic("x") }
	if a := call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey); a.status != 500 {
		t.Errorf("panic: %d", a.status)
	}
	*next = nil
	if a := call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey); a.status != 201 {
		t.Errorf("after it: %d %s", a.status, a.body)
	}
}

func TestAnswerThatCannotBeKept(t *testing.T) {
	t.Parallel()
	store := &httpxtest.Shelf{}
	store.Broken = errors.New("disk full")
	app, runs, _ := desk(store)
	if a := call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey); a.status != 201 {
		t.Errorf("done, and answered %d", a.status)
	}
	if a := call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey); a.status != 409 || *runs != 1 {
		t.Errorf("repetition: %d, %d runs", a.status, *runs)
	}
}

func TestAT026ParallelRequests(t *testing.T) {
	t.Parallel()
	app, runs, next := desk(&httpxtest.Shelf{})
	inside, release := make(chan struct{}), make(chan struct{})
	*next = func() error { close(inside); <-release; return nil }
	first := make(chan answer, 1)
	go func() { first <- call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey) }()
	<-inside
	if a := call(t, app, "POST", "/tickets/1", "x", "Idempotency-Key", someKey); a.status != 409 || a.problem(t)["code"] != "idempotency-running" {
		t.Errorf("meanwhile: %d %s", a.status, a.body)
	}
	close(release)
	if a := <-first; a.status != 201 || *runs != 1 {
		t.Errorf("first: %d, %d runs", a.status, *runs)
	}
}

func TestAT026BadKeys(t *testing.T) {
	t.Parallel()
	good := strings.Repeat("aZ0-_", 6)
	for value, code := range map[string]string{
		good: "", `"` + good + `"`: "",
		"": "idempotency-missing", `"` + good: "bad-request", good + `"`: "bad-request", "short": "bad-request",
		strings.Repeat("a", 129): "bad-request", strings.Repeat("a b", 10): "bad-request", strings.Repeat("é", 20): "bad-request",
	} {
		key, err := httpx.ParseIdempotencyKey(value)
		if fault.CodeOf(err) != code || code == "" && key != good {
			t.Errorf("%q: %q, %v", value, key, err)
		}
	}
}
