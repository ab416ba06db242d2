package mobileapi_test

import (
	"context"
	"sync"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
)

// shelf is httpx.Idempotency in memory, beside the nonces of a store.
type shelf struct {
	work    unit.Work
	mu      sync.Mutex // guards entries
	entries map[string]*shelved
}

type shelved struct {
	fingerprint gm.Digest
	answer      httpx.Stored
}

func (s *shelf) Begin(ctx context.Context, c httpx.Client, route, key string, fp gm.Digest) (httpx.Stored, httpx.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Spend != nil {
		if err := s.work.Update(ctx, c.Spend); err != nil {
			return httpx.Stored{}, nil, err
		}
	}
	name := c.Name + "|" + route + "|" + key
	e, ok := s.entries[name]
	switch {
	case !ok:
		s.entries[name] = &shelved{fingerprint: fp}
		return httpx.Stored{}, &onShelf{s, name}, nil
	case e.fingerprint != fp:
		return httpx.Stored{}, nil, fault.IdempotencyMismatch
	case e.answer.Status == 0:
		return httpx.Stored{}, nil, fault.IdempotencyRunning
	}
	return e.answer, nil, nil
}

// onShelf is a run of it.
type onShelf struct {
	*shelf
	name string
}

func (r *onShelf) Reads() unit.Want { return unit.Want{} }

func (r *onShelf) Keep(_ unit.Tx, a httpx.Stored) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[r.name].answer = a
	return nil
}

func (r *onShelf) Finish(_ context.Context, a httpx.Stored) error { return r.Keep(nil, a) }

func (r *onShelf) Abandon(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[r.name].answer.Status == 0 {
		delete(r.entries, r.name)
	}
	return nil
}
