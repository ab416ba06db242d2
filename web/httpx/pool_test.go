package httpx_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

// AT-108: ten times as many dear calls as there are turns. No more are at work
// than there are turns, no more wait than there are places, the others are told
// when to come back, and a cheap call is answered meanwhile.
func TestAT108PoolAndLine(t *testing.T) {
	t.Parallel()
	const turns, places, calls = 3, 4, 30
	inside, release := make(chan struct{}, calls), make(chan struct{})
	app := httpx.NewServer(httpx.Deps{})
	var mu sync.Mutex
	atWork, most := 0, 0 // guarded by mu
	add := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		atWork += n
		most = max(most, atWork)
	}
	app.Post("/dear", httpx.NewPool(turns, places, 2*time.Second).Handler(), func(c *fiber.Ctx) error {
		add(1)
		defer add(-1)
		inside <- struct{}{}
		<-release
		return c.SendStatus(200)
	})
	app.Get("/cheap", func(c *fiber.Ctx) error { return c.SendStatus(200) })
	answers := make(chan answer, calls)
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() { answers <- call(t, app, "POST", "/dear", "x") })
	}
	for range turns {
		<-inside
	}
	for range calls - turns - places {
		a := <-answers
		if a.status != 429 || a.header.Get("Retry-After") != "2" {
			t.Errorf("one too many: %d %v", a.status, a.header)
		}
	}
	if a := call(t, app, "GET", "/cheap", ""); a.status != 200 {
		t.Errorf("a cheap call meanwhile: %d", a.status)
	}
	close(release)
	wg.Wait()
	for range turns + places {
		if a := <-answers; a.status != 200 {
			t.Errorf("in line: %d", a.status)
		}
	}
	if most != turns {
		t.Errorf("%d at work at once, want %d", most, turns)
	}
}

func TestPoolGivesUpWithItsCaller(t *testing.T) {
	t.Parallel()
	p := httpx.NewPool(1, 1, time.Second)
	leave, err := p.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Enter(gone); fault.CodeOf(err) != fault.SlowDown.Code {
		t.Errorf("%v", err)
	}
	leave()
	again, err := p.Enter(t.Context()) // the place in the line was given back too
	if err != nil {
		t.Fatal(err)
	}
	again()
}
