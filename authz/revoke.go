package authz

import (
	"context"
	"errors"
	"strings"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// What a revocation can end.
const (
	KindDelegation = "delegation"
	KindAgent      = "agent"  // membership of an agent
	KindDevice     = "device" // by its owner
)

// DraftRevocation drafts the end of a delegation or of an agent's place (by
// the legal representative) or of a device (by its owner). It has no friction:
// no fresh evidence is asked.
func (s *Service) DraftRevocation(ctx context.Context, who Caller, kind, id, reason string) (*Act, error) {
	r := statement.Revocation{
		Nonce: newNonce(), Issuer: s.issuer, Kind: kind, Person: statement.Person{ID: who.Person.ID, Name: who.Person.Name},
		Device: keyDigest(who.Device), Reason: reason, IssuedAt: seconds(s.now()),
	}
	a := &Act{Kind: ActRevocation, Subject: kind + ":" + id}
	err := s.work.View(ctx, func(tx unit.Tx) error {
		org, hash, err := s.revocable(tx, who, kind, id)
		if err != nil {
			return err
		}
		r.Subject = statement.Ref{ID: id, Hash: hash}
		if org != nil {
			r.Org, a.Org = statement.Org{USCC: org.USCC, Name: org.Name}, org.ID
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	bytes, err := r.Bytes()
	if err != nil {
		return nil, fault.StatementBad.Because(err)
	}
	return s.draft(ctx, who, a, bytes)
}

// revocable finds what may be ended by this caller, the hash that names its
// version, and the organization it belongs to.
func (s *Service) revocable(tx unit.Tx, who Caller, kind, id string) (*Organization, gm.Digest, error) {
	switch kind {
	case KindDelegation:
		d, err := s.t.Delegations.Get(tx, id)
		if err != nil {
			return nil, gm.Digest{}, absentAs(err, fault.Absent)
		}
		org, err := s.Represented(tx, who, d.Org)
		return org, d.Statement.Hash(), foreign(err)
	case KindAgent:
		m, err := s.t.Memberships.Get(tx, id)
		if err != nil || m.Role != Agent {
			return nil, gm.Digest{}, absentAs(errors.Join(err, unit.ErrAbsent), fault.Absent)
		}
		org, err := s.Represented(tx, who, m.Org)
		return org, gm.SM3([]byte(id)), foreign(err)
	case KindDevice:
		d, err := s.t.Devices.Get(tx, id)
		if err != nil || d.Person != who.Person.ID {
			return nil, gm.Digest{}, absentAs(errors.Join(err, unit.ErrAbsent), fault.Absent)
		}
		if d.ID != who.Device.ID {
			return nil, keyDigest(*d), s.cooled(tx, who.Device.ID)
		}
		return nil, keyDigest(*d), nil
	}
	return nil, gm.Digest{}, fault.BadRequest
}

// cooled refuses a device that is still cooling: the time is there so that the
// owner can object on his other devices, which it must not end.
func (s *Service) cooled(tx unit.Tx, device string) error {
	d, err := s.t.Devices.Get(tx, device)
	if err != nil {
		return absentAs(err, fault.DeviceUnknown)
	}
	if tx.Now().Before(d.CoolUntil) {
		return fault.DeviceCooling.With("until", d.CoolUntil)
	}
	return nil
}

// foreign answers for somebody else's row as for one that is not there.
func foreign(err error) error {
	if errors.Is(err, fault.NotLegalRep) {
		return fault.Absent
	}
	return err
}

// revoke performs a signed revocation. Ending what has ended is no error.
func (s *Service) revoke(tx unit.Tx, a *Act) error {
	r, err := statement.ParseRevocation(a.Statement.Bytes)
	if err != nil {
		return fault.StatementBad.Because(err)
	}
	who := Caller{Person: Person{Row: unit.Row{ID: a.Person}}, Device: Device{Row: unit.Row{ID: a.Device}}}
	if _, _, err := s.revocable(tx, who, r.Kind, r.Subject.ID); err != nil {
		return err
	}
	switch r.Kind {
	case KindDelegation:
		return s.endDelegation(tx, r.Subject.ID, a.ID)
	case KindAgent:
		if err := s.mustTellPlace(tx, r.Org.USCC, r.Subject.ID); err != nil {
			return err
		}
		return s.withdraw(tx, r.Subject.ID, a.ID)
	}
	return s.endDevice(tx, r.Subject.ID)
}

func (s *Service) endDelegation(tx unit.Tx, id, act string) error {
	d, err := s.t.Delegations.Get(tx, id)
	if err != nil || d.State == Revoked {
		return err
	}
	d.State, d.Revoked = Revoked, act
	if err := s.mustTell(tx, KindDelegation, d.ID, ""); err != nil {
		return err
	}
	return s.t.Delegations.Replace(tx, d)
}

// withdraw ends an agent's place and with it every delegation he holds there.
func (s *Service) withdraw(tx unit.Tx, membership, act string) error {
	m, err := s.t.Memberships.Get(tx, membership)
	if err != nil {
		return err
	}
	m.State = Revoked
	if err := s.t.Memberships.Replace(tx, m); err != nil {
		return err
	}
	held, err := s.heldBy(tx, membership)
	if err != nil {
		return err
	}
	for _, d := range held {
		if err := s.endDelegation(tx, d.ID, act); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) endDevice(tx unit.Tx, id string) error {
	d, err := s.t.Devices.Get(tx, id)
	if err != nil || d.State == Revoked {
		return err
	}
	d.State = Revoked
	if err := s.mustTell(tx, KindDevice, d.KeyHash, ""); err != nil {
		return err
	}
	return s.t.Devices.Replace(tx, d)
}

// MemberStop names a person's place in an organization as the signer knows it:
// by what signed statements carry.
func MemberStop(uscc, person string) string { return uscc + "." + person }

// personOf is the person of a MembershipID.
func personOf(membership string) string {
	_, person, _ := strings.Cut(membership, ".")
	return person
}

// heldBy lists the delegations of a membership, by its id.
func (s *Service) heldBy(tx unit.Tx, membership string) ([]*Delegation, error) {
	m, err := s.t.Memberships.Get(tx, membership)
	if err != nil {
		return nil, err
	}
	q := unit.Query{Index: "agent+org+app+notAfter", Key: []any{m.Person, m.Org}}
	return unit.All(tx, s.t.Delegations, q, func(d *Delegation) []any { return []any{d.App, d.NotAfter, d.ID} })
}

// givenIn lists the delegations of an organization, those that have ended as well.
func (s *Service) givenIn(tx unit.Tx, org string) ([]*Delegation, error) {
	q := unit.Query{Index: "org", Key: []any{org}}
	return unit.All(tx, s.t.Delegations, q, func(d *Delegation) []any { return []any{d.ID} })
}
