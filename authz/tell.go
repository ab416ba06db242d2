package authz

import (
	"context"
	"errors"
	"fmt"
	"math"
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

// Retell tells the signer everything it may not know, however much that is. It
// runs after every change before that is acknowledged, and at start. One thing
// that cannot be told does not keep the others.
//
// What was just written is read in a unit that could write: a mere look may show
// a member of a replica set that was elected a moment ago as it was before.
func (s *Service) Retell(ctx context.Context) error {
	var open []*Tell
	err := s.work.Update(ctx, func(tx unit.Tx) (err error) {
		open, err = unit.All(tx, s.t.Tells, unit.Query{Index: "done+at", Key: []any{false}}, func(t *Tell) []any { return []any{t.At, t.ID} })
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
// hands. The version of the row goes along, so that one who looked earlier and
// tells later undoes nothing. Every change has a tell of its own, so the last of
// them is never noted as done on the strength of an older look.
func (s *Service) tellOne(ctx context.Context, t *Tell) error {
	for {
		now, err := s.stands(ctx, t)
		if err != nil {
			return err
		}
		tell := s.stops.Lift
		if now.stopped {
			tell = s.stops.Stop
		}
		if err := tell(ctx, t.Kind, t.Subject, now.version); err != nil {
			return err
		}
		done, err := s.told(ctx, t, now.stopped)
		if err != nil || done {
			return err
		}
	}
}

// standing is the state of the power behind a tell.
type standing struct {
	stopped bool
	version int64 // of the row that says so
}

// final is the version of an end for good: no lift is newer.
const final = math.MaxInt64

func (s *Service) stands(ctx context.Context, t *Tell) (now standing, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		now, err = s.standsIn(tx, t)
		return err
	})
	return now, err
}

func (s *Service) standsIn(tx unit.Tx, t *Tell) (standing, error) {
	role := Agent
	switch t.Kind {
	case KindDelegation, KindDevice:
		return standing{stopped: true, version: final}, nil // nothing else is told of them
	case KindLegal:
		role = Legal
	}
	m, err := s.t.Memberships.Get(tx, t.Member)
	if err != nil {
		return standing{}, err
	}
	return standing{stopped: m.State != Active || m.Role != role, version: m.Ver}, nil
}

// told marks a tell as done if the state is still the one that was told.
func (s *Service) told(ctx context.Context, t *Tell, stopped bool) (done bool, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		now, err := s.standsIn(tx, t)
		if err != nil {
			return err
		}
		if done = now.stopped == stopped; !done {
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
