package httpx

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"yunzhang.dev/authz/fault"
)

// Rate is a named limit: so many at once, then so many in a time.
type Rate struct {
	// Name appears in the fault's field limit, so that a caller knows which of
	// several limits he met.
	Name string
	// Count events are allowed in each Per.
	Count int
	Per   time.Duration
	// Burst may come at once. Default Count.
	Burst int
	// Keys bounds how many senders are told apart. Default 65536, about 10 MiB.
	// Beyond it new senders share one allowance, so that a flood of invented
	// keys can neither fill the memory nor push honest keys out.
	Keys int
}

// Limiter counts by key in memory: a restart forgets, and each node counts for
// itself. Use it against floods; limits that must hold exactly (tries of a
// number or PIN) belong to the domain and its store.
type Limiter struct {
	rate  Rate
	limit rate.Limit
	now   func() time.Time

	mu     sync.Mutex // guards what follows
	keys   map[string]*rate.Limiter
	others *rate.Limiter
	swept  time.Time
}

// NewLimiter makes a limiter. A zero Count or Per allows everything.
func NewLimiter(r Rate, now func() time.Time) *Limiter {
	r.Burst = or(r.Burst, r.Count)
	r.Keys = or(r.Keys, 1<<16)
	limit := rate.Inf
	if r.Count > 0 && r.Per > 0 {
		limit = rate.Limit(float64(r.Count) / r.Per.Seconds())
	}
	return &Limiter{
		rate: r, limit: limit, now: now,
		keys:   make(map[string]*rate.Limiter),
		others: rate.NewLimiter(limit, r.Burst),
	}
}

// Allow takes one event of key from its allowance, or gives fault.SlowDown with
// the time after which the next one would pass. A refused event costs nothing.
func (l *Limiter) Allow(key string) error {
	now := l.now()
	r := l.bucket(key, now).ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if r.OK() && wait == 0 {
		return nil
	}
	r.CancelAt(now)
	return fault.SlowDown.With("limit", l.rate.Name).After(wait)
}

func (l *Limiter) bucket(key string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.keys[key]; ok {
		return b
	}
	if len(l.keys) >= l.rate.Keys {
		l.sweep(now)
	}
	if len(l.keys) >= l.rate.Keys {
		return l.others
	}
	b := rate.NewLimiter(l.limit, l.rate.Burst)
	l.keys[key] = b
	return b
}

// sweepEvery bounds how often a full table is walked.
const sweepEvery = time.Second

// sweep forgets keys whose allowance is whole again: a new bucket is the same.
func (l *Limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = now
	for key, b := range l.keys {
		if b.TokensAt(now) >= float64(l.rate.Burst) {
			delete(l.keys, key)
		}
	}
}
