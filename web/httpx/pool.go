package httpx

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

// Pool gives dear work a number of turns and a line of a bounded length: so many
// at once, so many more wait, and the next one is sent away at once. Cheap calls
// never stand behind dear ones.
type Pool struct {
	turns chan struct{} // one token for each that is at work
	here  chan struct{} // and one for each that is here, waiting or at work
	back  time.Duration // when whoever was sent away should come back
}

// NewPool makes a Pool.
func NewPool(atOnce, waiting int, back time.Duration) *Pool {
	return &Pool{turns: make(chan struct{}, atOnce), here: make(chan struct{}, atOnce+waiting), back: back}
}

// Enter waits for a turn. The caller calls leave when it is through.
// fault.SlowDown when the line is full, or when ctx ends first.
func (p *Pool) Enter(ctx context.Context) (leave func(), err error) {
	refusal := fault.SlowDown.After(p.back).With("limit", "at-once")
	select {
	case p.here <- struct{}{}:
	default:
		return nil, refusal
	}
	select {
	case p.turns <- struct{}{}:
		return func() { <-p.turns; <-p.here }, nil
	case <-ctx.Done():
		<-p.here
		return nil, refusal
	}
}

// Handler lets a route's requests in by turns.
func (p *Pool) Handler() fiber.Handler {
	return func(c *fiber.Ctx) error {
		leave, err := p.Enter(c.UserContext())
		if err != nil {
			return err
		}
		defer leave()
		return c.Next()
	}
}
