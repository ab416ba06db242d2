package authz

import (
	"context"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// represent makes the authority's signed word that the registry named this
// person legal representative of this organization.
func (s *Service) represent(uscc string, p Person, f registry.Finding) (statement.Signed, error) {
	r := statement.Representation{
		ID: unit.NewID("rp"), Issuer: s.issuer, Org: statement.Org{USCC: uscc, Name: f.OrgName},
		Person: statement.Person{ID: p.ID, Name: p.Name}, Source: f.Source, CheckedAt: seconds(f.At),
	}
	bytes, err := r.Bytes()
	if err != nil {
		return statement.Signed{}, fault.NameBad.Because(err)
	}
	sig, err := s.authority.Sign(bytes)
	return statement.Signed{Bytes: bytes, Sig: sig}, err
}

// Refresh asks the registry again when its word on the organization is older
// than the policy allows. A new legal representative ends the old one's powers
// and every delegation he gave. Silence of the registry changes nothing.
func (s *Service) Refresh(ctx context.Context, org string) error {
	o, legal, err := s.orgAndLegal(ctx, org)
	if err != nil || !s.stale(o) {
		return err
	}
	return s.recheck(ctx, o, legal)
}

// stale reports that Refresh would ask.
func (s *Service) stale(o *Organization) bool {
	return o.Legal != "" && s.now().Sub(o.CheckedAt) > s.policy.RegistryAge
}

// Stale reports whether Refresh would ask the registry.
func (s *Service) Stale(tx unit.Tx, org string) (bool, error) {
	o, err := s.Organization(tx, org)
	return err == nil && s.stale(o), err
}

// Recheck is Refresh whatever the age.
func (s *Service) Recheck(ctx context.Context, org string) error {
	o, legal, err := s.orgAndLegal(ctx, org)
	if err != nil || legal == nil {
		return err
	}
	return s.recheck(ctx, o, legal)
}

func (s *Service) recheck(ctx context.Context, o *Organization, legal *Person) error {
	f, err := s.registry.Represents(ctx, o.USCC, registry.Identity{Name: legal.Name, IDNumber: legal.IDNumber})
	if err != nil {
		return fault.RegistrySilent.Because(err)
	}
	switch f.Answer {
	case registry.Yes:
		return s.confirmLegal(ctx, o, legal, f)
	case registry.No:
		return s.dethrone(ctx, o.ID, legal.ID)
	}
	return fault.RegistrySilent
}

func (s *Service) orgAndLegal(ctx context.Context, org string) (o *Organization, legal *Person, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		if o, err = s.t.Organizations.Get(tx, org); err != nil {
			return absentAs(err, fault.Absent)
		}
		if o.Legal == "" {
			return nil
		}
		legal, err = s.t.People.Get(tx, o.Legal)
		return err
	})
	return o, legal, err
}

func (s *Service) confirmLegal(ctx context.Context, o *Organization, legal *Person, f registry.Finding) error {
	word, err := s.represent(o.USCC, *legal, f)
	if err != nil {
		return err
	}
	return s.work.Update(ctx, func(tx unit.Tx) error {
		fresh, err := s.t.Organizations.Get(tx, o.ID)
		if err != nil {
			return err
		}
		if fresh.Legal != legal.ID {
			return nil // somebody else was installed meanwhile
		}
		fresh.Representation, fresh.CheckedAt, fresh.Name = word, f.At, f.OrgName
		return s.t.Organizations.Replace(tx, fresh)
	})
}

// dethrone ends the powers of a former legal representative: his membership
// and every delegation he gave there; the signer is told before it is said.
func (s *Service) dethrone(ctx context.Context, org, person string) error {
	err := s.work.Update(ctx, func(tx unit.Tx) error { return s.endLegal(tx, org, person) })
	if err != nil {
		return err
	}
	return s.Retell(ctx)
}

func (s *Service) endLegal(tx unit.Tx, org, person string) error {
	o, err := s.t.Organizations.Get(tx, org)
	if err != nil {
		return err
	}
	m, err := s.t.Memberships.Get(tx, MembershipID(org, person))
	if err != nil {
		return err
	}
	m.State = Ended
	if err := s.t.Memberships.Replace(tx, m); err != nil {
		return err
	}
	if err := s.mustTellPlace(tx, o.USCC, m.ID); err != nil {
		return err
	}
	if o.Legal == person {
		o.Legal, o.Representation, o.CheckedAt = "", statement.Signed{}, time.Time{}
	}
	if err := s.endGiven(tx, org, person); err != nil {
		return err
	}
	if err := s.record(tx, "legal-ended", "org:"+org, person, org, "registry"); err != nil {
		return err
	}
	return s.t.Organizations.Replace(tx, o)
}

// endGiven ends what a person delegated in an organization.
func (s *Service) endGiven(tx unit.Tx, org, person string) error {
	given, err := s.givenIn(tx, org)
	if err != nil {
		return err
	}
	for _, d := range given {
		if d.Grantor != person || d.State != Active {
			continue
		}
		if err := s.endDelegation(tx, d.ID, "registry"); err != nil {
			return err
		}
	}
	return nil
}

// install makes a person the legal representative of an organization, which is
// made known on first sight. A former one is ended by the caller first.
func (s *Service) install(tx unit.Tx, uscc string, p *Person, f registry.Finding, word statement.Signed) (*Organization, error) {
	o, err := s.orgByUSCC(tx, uscc)
	if err != nil {
		return nil, err
	}
	if o == nil {
		o = &Organization{Row: unit.Row{ID: unit.NewID("og")}, USCC: uscc, State: Active, CreatedAt: tx.Now()}
	}
	if o.Legal != "" && o.Legal != p.ID {
		return nil, fault.StateConflict.Becausef("organization %s has another legal representative on record", o.ID)
	}
	o.Name, o.Region, o.Legal, o.Representation, o.CheckedAt = f.OrgName, f.Region, p.ID, word, f.At
	if err := s.join(tx, o.ID, p.ID, Legal, Active); err != nil {
		return nil, err
	}
	if err := s.mustTellPlace(tx, uscc, MembershipID(o.ID, p.ID)); err != nil {
		return nil, err
	}
	if o.Ver == 0 {
		return o, takenAs(s.t.Organizations.Insert(tx, o), fault.StateConflict)
	}
	return o, s.t.Organizations.Replace(tx, o)
}

// orgByUSCC gives nil where there is none.
func (s *Service) orgByUSCC(tx unit.Tx, uscc string) (*Organization, error) {
	found, err := s.t.Organizations.Find(tx, unit.Query{Index: "uscc", Key: []any{uscc}, Limit: 1})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Organization gives an organization by id.
func (s *Service) Organization(tx unit.Tx, id string) (*Organization, error) {
	o, err := s.t.Organizations.Get(tx, id)
	return o, absentAs(err, fault.Absent)
}

// OrganizationByUSCC gives an organization, fault.Absent when it is not known.
func (s *Service) OrganizationByUSCC(tx unit.Tx, uscc string) (*Organization, error) {
	o, err := s.orgByUSCC(tx, uscc)
	if err == nil && o == nil {
		return nil, fault.Absent
	}
	return o, err
}

// recordEvidence writes an audit record that names evidence by its hash.
func (s *Service) recordEvidence(tx unit.Tx, action, object, actor, org string, evidence gm.Digest) error {
	return s.audit.Write(tx, audit.Record{
		At: tx.Now(), Actor: actor, Action: action, Object: object, Org: org, Decision: "done", Evidence: evidence,
	})
}
