package httpx_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex // guards at
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 22, 2, 10, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func TestLimiterCountsByKey(t *testing.T) {
	t.Parallel()
	clk := newClock()
	l := httpx.NewLimiter(httpx.Rate{Name: "claims", Count: 10, Per: time.Minute, Burst: 2}, clk.now)
	for range 2 {
		if err := l.Allow("a"); err != nil {
			t.Fatal(err)
		}
	}
	err := l.Allow("a")
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.SlowDown.Code || f.Fields["limit"] != "claims" || f.RetryAfter != 6*time.Second {
		t.Fatalf("third at once: %v, %+v", err, f)
	}
	if err := l.Allow("b"); err != nil {
		t.Errorf("another key: %v", err)
	}
	clk.advance(6 * time.Second) // refused events cost nothing
	if err := l.Allow("a"); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if l.Allow("a") == nil {
		t.Error("the allowance grew by more than one")
	}
}

func TestLimiterWithoutLimit(t *testing.T) {
	t.Parallel()
	l := httpx.NewLimiter(httpx.Rate{Name: "off"}, newClock().now)
	for range 1000 {
		if err := l.Allow("a"); err != nil {
			t.Fatal(err)
		}
	}
}

// A flood of invented keys shares one allowance; keys known before keep theirs,
// and room returns when old keys have recovered.
func TestLimiterBoundsKeys(t *testing.T) {
	t.Parallel()
	clk := newClock()
	l := httpx.NewLimiter(httpx.Rate{Name: "x", Count: 1, Per: time.Minute, Burst: 2, Keys: 3}, clk.now)
	for i := range 3 {
		if err := l.Allow(fmt.Sprint("known", i)); err != nil {
			t.Fatal(err)
		}
	}
	passed := 0
	for i := range 100 {
		if l.Allow(fmt.Sprint("invented", i)) == nil {
			passed++
		}
	}
	if passed != 2 {
		t.Errorf("%d of 100 invented keys passed, want the 2 of the shared allowance", passed)
	}
	if err := l.Allow("known0"); err != nil {
		t.Errorf("a known key lost its allowance: %v", err)
	}
	clk.advance(2 * time.Minute)
	for range 2 {
		if err := l.Allow("new"); err != nil {
			t.Errorf("no room after recovery: %v", err)
		}
	}
}

func TestLimiterUnderConcurrency(t *testing.T) {
	t.Parallel()
	clk := newClock()
	l := httpx.NewLimiter(httpx.Rate{Name: "x", Count: 50, Per: time.Hour, Keys: 4}, clk.now)
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 100 {
				if l.Allow("a") == nil {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if passed.Load() != 50 {
		t.Errorf("%d passed, want 50", passed.Load())
	}
}
