package authz

import (
	"context"
	"slices"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
)

// Grant is what a legal representative wants to delegate.
type Grant struct {
	Org       string // organization id
	Agent     string // person id
	App       statement.App
	Actions   []Action
	Seals     []statement.Ref
	NotBefore time.Time
	NotAfter  time.Time
	Max       int
	// SecondFrom is the number of documents of one request from which another
	// person must approve too; 0: none.
	SecondFrom int
}

// DraftGrant drafts a delegation for the legal representative to sign. The
// caller has made sure that the application and the seals exist and belong
// here. Granting needs fresh real-person evidence.
func (s *Service) DraftGrant(ctx context.Context, who Caller, g Grant) (*Act, error) {
	if err := s.checkGrant(g); err != nil {
		return nil, err
	}
	var org *Organization
	var agent *Person
	err := s.work.View(ctx, func(tx unit.Tx) (err error) {
		if org, err = s.Represented(tx, who, g.Org); err != nil {
			return err
		}
		if err := s.freshPerson(tx, who); err != nil {
			return err
		}
		agent, err = s.approvedAgent(tx, g.Org, g.Agent)
		return err
	})
	if err != nil {
		return nil, err
	}
	bytes, id, err := s.delegationStatement(who, g, org, agent)
	if err != nil {
		return nil, fault.DelegationBad.Because(err)
	}
	return s.draft(ctx, who, &Act{Org: org.ID, Kind: ActDelegation, Subject: id}, bytes)
}

func (s *Service) checkGrant(g Grant) error {
	now, stamps := s.now(), slices.Contains(g.Actions, Stamp)
	switch {
	case len(g.Actions) == 0 || len(slices.Compact(slices.Sorted(slices.Values(g.Actions)))) != len(g.Actions):
		return fault.DelegationBad.With("field", "actions")
	case slices.ContainsFunc(g.Actions, func(a Action) bool { return a != Bind && a != Login && a != Second && a != Stamp }):
		return fault.DelegationBad.With("field", "actions")
	case (stamps || slices.Contains(g.Actions, Second)) == (len(g.Seals) == 0):
		return fault.DelegationBad.With("field", "seals")
	case g.SecondFrom < 0 || g.SecondFrom > statement.MaxDocs || g.SecondFrom > 0 && !stamps:
		return fault.DelegationBad.With("field", "second_from")
	case g.Max < 1 || g.Max > s.limits.DelegationMax:
		return fault.DelegationBad.With("field", "max")
	case !g.NotBefore.Before(g.NotAfter) || g.NotAfter.Sub(g.NotBefore) > s.limits.DelegationLife || !now.Before(g.NotAfter):
		return fault.DelegationBad.With("field", "not_after")
	}
	return nil
}

func (s *Service) delegationStatement(who Caller, g Grant, org *Organization, agent *Person) ([]byte, string, error) {
	id := unit.NewID("dg")
	actions := make([]string, 0, len(g.Actions))
	for _, a := range slices.Sorted(slices.Values(g.Actions)) {
		actions = append(actions, string(a))
	}
	d := statement.Delegation{
		ID: id, Nonce: newNonce(), Issuer: s.issuer, Org: statement.Org{USCC: org.USCC, Name: org.Name},
		Grantor: statement.Person{ID: who.Person.ID, Name: who.Person.Name}, Device: keyDigest(who.Device),
		Agent: statement.Person{ID: agent.ID, Name: agent.Name}, App: g.App, Actions: actions, Seals: g.Seals,
		NotBefore: seconds(g.NotBefore), NotAfter: seconds(g.NotAfter), Max: g.Max,
		SecondFrom: g.SecondFrom, IssuedAt: seconds(s.now()),
	}
	bytes, err := d.Bytes()
	return bytes, id, err
}

// grant performs a signed delegation: the statement is the authority, the row
// its copy. Everything that was true at drafting is checked again.
func (s *Service) grant(tx unit.Tx, a *Act) error {
	d, err := statement.ParseDelegation(a.Statement.Bytes)
	if err != nil {
		return fault.StatementBad.Because(err)
	}
	who := Caller{Person: Person{Row: unit.Row{ID: a.Person}}, Device: Device{Row: unit.Row{ID: a.Device}}}
	org, err := s.Represented(tx, who, a.Org)
	if err != nil {
		return err
	}
	if _, err := s.approvedAgent(tx, a.Org, d.Agent.ID); err != nil {
		return err
	}
	if !tx.Now().Before(d.NotAfter) {
		return fault.DelegationExpired
	}
	if err := s.t.Organizations.Replace(tx, org); err != nil {
		return err
	}
	m, err := s.t.Memberships.Get(tx, MembershipID(a.Org, d.Agent.ID))
	if err != nil {
		return err
	}
	if err := s.t.Memberships.Replace(tx, m); err != nil {
		return err
	}
	return s.t.Delegations.Insert(tx, delegationRow(tx, a, d))
}

func delegationRow(tx unit.Tx, a *Act, d statement.Delegation) *Delegation {
	actions := make([]Action, 0, len(d.Actions))
	for _, x := range d.Actions {
		actions = append(actions, Action(x))
	}
	return &Delegation{
		Row: unit.Row{ID: d.ID}, Org: a.Org, Agent: d.Agent.ID, App: d.App.ID, Grantor: a.Person, Device: a.Device,
		Actions: actions, Seals: d.Seals, NotBefore: d.NotBefore, NotAfter: d.NotAfter, Max: d.Max, Next: 1,
		SecondFrom: d.SecondFrom,
		State:      Active, Statement: a.Statement, Second: a.Second, CreatedAt: tx.Now(),
	}
}
