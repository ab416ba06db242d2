package binding

import (
	"context"
	"errors"
	"sync"
	"time"

	"yunzhang.dev/cloudseal"
	"yunzhang.dev/qrflow"
)

// Approve takes a phone's approval and, for a stamp, has it stamped at once.
// The answer does not wait for the stamp.
func (s *Service) Approve(ctx context.Context, c qrflow.Claimant, r qrflow.ApproveRequest) (qrflow.Result, error) {
	result, err := s.flow.Approve(ctx, c, r)
	if err == nil {
		s.Enqueue(result.Ticket) // a ticket without intents is nothing to do
	}
	return result, err
}

// Enqueue hands an approved ticket to the workers of this node. A full queue, or
// a node that dies with it, loses nothing: the intents are stored, and every
// node's Run looks at them.
func (s *Service) Enqueue(ticket string) {
	select {
	case s.queue <- ticket:
	default:
	}
}

// Open intents are looked at beside the queue every recoverEvery, and taken when
// nobody works on them and they are older than queued: younger ones wait in the
// queue of the node that took the approval.
const (
	recoverEvery = 5 * time.Second
	queued       = 2 * time.Second
)

// Run stamps approved tickets with n workers until ctx ends, then finishes what
// is under way. What a crash or a failure of any node left open is found from
// time to time.
func (s *Service) Run(ctx context.Context, n int) {
	var workers sync.WaitGroup
	for range n {
		workers.Go(func() { s.stampQueue(ctx) })
	}
	s.recoverLoop(ctx)
	workers.Wait()
}

func (s *Service) stampQueue(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case ticket := <-s.queue:
			// A stamp that has begun is finished, whatever happens to ctx.
			err := s.seals.Stamp(context.WithoutCancel(ctx), ticket)
			if err != nil && !errors.Is(err, cloudseal.ErrLeased) {
				s.log.ErrorContext(ctx, "stamp not finished, will be tried again", "ticket", ticket, "error", err)
			}
		}
	}
}

func (s *Service) recoverLoop(ctx context.Context) {
	tick := time.NewTicker(recoverEvery)
	defer tick.Stop()
	for {
		if err := s.seals.RecoverStamps(ctx, queued); err != nil {
			s.log.ErrorContext(ctx, "recovery left stamps open", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
