package httpx

import (
	"net/netip"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

// Budget bounds how many bytes of request bodies are in memory at once: in all,
// and from one sender, so that he alone cannot shut the others out. Every body is
// bounded by its route; only this bounds their sum, which is taken before the
// first byte is read and given back with the answer.
type Budget struct {
	total, share int

	mu   sync.Mutex // guards what follows
	held int
	by   map[string]int
}

// comeBack is when whoever found no room should try again: by then the bodies in
// front of his have mostly arrived and been dealt with.
const comeBack = 2 * time.Second

// NewBudget makes a Budget of so many bytes, and so many for one sender. A share
// smaller than the largest body would refuse that for ever.
func NewBudget(total, share int) *Budget {
	return &Budget{total: total, share: share, by: map[string]int{}}
}

// Take takes n bytes for a sender; the caller calls back when they are free
// again. fault.SlowDown when there is no room for them.
func (b *Budget) Take(sender string, n int) (back func(), err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.held+n > b.total:
		return nil, fault.SlowDown.After(comeBack).With("limit", "body-bytes")
	case b.by[sender]+n > b.share:
		return nil, fault.SlowDown.After(comeBack).With("limit", "body-bytes-per-address")
	}
	b.held += n
	b.by[sender] += n
	return func() { b.giveBack(sender, n) }, nil
}

func (b *Budget) giveBack(sender string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	if b.by[sender] -= n; b.by[sender] == 0 {
		delete(b.by, sender)
	}
}

// Sender names where a request comes from, for limits: who has one IPv6 address
// has a whole /64 of them.
func Sender(c *fiber.Ctx) string {
	ip := ClientIP(c)
	if ip.Is6() {
		return netip.PrefixFrom(ip, 64).Masked().String()
	}
	return ip.String()
}
