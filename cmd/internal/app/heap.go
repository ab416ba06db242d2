package app

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapFloor is how far the heap of a node may grow before it is collected. Go
// collects when the heap has doubled: with the dozen megabytes that are live in a
// small node, for every other stamp.
const heapFloor = 64 << 20

// goDefault is GOGC where nobody has set it.
const goDefault = 100

// KeepHeap lets this process collect its heap no earlier than at heapFloor; a
// process that has more to keep collects as it would anyway. Where the operator
// has set GOGC or GOMEMLIMIT, his word stands and nothing is done. It is for the
// one who owns the process, once.
func KeepHeap() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	h := newHeap(heapFloor, func(percent int) { debug.SetGCPercent(percent) })
	h.tune()
	h.again()
}

// heap sets the percentage of the collector behind each of its cycles.
type heap struct {
	floor   uint64
	set     func(percent int)
	percent int
	samples []metrics.Sample
}

func newHeap(floor uint64, set func(int)) *heap {
	return &heap{floor: floor, set: set, percent: goDefault, samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}}
}

// again tunes behind the next cycle, which is when the sentinel is gone.
func (h *heap) again() {
	sentinel := &struct{ of *heap }{h}
	runtime.AddCleanup(sentinel, func(h *heap) { h.tune(); h.again() }, h)
}

func (h *heap) tune() {
	metrics.Read(h.samples)
	live, stacks, globals := h.samples[0].Value.Uint64(), h.samples[1].Value.Uint64(), h.samples[2].Value.Uint64()
	// Each change stops the world for a moment: a small rise is not worth it.
	if p := percentFor(h.floor, live, stacks+globals); p < h.percent || p > h.percent+h.percent/8 {
		h.percent = p
		h.set(p)
	}
}

// percentFor gives the percentage at which the next cycle begins at floor, and
// goDefault where it would not begin earlier by itself. The collector takes it of
// what is live and of the roots together.
func percentFor(floor, live, roots uint64) int {
	if live >= floor {
		return goDefault
	}
	return max(goDefault, int((floor-live)*100/max(live+roots, 1<<20)))
}
