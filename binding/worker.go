package binding

import (
	"context"
	"sync"
	"time"

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

// Enqueue hands an approved ticket to the workers. A full queue loses nothing:
// the intents are stored, and Run looks at them.
func (s *Service) Enqueue(ticket string) {
	select {
	case s.queue <- ticket:
	default:
	}
}

// recoverEvery is how often open intents are looked at beside the queue.
const recoverEvery = 10 * time.Second

// Run stamps approved tickets with n workers until ctx ends, then finishes what
// is under way. What a crash or a failure left open is found at the start and
// from time to time.
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
			if err := s.seals.Stamp(context.WithoutCancel(ctx), ticket); err != nil {
				s.log.ErrorContext(ctx, "stamp not finished, will be tried again", "ticket", ticket, "error", err)
			}
		}
	}
}

func (s *Service) recoverLoop(ctx context.Context) {
	tick := time.NewTicker(recoverEvery)
	defer tick.Stop()
	for {
		if err := s.seals.Recover(context.WithoutCancel(ctx)); err != nil {
			s.log.ErrorContext(ctx, "recovery left something open", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
