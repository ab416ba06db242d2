package cloudseal

import (
	"context"
	"fmt"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/status"
)

// The acts on a seal's state, by the legal representative; subject: the seal.
const (
	ActFreeze   = "freeze-seal"
	ActUnfreeze = "unfreeze-seal"
)

// Freeze stops a seal for a while. It returns nil only when the signer knows:
// from then on nothing is stamped with the seal. Freezing a frozen seal is no
// error. act is the signed ActFreeze.
func (s *Service) Freeze(ctx context.Context, code, act string) error {
	return s.turn(ctx, code, act, ActFreeze, status.Frozen)
}

// Unfreeze makes a frozen seal usable again. act is the signed ActUnfreeze; an act
// on the strength of a request alone, which is enough to freeze, is
// fault.Signature.
func (s *Service) Unfreeze(ctx context.Context, code, act string) error {
	return s.turn(ctx, code, act, ActUnfreeze, status.Usable)
}

func (s *Service) turn(ctx context.Context, code, act, kind string, to status.State) error {
	if err := s.tellSigner(ctx, code); err != nil { // one change at a time
		return err
	}
	err := s.Work.Update(ctx, func(tx unit.Tx) error {
		seal, err := s.SealIn(tx, code)
		if err != nil {
			return err
		}
		if seal.Change.Act == act {
			return nil // done, and asked again for want of an answer
		}
		signed, err := s.Acts.Take(tx, act, "", code)
		if err != nil {
			return err
		}
		if err := s.mayTurn(tx, seal, signed, kind); err != nil {
			return err
		}
		if seal.State == to {
			return nil
		}
		return s.enter(tx, seal, to, signed, act)
	})
	if err != nil {
		return err
	}
	return s.tellSigner(ctx, code)
}

// mayTurn: the act is about this seal, by the one who represents its owner.
// Somebody else's seal is as absent as one that does not exist.
func (s *Service) mayTurn(tx unit.Tx, seal *Seal, act SignedAct, kind string) error {
	holder, err := s.Holders.Holder(tx, seal.Org)
	if err != nil {
		return err
	}
	switch {
	case holder.Legal.ID == "" || act.Person.ID != holder.Legal.ID:
		return fault.Absent
	case kind == ActUnfreeze && len(act.Signed.Sig) == 0:
		return fault.Signature.Becausef("what gives power is signed behind the PIN")
	case act.Act != kind || act.Opinion != statement.Approve || act.Subject.ID != seal.ID || act.Org.USCC != seal.Org:
		return fault.StatementChanged
	}
	return nil
}

// enter writes the seal's next state and the record. From now on no approval
// is taken for a seal that is not usable; what was approved before may still
// pass the signer until he knows.
//
// The event belongs to the time between: the end of usability counts from when
// the signer knew, its return from before he knew, so that no stamp he made
// ever lies in a time when the history says that the seal was stopped.
func (s *Service) enter(tx unit.Tx, seal *Seal, to status.State, act SignedAct, id string) error {
	if !seal.Told {
		return fault.StateConflict
	}
	if !seal.State.CanBecome(to) {
		return fault.SealUnusable
	}
	seal.State, seal.Told, seal.Marked = to, false, true
	seal.Change = Change{N: seal.Change.N + 1, Act: id, Reason: act.Note}
	if to.Final() {
		seal.Owned = seal.ID
	}
	if to == status.Usable {
		if err := s.addEvent(tx, seal); err != nil {
			return err
		}
	}
	if err := s.t.Seals.Replace(tx, seal); err != nil {
		return err
	}
	return s.record(tx, audit.Record{
		Actor: act.Person.ID, Role: "legal", Action: "seal." + string(to), Object: seal.ID, Org: seal.Org, Evidence: act.Signed.Hash(),
	})
}

func (s *Service) addEvent(tx unit.Tx, seal *Seal) error {
	seal.Events++
	return s.t.Events.Insert(tx, &Event{
		Row: unit.Row{ID: EventID(seal.ID, seal.Events)}, Seal: seal.ID, N: seal.Events, State: seal.State,
		From: tx.Now(), Reason: seal.Change.Reason, Act: seal.Change.Act,
	})
}

// tellSigner makes the signer know the seal's state, if he does not yet. When
// there was another change by then, because somebody else told him and went on,
// what was said here came too late to count and he is told of that change. The
// seal is read in a unit that could write, not in a mere look, which may lag
// behind on a member that was elected a moment ago.
func (s *Service) tellSigner(ctx context.Context, code string) error {
	var seal *Seal
	err := s.Work.Update(ctx, func(tx unit.Tx) (err error) {
		seal, err = s.SealIn(tx, code)
		return err
	})
	if err != nil || seal.Told {
		return err
	}
	for done := false; !done; {
		told := seal.Change.N
		tell := s.Stops.Stop
		if seal.State == status.Usable {
			tell = s.Stops.Lift
		}
		if err := tell(ctx, keys.StopSeal, code, told); err != nil {
			return fmt.Errorf("tell the signer of seal %s: %w", code, err)
		}
		if seal, done, err = s.markTold(ctx, code, told); err != nil {
			return err
		}
	}
	return nil
}

// markTold notes that the signer knows; false when he was told of a change that
// is not the last, and nobody has told him of that.
func (s *Service) markTold(ctx context.Context, code string, told int64) (seal *Seal, done bool, err error) {
	err = s.Work.Update(ctx, func(tx unit.Tx) error {
		if seal, err = s.SealIn(tx, code); err != nil {
			return err
		}
		if done = seal.Told || seal.Change.N == told; !done || seal.Told {
			return nil
		}
		if seal.State != status.Usable {
			if err := s.addEvent(tx, seal); err != nil {
				return err
			}
		}
		seal.Told = true
		return s.t.Seals.Replace(tx, seal)
	})
	return seal, done, err
}
