package keys

import (
	"sync"
	"time"
)

// refusals counts refused evidence by the minute. A restart forgets, which gives
// whoever can restart the signer no more than that.
type refusals struct {
	most int

	mu    sync.Mutex // guards what follows
	since time.Time
	n     int
}

func newRefusals(most int) *refusals {
	if most == 0 {
		most = DefaultRefusals
	}
	return &refusals{most: most}
}

// wait is how long nothing is looked at, 0 when something is.
func (r *refusals) wait(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := r.since.Add(time.Minute).Sub(now); r.n >= r.most && left > 0 {
		return left
	}
	return 0
}

func (r *refusals) count(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.since) >= time.Minute {
		r.since, r.n = now, 0
	}
	r.n++
}
