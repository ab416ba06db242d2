package httpx

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

const (
	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// Check is one condition of readiness, such as "store" or "signer".
type Check struct {
	Name string
	Run  func(context.Context) error
	// Stale marks a check whose failing is told and does not make the node
	// unready: it does its work, and only learns later than usual.
	Stale bool
}

// fresh is how long an answer of the checks is given again: whoever asks more
// often than that costs the stores nothing.
const fresh = time.Second

// Health answers the probes. /healthz says that the process runs; /readyz that
// it can do its work: every check passes and no shutdown has begun. Answers name
// failing checks, and those by which the node is stale only; causes go to the
// log.
type Health struct {
	Log    *slog.Logger
	Gate   *Gate // nil: never shutting down
	Checks []Check
	// Timeout is the time for all checks together. Default 2 s.
	Timeout time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time

	mu    sync.Mutex
	asked time.Time // guarded by mu, as is said
	said  readiness
}

type readiness struct {
	Ready   bool     `json:"ready"`
	Failing []string `json:"failing"`
	Stale   []string `json:"stale,omitempty"`
}

func (h *Health) mount(app fiber.Router) {
	app.Get(healthPath, func(c *fiber.Ctx) error { return c.SendString("ok\n") })
	app.Get(readyPath, func(c *fiber.Ctx) error {
		r := h.ask(c.UserContext())
		status := fiber.StatusOK
		if !r.Ready {
			status = fiber.StatusServiceUnavailable
		}
		return Reply(c, status, r)
	})
}

// ask gives what the checks say, or said a moment ago; the gate is always asked.
func (h *Health) ask(ctx context.Context) readiness {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now
	if h.Now != nil {
		now = h.Now
	}
	if h.asked.IsZero() || now().Sub(h.asked) >= fresh {
		h.said, h.asked = h.check(ctx), now()
	}
	r := readiness{Failing: append([]string{}, h.said.Failing...), Stale: h.said.Stale}
	if h.Gate != nil && h.Gate.Closed() {
		r.Failing = append(r.Failing, "shutting-down")
	}
	r.Ready = len(r.Failing) == 0
	return r
}

func (h *Health) check(ctx context.Context) readiness {
	ctx, cancel := context.WithTimeout(ctx, or(h.Timeout, 2*time.Second))
	defer cancel()
	errs := make([]error, len(h.Checks))
	var all sync.WaitGroup
	for i, check := range h.Checks {
		all.Go(func() { errs[i] = calmly(func() error { return check.Run(ctx) }) })
	}
	all.Wait()
	var r readiness
	for i, err := range errs {
		if err != nil {
			h.log().Warn("not ready", "check", h.Checks[i].Name, "stale", h.Checks[i].Stale, "cause", err)
			if h.Checks[i].Stale {
				r.Stale = append(r.Stale, h.Checks[i].Name)
			} else {
				r.Failing = append(r.Failing, h.Checks[i].Name)
			}
		}
	}
	return r
}

func (h *Health) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}
