package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector may let garbage pile up to as much as what is in use. With
// thousands of waiting pages most of what is in use is theirs and lies still, so
// that would double what a page costs. A node therefore gives it mostRoom, and a
// share of what is in use that keeps collecting cheap: a small node (below
// mostRoom in use) is as the runtime has it.
const (
	mostRoom  = 48 << 20 // bytes
	leastRoom = 25       // percent of what is in use
	usualRoom = 100
	roomEvery = 2 * time.Second
)

// keepRoom fits the collector to what is in use until ctx ends. An operator who
// sets GOGC has his way.
func (a *App) keepRoom(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	defer debug.SetGCPercent(usualRoom)
	for last := usualRoom; ; {
		if now := roomFor(inUse()); now > last+last/8 || now < last-last/8 {
			debug.SetGCPercent(now) // stops the world for a moment: not for little
			last = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// roomFor gives the percentage for so many bytes in use.
func roomFor(used uint64) int {
	return int(max(min(mostRoom*100/max(used, 1), usualRoom), leastRoom))
}

// inUse is what the collector measures its room by: what it found alive in the
// heap the last time, and the stacks.
func inUse() uint64 {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}}
	metrics.Read(read)
	var sum uint64
	for _, s := range read {
		if s.Value.Kind() == metrics.KindUint64 {
			sum += s.Value.Uint64()
		}
	}
	return sum
}
