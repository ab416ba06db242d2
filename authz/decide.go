package authz

import (
	"slices"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
)

// Ask is what somebody wants to do.
type Ask struct {
	Action Action
	App    string          // application it is done for
	Seals  []statement.Ref // seals to be used, with the hash of their present version; nil unless stamping
	Uses   int             // slots wanted, one a document; 0 means 1
	// Person, when set, is the only one who may do it (the expected subject).
	Person string
	// SecondGiven says that a passkey assertion accompanies the signature.
	SecondGiven bool
}

// Facts is everything Decide looks at, read once in one transaction.
// Delegation is nil when the person acts as owner or has none.
type Facts struct {
	Person     Person
	Device     Device
	Org        Organization
	Membership *Membership // of Person in Org
	Legal      *Membership // of Org.Legal in Org
	Delegation *Delegation
	Policy     Policy

	// What only the asker can find out, each answered in its turn; nil also when
	// nobody looked. NotExpected: the person is no longer whom the request was
	// for (check 13). Unproved: the delegation is not what its grantor signed, or
	// not what the statement names (check 14).
	NotExpected error
	Unproved    error
}

// Policy is the part of the configuration that decides.
type Policy struct {
	// EvidenceAge is how old a real-person authentication may be for acts that
	// need a fresh one.
	EvidenceAge time.Duration
	// RegistryAge is how old the registry's word on the legal representative
	// may be.
	RegistryAge time.Duration
	// Tiers are the device tiers admitted.
	Tiers []Tier
}

// Owner reports whether the person acts as the organization's legal
// representative rather than under a delegation.
func (f *Facts) Owner() bool {
	return f.Membership != nil && f.Membership.Role == Legal
}

// Decide answers whether the person may do what is asked at this time: nil, or
// the fault that says why not. It is pure; the order of its checks is the order
// of protocol.md §2.7, cheap and general before dear and particular.
func Decide(f Facts, a Ask, now time.Time) error {
	for _, check := range []func(*Facts, Ask, time.Time) error{
		decideDevice, decideTier, decideSubject, decideMembership, decideDelegation, decideOrganization,
	} {
		if err := check(&f, a, now); err != nil {
			return err
		}
	}
	return nil
}

// decideDevice: check 3. A device that is still cooling may log in only.
func decideDevice(f *Facts, a Ask, now time.Time) error {
	if err := f.Device.standing(); err != nil {
		return err
	}
	switch {
	case f.Device.Person != f.Person.ID:
		return fault.DeviceRevoked
	case a.Action != Login && now.Before(f.Device.CoolUntil):
		return fault.DeviceCooling.With("until", f.Device.CoolUntil)
	}
	return nil
}

// decideTier: checks 10 and 12.
func decideTier(f *Facts, a Ask, _ time.Time) error {
	if !slices.Contains(f.Policy.Tiers, f.Device.Tier) {
		return fault.Tier
	}
	if f.Device.Passkey.Credential != "" && !a.SecondGiven {
		return fault.SignatureHW
	}
	return nil
}

// decideSubject: check 13.
func decideSubject(f *Facts, a Ask, _ time.Time) error {
	if f.Person.State != Active {
		return fault.Subject
	}
	if a.Person != "" && a.Person != f.Person.ID {
		return fault.Subject
	}
	return f.NotExpected
}

// decideMembership: the first half of check 14. An agent who is not approved
// has no place here, whatever statement he holds.
func decideMembership(f *Facts, _ Ask, _ time.Time) error {
	m := f.Membership
	switch {
	case m == nil:
		return fault.Subject
	case m.Role == Legal && (m.State != Active || f.Org.Legal != f.Person.ID):
		return fault.NotLegalRep
	case m.State != Active:
		return fault.AgentNotAllowed
	}
	return nil
}

// decideDelegation: check 14. The owner needs none.
func decideDelegation(f *Facts, a Ask, now time.Time) error {
	if f.Owner() {
		return nil
	}
	d := f.Delegation
	if d == nil || d.Org != f.Org.ID || d.Agent != f.Person.ID {
		return fault.DelegationNone
	}
	switch {
	case d.State != Active:
		return fault.DelegationRevoked
	case d.App != a.App || !slices.Contains(d.Actions, a.Action) || !covers(d.Seals, a.Seals):
		return fault.DelegationScope
	case now.Before(d.NotBefore) || !now.Before(d.NotAfter):
		return fault.DelegationExpired
	case a.Action == Stamp && d.Left() < max(a.Uses, 1):
		return fault.DelegationLimit
	}
	return f.Unproved
}

// decideOrganization: check 15. A delegation lives only as long as its grantor
// represents the organization.
func decideOrganization(f *Facts, _ Ask, now time.Time) error {
	switch {
	case f.Org.State != Active:
		return fault.OrgInactive
	case f.Legal == nil || f.Legal.State != Active || f.Legal.Person != f.Org.Legal:
		return fault.OrgInactive
	case f.Delegation != nil && !f.Owner() && f.Delegation.Grantor != f.Org.Legal:
		return fault.DelegationRevoked
	case now.Sub(f.Org.CheckedAt) > f.Policy.RegistryAge:
		return fault.RegistrySilent
	}
	return nil
}

// covers reports whether every wanted seal is granted in exactly the version
// that the grantor saw.
func covers(granted, wanted []statement.Ref) bool {
	for _, w := range wanted {
		if !slices.Contains(granted, w) {
			return false
		}
	}
	return true
}
