package pagebench

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"yunzhang.dev/cmd/internal/drive"
)

// crowd is all the pages of the declaration system.
type crowd struct {
	system *drive.System
	pages  []*page
	turns  chan struct{} // openings under way
	stop   func()        // ends the pages and waits for them

	arrived  sync.WaitGroup // pages that have attached once
	messages atomic.Int64
	there    atomic.Int64 // pages with an open socket
	frames   atomic.Int64
	renewed  atomic.Int64 // tickets opened in the place of one that had ended
	lost     atomic.Int64 // sockets and openings that failed

	mu  sync.Mutex
	why error // the first failure; guarded by mu
}

// atOnce is how many pages open a ticket at the same time: as many as people
// press a button, not as many as there are.
const atOnce = 16

// newCrowd opens n pages, one after the other over a time. They renew their
// tickets until stop.
func newCrowd(ctx context.Context, system *drive.System, n int, over time.Duration) *crowd {
	c := &crowd{system: system, turns: make(chan struct{}, atOnce), pages: make([]*page, n)}
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	c.arrived.Add(n)
	for i := range c.pages {
		p := &page{crowd: c, from: i}
		c.pages[i] = p
		all.Go(func() {
			pause(ctx, over*time.Duration(i)/time.Duration(n))
			p.live(ctx)
		})
	}
	c.stop = func() {
		cancel()
		for _, p := range c.pages {
			p.hangUp()
		}
		all.Wait()
	}
	return c
}

// ready waits until every page has attached, and says now and then how many have.
func (c *crowd) ready(ctx context.Context) error {
	there := make(chan struct{})
	go func() {
		c.arrived.Wait()
		close(there)
	}()
	select {
	case <-there:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// failed counts a failure, unless everything ends.
func (c *crowd) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	c.lost.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why == nil {
		c.why = err
	}
}

func (c *crowd) firstFailure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.why
}

// addresses is how many loopback addresses the connections come from: one has
// too few ports for them and for those that have just ended.
const addresses = 8

// dialer makes connections to addr from one of the loopback addresses.
func dialer(addr string, from int) *websocket.Dialer {
	var d net.Dialer
	if runtime.GOOS == "linux" { // elsewhere only the first is there
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(fmt.Sprintf("127.0.0.%d", 1+from%addresses))}
	}
	return &websocket.Dialer{
		NetDialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return d.DialContext(ctx, network, addr)
		},
		HandshakeTimeout: 30 * time.Second, ReadBufferSize: 512, WriteBufferSize: 512, WriteBufferPool: &buffers,
	}
}

// buffers are shared by all connections, which write seldom.
var buffers sync.Pool

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
