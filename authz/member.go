package authz

import (
	"context"
	"errors"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Represented gives the organization that the caller represents;
// fault.NotLegalRep when he does not, also when there is no such organization.
func (s *Service) Represented(tx unit.Tx, who Caller, org string) (*Organization, error) {
	o, err := s.t.Organizations.Get(tx, org)
	if err != nil {
		return nil, absentAs(err, fault.NotLegalRep)
	}
	m, err := s.membership(tx, org, who.Person.ID)
	if err != nil {
		return nil, err
	}
	if m == nil || m.Role != Legal || m.State != Active || o.Legal != who.Person.ID {
		return nil, fault.NotLegalRep
	}
	return o, nil
}

// approvedAgent gives the person if he is an approved agent of the
// organization; nobody else can be given a delegation.
func (s *Service) approvedAgent(tx unit.Tx, org, person string) (*Person, error) {
	m, err := s.membership(tx, org, person)
	if err != nil {
		return nil, err
	}
	if m == nil || m.Role != Agent || m.State != Active {
		return nil, fault.AgentNotAllowed
	}
	return s.t.People.Get(tx, person)
}

// freshPerson asks for real-person evidence that is young enough.
func (s *Service) freshPerson(tx unit.Tx, who Caller) error {
	p, err := s.t.People.Get(tx, who.Person.ID)
	if err != nil {
		return err
	}
	if tx.Now().Sub(p.RealAt) > s.policy.EvidenceAge {
		return fault.StepUpNeeded
	}
	if tx.Now().Before(who.Device.CoolUntil) {
		return fault.DeviceCooling.With("until", who.Device.CoolUntil)
	}
	return nil
}

// Fresh is freshPerson for other domains.
func (s *Service) Fresh(tx unit.Tx, who Caller) error { return s.freshPerson(tx, who) }

// DraftAgentApproval drafts the legal representative's approval of an agent who
// asked for a place.
func (s *Service) DraftAgentApproval(ctx context.Context, who Caller, membership string) (*Act, error) {
	var org *Organization
	err := s.work.View(ctx, func(tx unit.Tx) (err error) {
		m, err := s.t.Memberships.Get(tx, membership)
		if err != nil {
			return absentAs(err, fault.Absent)
		}
		if org, err = s.Represented(tx, who, m.Org); err != nil {
			return foreign(err)
		}
		if m.Role != Agent || m.State != Pending {
			return fault.WrongState
		}
		return s.freshPerson(tx, who)
	})
	if err != nil {
		return nil, err
	}
	subject := statement.Ref{ID: membership, Hash: gm.SM3([]byte(membership))}
	return s.DraftReview(ctx, who, org, ActApproveAgent, subject, "approve", "")
}

// approveAgent performs the signed approval.
func (s *Service) approveAgent(tx unit.Tx, a *Act) error {
	who := Caller{Person: Person{Row: unit.Row{ID: a.Person}}}
	m, err := s.t.Memberships.Get(tx, a.Subject)
	if err != nil {
		return absentAs(err, fault.Absent)
	}
	org, err := s.Represented(tx, who, m.Org)
	if err != nil {
		return foreign(err)
	}
	if m.State != Pending {
		return fault.WrongState
	}
	if err := s.t.Organizations.Replace(tx, org); err != nil {
		return err
	}
	m.State, m.ApprovedBy, m.Since = Active, a.ID, tx.Now()
	if err := s.mustTellPlace(tx, org.USCC, m.ID); err != nil {
		return err
	}
	return s.t.Memberships.Replace(tx, m)
}

// DraftAgreement drafts the acceptance of the service agreement, whose text the
// hash names.
func (s *Service) DraftAgreement(ctx context.Context, who Caller, org string, text statement.Ref) (*Act, error) {
	var o *Organization
	err := s.work.View(ctx, func(tx unit.Tx) (err error) {
		o, err = s.Represented(tx, who, org)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.DraftReview(ctx, who, o, ActAgreement, text, "approve", "")
}

// acceptAgreement performs the signed acceptance.
func (s *Service) acceptAgreement(tx unit.Tx, a *Act) error {
	o, err := s.Represented(tx, Caller{Person: Person{Row: unit.Row{ID: a.Person}}}, a.Org)
	if err != nil {
		return err
	}
	o.Agreement = a.ID
	return s.t.Organizations.Replace(tx, o)
}

// join adds a membership; a person has one place in an organization, so a
// second request is refused unless the first has ended. The registry's word
// makes an agent its legal representative; what was delegated to him ends.
func (s *Service) join(tx unit.Tx, org, person string, role Role, state State) error {
	m := &Membership{Row: unit.Row{ID: MembershipID(org, person)}, Org: org, Person: person, Role: role, State: state, Since: tx.Now()}
	old, err := s.t.Memberships.Get(tx, m.ID)
	switch {
	case errors.Is(err, unit.ErrAbsent):
		return s.t.Memberships.Insert(tx, m)
	case err != nil:
		return err
	case role == Legal && old.Role == Agent:
		if err := s.withdraw(tx, m.ID, "registry"); err != nil {
			return err
		}
		if old, err = s.t.Memberships.Get(tx, m.ID); err != nil {
			return err
		}
	case old.State == Active || old.State == Pending:
		return fault.MemberExists
	}
	m.Ver = old.Ver
	return s.t.Memberships.Replace(tx, m)
}

// Place is a membership with the names a person may see of it.
type Place struct {
	Membership
	OrgName    string
	USCC       string
	PersonName string
}

// Places lists the organizations of a person.
func (s *Service) Places(ctx context.Context, person string) ([]Place, error) {
	return s.places(ctx, unit.Query{Index: "person", Key: []any{person}})
}

// Members lists the people of an organization that the caller represents.
func (s *Service) Members(ctx context.Context, who Caller, org string) ([]Place, error) {
	err := s.work.View(ctx, func(tx unit.Tx) error {
		_, err := s.Represented(tx, who, org)
		return foreign(err)
	})
	if err != nil {
		return nil, err
	}
	return s.places(ctx, unit.Query{Index: "org", Key: []any{org}})
}

func (s *Service) places(ctx context.Context, q unit.Query) (places []Place, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		rows, err := unit.All(tx, s.t.Memberships, q, func(m *Membership) []any { return []any{m.ID} })
		if err != nil {
			return err
		}
		places = places[:0]
		for _, m := range rows {
			o, err := s.t.Organizations.Get(tx, m.Org)
			if err != nil {
				return err
			}
			p, err := s.t.People.Get(tx, m.Person)
			if err != nil {
				return err
			}
			places = append(places, Place{Membership: *m, OrgName: o.Name, USCC: o.USCC, PersonName: p.Name})
		}
		return nil
	})
	return places, err
}

// DelegationsOf lists the delegations an agent holds, newest end first.
func (s *Service) DelegationsOf(ctx context.Context, person string) (list []*Delegation, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		q := unit.Query{Index: "agent+org+app+notAfter", Key: []any{person}}
		list, err = unit.All(tx, s.t.Delegations, q, func(d *Delegation) []any { return []any{d.Org, d.App, d.NotAfter, d.ID} })
		return err
	})
	return list, err
}

// DelegationsFor lists the delegations of an organization for an application that
// are in force.
func (s *Service) DelegationsFor(tx unit.Tx, org, app string) (list []*Delegation, err error) {
	all, err := s.givenIn(tx, org)
	for _, d := range all {
		if d.App == app && d.State == Active && !tx.Now().Before(d.NotBefore) && tx.Now().Before(d.NotAfter) {
			list = append(list, d)
		}
	}
	return list, err
}

// DelegationsIn lists the delegations of an organization the caller represents.
func (s *Service) DelegationsIn(ctx context.Context, who Caller, org string) (list []*Delegation, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		if _, err := s.Represented(tx, who, org); err != nil {
			return foreign(err)
		}
		list, err = s.givenIn(tx, org)
		return err
	})
	return list, err
}
