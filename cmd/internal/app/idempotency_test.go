package app_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/web/httpx"
)

// asker asks for one key of one client again and again.
type asker struct {
	t *testing.T
	a *app.App
}

func (k asker) begin() (httpx.Stored, httpx.Run, error) {
	return k.a.Answers().Begin(k.t.Context(), httpx.Client{Name: "a"}, "POST /x", strings.Repeat("k", 26), gm.SM3([]byte("x")))
}

func (k asker) first() httpx.Run {
	k.t.Helper()
	_, run, err := k.begin()
	check(k.t, err)
	if run == nil {
		k.t.Fatal("the key is taken")
	}
	return run
}

// work is a unit that ends as told.
func (k asker) work(run httpx.Run, body string, end error) error {
	return k.a.Work().Update(k.t.Context(), func(tx unit.Tx) error {
		return errors.Join(run.Keep(tx, httpx.Stored{Status: 201, Type: "text/plain", Body: []byte(body)}), end)
	})
}

// gets is the answer of a repetition.
func (k asker) gets(want string) {
	k.t.Helper()
	stored, run, err := k.begin()
	if err != nil || run != nil || string(stored.Body) != want {
		k.t.Errorf("a repetition gets %q, %v, %v; want %q", stored.Body, run, err, want)
	}
}

// An answer is there when its work is, also for the repetition after a crash
// right behind the commit: neither Finish nor Abandon was called.
func TestAnswersAreKeptWithTheirWork(t *testing.T) {
	t.Parallel()
	_, _, a := start(t, app.Options{})
	k := asker{t, a}
	run, failed := k.first(), errors.New("the work failed")
	if err := k.work(run, "never", failed); !errors.Is(err, failed) {
		t.Error(err)
	}
	if _, _, err := k.begin(); !errors.Is(err, fault.IdempotencyRunning) {
		t.Errorf("while the first runs: %v", err)
	}
	check(t, k.work(run, "done", nil))
	k.gets("done")
	check(t, run.Abandon(t.Context())) // a failure behind the commit takes nothing away
	k.gets("done")
	if err := k.work(run, "twice", nil); !errors.Is(err, fault.IdempotencyRunning) {
		t.Errorf("the work was done twice under one key: %v", err)
	}
	check(t, run.Finish(t.Context(), httpx.Stored{Status: 403, Body: []byte("stopped meanwhile")}))
	k.gets("stopped meanwhile")
}

// A run that took too long has lost its key to the next one, and does nothing
// any more.
func TestALapsedRunWritesNothing(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	_, _, a := start(t, app.Options{Now: clock.Now})
	k := asker{t, a}
	slow := k.first()
	clock.Add(2 * time.Minute)
	next := k.first()
	if err := k.work(slow, "slow", nil); !errors.Is(err, fault.IdempotencyRunning) {
		t.Errorf("the slow one worked: %v", err)
	}
	if err := slow.Finish(t.Context(), httpx.Stored{Status: 200}); !errors.Is(err, fault.IdempotencyRunning) {
		t.Errorf("the slow one answered: %v", err)
	}
	check(t, slow.Abandon(t.Context()))
	if _, _, err := k.begin(); !errors.Is(err, fault.IdempotencyRunning) {
		t.Errorf("the slow one set the key free: %v", err)
	}
	check(t, k.work(next, "next", nil))
	k.gets("next")
}
