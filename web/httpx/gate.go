package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

// Gate counts work under way, so that a shutdown can wait for it: requests
// enter it by themselves, background work (stamping, deliveries) by hand.
type Gate struct {
	mu     sync.Mutex // guards what follows
	inside int
	closed bool
	empty  chan struct{} // closed when closed and nobody inside
}

// NewGate makes an open gate.
func NewGate() *Gate { return &Gate{empty: make(chan struct{})} }

// Enter begins a piece of work; leave ends it and may be called once. After
// Close it is refused with fault.ShuttingDown.
func (g *Gate) Enter() (leave func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, fault.ShuttingDown
	}
	g.inside++
	return sync.OnceFunc(g.leave), nil
}

func (g *Gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.settle()
}

// Close refuses new work. What is inside goes on.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.closed = true
		g.settle()
	}
}

// Closed reports that the process is going down.
func (g *Gate) Closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

func (g *Gate) settle() {
	if g.closed && g.inside == 0 {
		close(g.empty)
	}
}

// Wait returns when the gate is closed and nobody is inside, or with ctx's
// error and the count of what was left.
func (g *Gate) Wait(ctx context.Context) error {
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.closed && g.inside == 0 {
			return nil // both had come
		}
		return fmt.Errorf("%d pieces of work still under way: %w", g.inside, ctx.Err())
	}
}

// Stop says how a server ends.
type Stop struct {
	// Grace is the time for everything under way, all together.
	Grace time.Duration
	Gate  *Gate
	// Before runs when no new work is taken any more: close sockets, stop jobs.
	// They run together; each must end with its context.
	Before []func(context.Context)
}

// Serve answers on ln until ctx ends, then shuts down: readiness is withdrawn,
// new work refused, open sockets closed, work under way awaited, the port
// closed. It returns nil when all of it ended within the grace. stop.Gate must be
// the one of the server's Deps.
func Serve(ctx context.Context, app *fiber.App, ln net.Listener, stop Stop) error {
	failed := make(chan error, 1)
	go func() { failed <- app.Listener(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), stop.Grace)
	defer cancel()
	stop.Gate.Close()
	var closing sync.WaitGroup
	for _, before := range stop.Before {
		closing.Go(func() { before(last) })
	}
	closing.Wait()
	err := errors.Join(stop.Gate.Wait(last), shut(last, app))
	_ = ln.Close() // also when the server had not begun to accept
	<-failed
	return err
}

// shut closes the port and idle connections. A connection that is still open
// after the grace is cut, which is no error of ours.
func shut(ctx context.Context, app *fiber.App) error {
	err := app.ShutdownWithContext(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return err
}
