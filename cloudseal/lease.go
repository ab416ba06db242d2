package cloudseal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/keys"
)

// ErrLeased: another node works on the ticket. It is its to finish, or
// anybody's when its time is over.
var ErrLeased = errors.New("cloudseal: another node works on this ticket")

// Lease is who works on a ticket's stamps just now. It stands in the ticket's
// first intent. Two at work would do no harm to the stamps, the signer's journal
// sees to that; the fence keeps the one that was overtaken from writing an end.
type Lease struct {
	Holder string    `bson:"holder"` // name of a node; "": nobody yet
	Fence  int64     `bson:"fence"`  // grows with every holder
	Until  time.Time `bson:"until"`  // by the store's time; then it is anybody's
}

// freeFor reports whether a node may take the work. A node that comes back
// under its name need not wait for its own lease to end.
func (c Lease) freeFor(node string, now time.Time) bool {
	return c.Holder == "" || c.Holder == node || !now.Before(c.Until)
}

// lease takes the ticket for this node and has it begin, in one transaction. A
// refusal to begin is given back with the lease taken: the ticket ended before,
// and it is this node's to write that.
func (s *Service) lease(ctx context.Context, w *work) error {
	began := s.Work.Update(ctx, func(tx unit.Tx) error {
		if err := s.takeLease(tx, w); err != nil {
			return err
		}
		return s.Outcome.Begin(tx, w.ticket)
	})
	if keys.Refusal(began) == nil {
		return began
	}
	if err := s.Work.Update(ctx, func(tx unit.Tx) error { return s.takeLease(tx, w) }); err != nil {
		return err
	}
	return began
}

func (s *Service) takeLease(tx unit.Tx, w *work) error {
	in, err := s.t.Intents.Get(tx, w.items[0].intent.ID)
	if err != nil {
		return err
	}
	if in.State != OpenIntent || !in.Lease.freeFor(s.Node, tx.Now()) {
		return ErrLeased // or finished, by whoever had it
	}
	in.Lease = Lease{Holder: s.Node, Fence: in.Lease.Fence + 1, Until: tx.Now().Add(s.Limits.Lease)}
	w.lease = in.Lease
	return s.t.Intents.Replace(tx, in)
}

// keep prolongs the lease when a good part of it is over: a batch may take
// longer than one lease lasts.
func (s *Service) keep(ctx context.Context, w *work) error {
	if s.Now().Before(w.lease.Until.Add(-s.Limits.Lease / 2)) {
		return nil
	}
	err := s.Work.Update(ctx, func(tx unit.Tx) error {
		in, err := s.t.Intents.Get(tx, w.items[0].intent.ID)
		if err != nil {
			return err
		}
		if in.State != OpenIntent || in.Lease.Fence != w.lease.Fence {
			return ErrLeased
		}
		in.Lease.Until = tx.Now().Add(s.Limits.Lease)
		w.lease = in.Lease
		return s.t.Intents.Replace(tx, in)
	})
	if err != nil {
		return fmt.Errorf("keep the lease: %w", err)
	}
	return nil
}
