package authz

import (
	"errors"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// Facts reads what Decide needs for a person at a device acting in an
// organization. delegation names the one to use; with "" the best of his
// delegations for the ask is chosen: one that Decide accepts, the soonest to
// end first, so that the narrow one is used before the wide one.
func (s *Service) Facts(tx unit.Tx, device, org, delegation string, a Ask) (Facts, error) {
	f := Facts{Policy: s.policy}
	if err := s.identify(tx, &f, device); err != nil {
		return Facts{}, err
	}
	o, err := s.t.Organizations.Get(tx, org)
	if err != nil {
		return Facts{}, absentAs(err, fault.Subject)
	}
	f.Org = *o
	if f.Membership, err = s.membership(tx, org, f.Person.ID); err != nil {
		return Facts{}, err
	}
	if f.Legal, err = s.membership(tx, org, o.Legal); err != nil {
		return Facts{}, err
	}
	if f.Owner() {
		return f, nil
	}
	if delegation != "" {
		f.Delegation, err = s.t.Delegations.Get(tx, delegation)
		return f, absentAs(err, fault.DelegationNone)
	}
	return f, s.choose(tx, &f, a)
}

// Needs names what Facts, Rely and TakeSlots will read and write for a decision
// over facts like these, which were read before: a hint for unit.Fetch. uses is
// how many slots will be taken.
func (s *Service) Needs(f *Facts, uses int) []unit.Want {
	devices, delegations := []string{f.Device.ID}, []string(nil)
	var slots []string
	if d := f.Delegation; d != nil && !f.Owner() {
		devices, delegations = append(devices, d.Device), []string{d.ID}
		next := *d
		taken, _ := next.take(uses)
		for _, n := range taken {
			slots = append(slots, SlotID(d.ID, n))
		}
	}
	return []unit.Want{
		unit.Rows(s.t.Devices, devices...), unit.Rows(s.t.People, f.Person.ID), unit.Rows(s.t.Organizations, f.Org.ID),
		unit.Rows(s.t.Memberships, MembershipID(f.Org.ID, f.Person.ID), MembershipID(f.Org.ID, f.Org.Legal)),
		unit.Rows(s.t.Delegations, delegations...), unit.Rows(s.t.Slots, slots...),
	}
}

// Wants is Needs for a decision of which only the names are known yet.
func (s *Service) Wants(device, person, org, delegation string) []unit.Want {
	return []unit.Want{
		unit.Rows(s.t.Devices, device), unit.Rows(s.t.People, person), unit.Rows(s.t.Organizations, org),
		unit.Rows(s.t.Memberships, MembershipID(org, person)), unit.Rows(s.t.Delegations, delegation),
	}
}

func (s *Service) identify(tx unit.Tx, f *Facts, device string) error {
	d, err := s.t.Devices.Get(tx, device)
	if err != nil {
		return absentAs(err, fault.DeviceUnknown)
	}
	p, err := s.t.People.Get(tx, d.Person)
	if err != nil {
		return absentAs(err, fault.DeviceUnknown)
	}
	f.Device, f.Person = *d, *p
	return nil
}

// membership gives nil where there is none.
func (s *Service) membership(tx unit.Tx, org, person string) (*Membership, error) {
	if person == "" {
		return nil, nil
	}
	m, err := s.t.Memberships.Get(tx, MembershipID(org, person))
	if errors.Is(err, unit.ErrAbsent) {
		return nil, nil
	}
	return m, err
}

// choose sets the delegation to act under: among those not yet over, the first
// that Decide accepts. When none does it leaves the one whose refusal tells
// most, so that the caller learns why.
func (s *Service) choose(tx unit.Tx, f *Facts, a Ask) error {
	now := tx.Now()
	q := unit.Query{Index: "agent+org+app+notAfter", Key: []any{f.Person.ID, f.Org.ID, a.App}, After: []any{now, ""}}
	current, err := unit.All(tx, s.t.Delegations, q, func(d *Delegation) []any { return []any{d.NotAfter, d.ID} })
	if err != nil {
		return err
	}
	for _, d := range current {
		try := *f
		try.Delegation = d
		if decideDelegation(&try, a, now) == nil {
			f.Delegation = d
			return nil
		}
		if f.Delegation == nil || d.State == Active {
			f.Delegation = d
		}
	}
	if f.Delegation != nil {
		return nil
	}
	q.After, q.Desc, q.Limit = nil, true, 1
	over, err := s.t.Delegations.Find(tx, q)
	if err == nil && len(over) > 0 {
		f.Delegation = over[0]
	}
	return err
}

// Rely writes back every row that a positive decision stood on, so that
// whoever ends one of them concurrently conflicts with it (write skew,
// protocol.md §3.2). The delegation is left out when TakeSlots writes it.
func (s *Service) Rely(tx unit.Tx, f *Facts, delegation bool) error {
	if err := s.t.Devices.Replace(tx, &f.Device); err != nil {
		return err
	}
	if err := s.t.Organizations.Replace(tx, &f.Org); err != nil {
		return err
	}
	if err := s.t.Memberships.Replace(tx, f.Membership); err != nil {
		return err
	}
	if !delegation || f.Delegation == nil {
		return nil
	}
	return s.t.Delegations.Replace(tx, f.Delegation)
}

// RelySecond is Rely for a second person in the same organization, whose row the
// first one's Rely has written.
func (s *Service) RelySecond(tx unit.Tx, f *Facts) error {
	if err := s.t.Devices.Replace(tx, &f.Device); err != nil {
		return err
	}
	if err := s.t.Memberships.Replace(tx, f.Membership); err != nil {
		return err
	}
	if f.Owner() || f.Delegation == nil {
		return nil
	}
	return s.t.Delegations.Replace(tx, f.Delegation)
}

// absentAs turns unit.ErrAbsent into a fault and leaves everything else.
func absentAs(err error, f *fault.Error) error {
	if errors.Is(err, unit.ErrAbsent) {
		return f
	}
	return err
}
