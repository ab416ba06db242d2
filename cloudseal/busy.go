package cloudseal

import (
	"context"
	"sync"
)

// busy lets one worker at a time near a ticket. Two would do no harm, the
// signer and the store see to that; they would only do the work twice.
type busy struct {
	mu  sync.Mutex
	now map[string]chan struct{}
}

func newBusy() *busy { return &busy{now: map[string]chan struct{}{}} }

// take waits until nobody works on the ticket. The caller calls the result
// when it is through.
func (b *busy) take(ctx context.Context, ticket string) (release func(), err error) {
	for {
		b.mu.Lock()
		other, taken := b.now[ticket]
		if !taken {
			mine := make(chan struct{})
			b.now[ticket] = mine
			b.mu.Unlock()
			return func() { b.leave(ticket, mine) }, nil
		}
		b.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// with reports whether somebody works on the ticket.
func (b *busy) with(ticket string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now[ticket] != nil
}

func (b *busy) leave(ticket string, mine chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.now, ticket)
	close(mine)
}
