// Package httpxtest is what tests of the rooms over web/httpx share. It owns no
// tests of its own and is never linked into a program.
package httpxtest

import (
	"context"
	"sync"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
)

// Shelf is httpx.Idempotency in memory. The zero value is empty.
type Shelf struct {
	Work   unit.Work // where clients spend; nil: they get no transaction
	Broken error     // what Finish answers

	mu      sync.Mutex // guards entries
	entries map[string]*entry
}

type entry struct {
	fingerprint gm.Digest
	answer      httpx.Stored
}

// Begin implements httpx.Idempotency.
func (s *Shelf) Begin(ctx context.Context, c httpx.Client, route, key string, fp gm.Digest) (httpx.Stored, httpx.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.spend(ctx, c); err != nil {
		return httpx.Stored{}, nil, err
	}
	name := c.Name + "|" + route + "|" + key
	e, ok := s.entries[name]
	switch {
	case !ok:
		if s.entries == nil {
			s.entries = map[string]*entry{}
		}
		s.entries[name] = &entry{fingerprint: fp}
		return httpx.Stored{}, &run{s, name}, nil
	case e.fingerprint != fp:
		return httpx.Stored{}, nil, fault.IdempotencyMismatch
	case e.answer.Status == 0:
		return httpx.Stored{}, nil, fault.IdempotencyRunning
	}
	return e.answer, nil, nil
}

func (s *Shelf) spend(ctx context.Context, c httpx.Client) error {
	switch {
	case c.Spend == nil:
		return nil
	case s.Work == nil:
		return c.Spend(nil)
	}
	return s.Work.Update(ctx, c.Spend)
}

// Fingerprints gives those of all records, by client, route and key.
func (s *Shelf) Fingerprints() map[string]gm.Digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]gm.Digest, len(s.entries))
	for name, e := range s.entries {
		all[name] = e.fingerprint
	}
	return all
}

// run is a run of a shelf.
type run struct {
	*Shelf
	name string
}

// Reads implements httpx.Run.
func (r *run) Reads() unit.Want { return unit.Want{} }

// Keep implements httpx.Run.
func (r *run) Keep(_ unit.Tx, a httpx.Stored) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[r.name].answer = a
	return nil
}

// Finish implements httpx.Run.
func (r *run) Finish(_ context.Context, a httpx.Stored) error {
	if r.Broken != nil {
		return r.Broken
	}
	return r.Keep(nil, a)
}

// Abandon implements httpx.Run.
func (r *run) Abandon(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[r.name].answer.Status == 0 {
		delete(r.entries, r.name)
	}
	return nil
}
