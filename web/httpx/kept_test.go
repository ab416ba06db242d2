package httpx_test

import (
	"errors"
	"testing"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/httpxtest"
)

// work is a server whose handler does its work in a unit that is tried as often
// as told, and keeps its answer there; behind it comes what then says.
func work(store httpx.Idempotency, tries int, then error) (app *fiber.App, runs *int) {
	app, runs = httpx.NewServer(httpx.Deps{}), new(int)
	do := func(c *fiber.Ctx) error {
		kept := httpx.Kept(c, func(n int) error { return httpx.Reply(c, 201, n) })
		for range tries {
			*runs++
			if err := kept.Keep(nil, *runs); err != nil {
				return err
			}
		}
		return then
	}
	once := httpx.Idempotent(store, func(*fiber.Ctx) httpx.Client { return httpx.Client{Name: "a"} })
	app.Post("/once", once, do)
	app.Post("/always", do)
	return app, runs
}

// The answer is stored with the work: nothing that fails behind its commit, and
// no crash there, can take it away (AT-026).
func TestAnswersKeptWithTheWork(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		tries        int
		then         error
		lost         bool // nothing can be stored when the work is done
		first, again int
		body         string // of the repetition, where it is the work's
		runs         int
	}{
		{"done", 1, nil, false, 201, 201, "1", 1},
		{"done, and the store lost", 1, nil, true, 201, 201, "1", 1},
		{"tried three times", 3, nil, true, 201, 201, "3", 3},
		{"failed behind the commit", 1, errors.New("disk"), true, 500, 201, "1", 1},
		{"refused behind the commit", 1, fault.AppInactive, false, 403, 403, "", 1},
	} {
		store := &httpxtest.Shelf{}
		if row.lost {
			store.Broken = errors.New("gone")
		}
		app, runs := work(store, row.tries, row.then)
		first := call(t, app, "POST", "/once", "x", "Idempotency-Key", someKey)
		again := call(t, app, "POST", "/once", "x", "Idempotency-Key", someKey)
		if first.status != row.first || again.status != row.again || row.body != "" && again.body != row.body {
			t.Errorf("%s: %d, then %d %s", row.name, first.status, again.status, again.body)
		}
		if *runs != row.runs || again.header.Get(httpx.IdempotencyReplayed) != "true" {
			t.Errorf("%s: %d runs, %v", row.name, *runs, again.header)
		}
	}
}

func TestKeptAnswersWithoutAKey(t *testing.T) {
	t.Parallel()
	app, runs := work(&httpxtest.Shelf{}, 1, nil)
	for n := range 2 {
		if a := call(t, app, "POST", "/always", "x"); a.status != 201 || *runs != n+1 {
			t.Errorf("%d: %d %s, %d runs", n, a.status, a.body, *runs)
		}
	}
}
