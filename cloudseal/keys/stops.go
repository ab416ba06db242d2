package keys

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// What can be stopped. Ids are what signed statements carry, so that the
// signer knows them without asking anybody.
const (
	StopDelegation   = "delegation"   // id of the delegation; final
	StopAgent        = "agent"        // MemberID: an agent's place in an organization
	StopLegal        = "legal"        // MemberID: its legal representative's
	StopDevice       = "device"       // hex hash of the device's public key
	StopSeal         = "seal"         // seal code
	StopOrganization = "organization" // USCC
	StopApplication  = "application"  // id of the declaration system
)

// stopKinds says what refusal a stop of a kind gives.
var stopKinds = map[string]*fault.Error{
	StopDelegation: fault.DelegationRevoked, StopAgent: fault.AgentNotAllowed, StopLegal: fault.NotLegalRep, StopDevice: fault.DeviceRevoked,
	StopSeal: fault.SealFrozen, StopOrganization: fault.OrgInactive,
	StopApplication: fault.AppInactive,
}

// MemberID names a person's place in an organization, as stops know it.
func MemberID(uscc, person string) string { return uscc + "." + person }

// Stop ends a power: when it returns nil, nothing will be committed under it
// any more, unless a newer Lift comes. It waits for nothing but its own write.
// Repeating it is no error.
//
// version, from 1, is that of the state the caller speaks for: of two things
// told of one power the higher version holds, in whatever order they arrive,
// and of the same version the stop. A stop that comes behind a newer lift has
// no effect and is fault.StateConflict, not nil: whoever believed that it holds
// would be wrong.
func (s *Signer) Stop(ctx context.Context, kind, id string, version int64) error {
	return s.turn(ctx, kind, id, version, true)
}

// Lift takes a stop back that is older than version; a newer one, or one of the
// same version, stays, and that is no error. A delegation never comes back: the
// legal representative grants a new one.
func (s *Signer) Lift(ctx context.Context, kind, id string, version int64) error {
	if kind == StopDelegation {
		return fault.WrongState.Becausef("a revoked delegation stays revoked")
	}
	return s.turn(ctx, kind, id, version, false)
}

func (s *Signer) turn(ctx context.Context, kind, id string, version int64, stopped bool) error {
	if stopKinds[kind] == nil || id == "" || version < 1 {
		return fmt.Errorf("keys: nothing of kind %q can be stopped in version %d", kind, version)
	}
	ids := []string{stopID(kind, id)}
	if kind == StopApplication {
		ids = laneIDs(id)
	}
	for _, row := range ids { // each by itself, so that it waits for no more than one stamp
		if err := s.turnRow(ctx, row, version, stopped); err != nil {
			return fmt.Errorf("stop or lift %s: %w", kind, err)
		}
	}
	return nil
}

func (s *Signer) turnRow(ctx context.Context, id string, version int64, stopped bool) error {
	return s.work.Update(ctx, func(tx unit.Tx) error {
		row, err := s.stops.Get(tx, id)
		if errors.Is(err, unit.ErrAbsent) {
			return retry(s.stops.Insert(tx, &Stop{Row: unit.Row{ID: id}, Stopped: stopped, Version: version, At: tx.Now()}))
		}
		if err != nil {
			return err
		}
		return s.hear(tx, row, version, stopped)
	})
}

// hear takes in what is told of a power, unless something newer was.
func (s *Signer) hear(tx unit.Tx, row *Stop, version int64, stopped bool) error {
	switch {
	case version < row.Version && stopped && !row.Stopped:
		return fault.StateConflict.Becausef("version %d is older than %d, which lifted the stop", version, row.Version)
	case version < row.Version, version == row.Version && (row.Stopped || !stopped):
		return nil
	}
	if row.Stopped != stopped {
		row.Stopped, row.At = stopped, tx.Now()
	}
	row.Version = version
	return s.stops.Replace(tx, row)
}

func stopID(kind, id string) string { return kind + ":" + id }

// lanes is how many rows say whether an application is stopped. A stamp writes
// the one that its ticket falls to, a stop all of them: with one row all stamps of
// an application would wait for each other, with sixteen hardly any two do.
const lanes = 16

// laneIDs are the rows of an application. The first speaks for those that are not
// there yet.
func laneIDs(app string) []string {
	ids := []string{stopID(StopApplication, app)}
	for n := range lanes {
		ids = append(ids, stopID(StopApplication, laneID(app, n)))
	}
	return ids
}

func laneID(app string, n int) string { return fmt.Sprintf("%s/%02d", app, n) }

// laneOf gives the row of an application that a ticket falls to.
func laneOf(app, ticket string) string {
	h := gm.SM3([]byte(ticket))
	return laneID(app, int(h[0])%lanes)
}

// power is something a signature depends on and whose end it must not outlive.
type power struct {
	kind, id string
	refusal  *fault.Error
	// first is the id of the row that speaks for this one while it is not there;
	// empty: an absent row stops nothing.
	first string
}

// powers lists what the proof depends on, in one order for all so that two
// transactions never wait for each other.
func (p *proof) powers() []power {
	list := []power{
		{kind: StopApplication, id: laneOf(p.App.ID, p.Ticket), first: stopID(StopApplication, p.App.ID), refusal: fault.AppInactive},
		{kind: StopOrganization, id: p.Principal.USCC, refusal: fault.OrgInactive},
		{kind: StopDevice, id: p.Device.Hex(), refusal: fault.DeviceRevoked},
	}
	if p.delegation == nil {
		list = append(list, power{kind: StopLegal, id: MemberID(p.Principal.USCC, p.Agent.ID), refusal: fault.NotLegalRep})
	} else {
		list = append(list,
			power{kind: StopAgent, id: MemberID(p.Principal.USCC, p.Agent.ID), refusal: fault.AgentNotAllowed},
			power{kind: StopDelegation, id: p.Delegation.ID, refusal: fault.DelegationRevoked},
			power{kind: StopLegal, id: MemberID(p.Principal.USCC, p.grantor), refusal: fault.DelegationRevoked})
	}
	if p.second != nil {
		list = append(list, p.second.powers(p.Principal.USCC)...)
	}
	for _, seal := range p.Seals {
		list = append(list, power{kind: StopSeal, id: seal.ID, refusal: fault.SealFrozen})
	}
	slices.SortFunc(list, func(a, b power) int { return strings.Compare(stopID(a.kind, a.id), stopID(b.kind, b.id)) })
	return slices.CompactFunc(list, func(a, b power) bool { return a.kind == b.kind && a.id == b.id })
}

// pass finds every power standing and writes its row: a stop that is written
// at the same time changes the same row, so only one of the two commits.
func (s *Signer) pass(tx unit.Tx, powers []power) error {
	for _, p := range powers {
		row, err := s.stops.Get(tx, stopID(p.kind, p.id))
		if errors.Is(err, unit.ErrAbsent) {
			if err := s.passFirst(tx, p); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if row.Stopped {
			return p.refusal
		}
		row.Used++
		if err := s.stops.Replace(tx, row); err != nil {
			return err
		}
	}
	return nil
}

// passFirst passes a power that has no row of its own yet, and gives it one.
func (s *Signer) passFirst(tx unit.Tx, p power) error {
	row := &Stop{Row: unit.Row{ID: stopID(p.kind, p.id)}, At: tx.Now(), Used: 1}
	if p.first != "" {
		first, err := s.stops.Get(tx, p.first)
		switch {
		case errors.Is(err, unit.ErrAbsent):
		case err != nil:
			return err
		case first.Stopped:
			return p.refusal
		default:
			row.Version = first.Version
		}
	}
	return retry(s.stops.Insert(tx, row))
}
