package authz

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/unit"
)

// KindLegal is what the signer knows of a legal representative's place, apart
// from an agent's: who was dethroned and is approved as an agent later has the
// one and not the other.
const KindLegal = "legal"

// Tell is something the signer must learn: that the state of a power changed.
// It is written in the transaction of the change, so that no crash can lose
// it, and it does not say what the state is: the one who tells looks.
type Tell struct {
	unit.Row `bson:",inline"`
	Kind     string    `bson:"kind"`    // KindDelegation, KindDevice, KindAgent, KindLegal
	Subject  string    `bson:"subject"` // as the signer knows it
	Member   string    `bson:"member"`  // membership, for KindAgent and KindLegal
	Done     bool      `bson:"done"`
	At       time.Time `bson:"at"`
}

// mustTell notes, in the transaction of a change, that the signer has to know.
func (s *Service) mustTell(tx unit.Tx, kind, subject, member string) error {
	return s.t.Tells.Insert(tx, &Tell{
		Row: unit.Row{ID: unit.NewID("tl")}, Kind: kind, Subject: subject, Member: member, At: tx.Now(),
	})
}

// mustTellPlace is mustTell for both roles a membership may stand for.
func (s *Service) mustTellPlace(tx unit.Tx, uscc, membership string) error {
	subject := MemberStop(uscc, personOf(membership))
	return errors.Join(s.mustTell(tx, KindAgent, subject, membership), s.mustTell(tx, KindLegal, subject, membership))
}

// Retell tells the signer everything it may not know. It runs after every
// change before that is acknowledged, and at start. One thing that cannot be
// told does not keep the others.
func (s *Service) Retell(ctx context.Context) error {
	var open []*Tell
	err := s.work.View(ctx, func(tx unit.Tx) (err error) {
		open, err = s.t.Tells.Find(tx, unit.Query{Index: "done+at", Key: []any{false}})
		return err
	})
	for _, t := range open {
		if one := s.tellOne(ctx, t); one != nil {
			err = errors.Join(err, fmt.Errorf("tell the signer of %s: %w", t.Kind, one))
		}
	}
	return err
}

// tellOne tells the state as it is now, and again while it changes under its
// hands: whoever tells last tells what is true.
func (s *Service) tellOne(ctx context.Context, t *Tell) error {
	for {
		stopped, err := s.stopped(ctx, t)
		if err != nil {
			return err
		}
		tell := s.stops.Lift
		if stopped {
			tell = s.stops.Stop
		}
		if err := tell(ctx, t.Kind, t.Subject); err != nil {
			return err
		}
		done, err := s.told(ctx, t, stopped)
		if err != nil || done {
			return err
		}
	}
}

// stopped is the state of the power behind a tell.
func (s *Service) stopped(ctx context.Context, t *Tell) (stopped bool, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		stopped, err = s.stoppedIn(tx, t)
		return err
	})
	return stopped, err
}

func (s *Service) stoppedIn(tx unit.Tx, t *Tell) (bool, error) {
	role := Agent
	switch t.Kind {
	case KindDelegation, KindDevice:
		return true, nil // their end is final, and nothing else is told of them
	case KindLegal:
		role = Legal
	}
	m, err := s.t.Memberships.Get(tx, t.Member)
	if err != nil {
		return false, err
	}
	return m.State != Active || m.Role != role, nil
}

// told marks a tell as done if the state is still the one that was told.
func (s *Service) told(ctx context.Context, t *Tell, stopped bool) (done bool, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		now, err := s.stoppedIn(tx, t)
		if err != nil {
			return err
		}
		if done = now == stopped; !done {
			return nil
		}
		fresh, err := s.t.Tells.Get(tx, t.ID)
		if err != nil || fresh.Done {
			return err
		}
		fresh.Done = true
		return s.t.Tells.Replace(tx, fresh)
	})
	return done, err
}
