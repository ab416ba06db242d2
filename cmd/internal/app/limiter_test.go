package app_test

import (
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/qrflow"
)

// What goes wrong is counted for all nodes together, ordinary events by each
// for itself.
func TestLimitsOfWrongTriesAreShared(t *testing.T) {
	t.Parallel()
	_, _, a := start(t, app.Options{})
	one, other := a.NewLimiter(), a.NewLimiter()
	rate, now := qrflow.Rate{Events: 3, Per: time.Minute}, time.Now()
	for i := range 4 {
		node := []qrflow.Limiter{one, other}[i%2]
		if wait := node.Take(now, "bad/dv_1", rate); (wait > 0) != (i == 3) {
			t.Errorf("%d: wait %s", i, wait)
		}
	}
	for _, node := range []qrflow.Limiter{one, other} {
		if node.Full(now, qrflow.Limit{Key: "bad/dv_2", Rate: rate}, qrflow.Limit{Key: "bad/dv_1", Rate: rate}) == 0 ||
			node.Full(now, qrflow.Limit{Key: "bad/dv_2", Rate: rate}) != 0 {
			t.Error("the nodes do not know of each other's")
		}
	}
	for range 3 {
		if one.Take(now, "claims/dv_1", rate) != 0 || other.Take(now, "claims/dv_1", rate) != 0 {
			t.Error("ordinary events are counted together")
		}
	}
}
