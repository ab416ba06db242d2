package embedded

import (
	"fmt"
	"sync/atomic"
	"time"
)

// MaxClockLag is how far the clock may be behind the newest record when the
// store is opened (protocol.md §3.3). A small step back is bridged by the
// floor; a larger one means a wrong clock, and deadlines would be decided by it.
const MaxClockLag = 2 * time.Second

// clock gives whole milliseconds that never go back, across restarts too: its
// floor is stored with every commit.
type clock struct {
	now   func() time.Time
	floor atomic.Int64 // Unix milliseconds
}

func (c *clock) read() time.Time {
	now := c.now().UnixMilli()
	for {
		floor := c.floor.Load()
		if now <= floor {
			return time.UnixMilli(floor).UTC()
		}
		if c.floor.CompareAndSwap(floor, now) {
			return time.UnixMilli(now).UTC()
		}
	}
}

// start sets the floor to the newest record, or refuses a clock far behind it.
func (c *clock) start(last int64) error {
	newest := time.UnixMilli(last).UTC()
	if lag := newest.Sub(c.now()); lag > MaxClockLag {
		return fmt.Errorf("the clock of this machine is %s behind the newest record (%s): set the clock",
			lag.Round(time.Millisecond), newest.Format(time.RFC3339))
	}
	c.floor.Store(last)
	return nil
}
