package app_test

import (
	"runtime"
	"testing"

	"yunzhang.dev/cmd/internal/app"
)

func TestHeapFloor(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, row := range []struct {
		live, roots uint64
		want        int
	}{
		{0, 0, 6400},
		{4 * mib, 0, 1500},
		{12 * mib, mib, 400},
		{32 * mib, 0, 100},
		{20 * mib, 100 * mib, 100}, // twenty thousand pages wait: their stacks count, too
		{500 * mib, 0, 100},
	} {
		if got := app.PercentFor(64*mib, row.live, row.roots); got != row.want {
			t.Errorf("%d MiB live, %d MiB roots: %d %%, want %d", row.live/mib, row.roots/mib, got, row.want)
		}
	}
}

// The collector is told behind its cycles, not once: what is live changes.
func TestHeapIsWatched(t *testing.T) {
	t.Parallel()
	told := make(chan int)
	app.WatchHeap(func(percent int) {
		select {
		case told <- percent:
		case <-t.Context().Done(): // it goes on as long as the process
		}
	})
	for n := range 3 {
		for waiting := true; waiting; {
			runtime.GC()
			select {
			case <-told:
				waiting = false
			default:
				runtime.Gosched()
			}
		}
		t.Logf("cycle %d told", n+1)
	}
}
