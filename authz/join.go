package authz

import (
	"context"

	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
)

// AskAuthorization sends the authorization code for the caller, an enrolled
// person, to the legal representative of the organization he wants to join as
// an agent. The answer does not say whether the organization is known.
func (s *Service) AskAuthorization(ctx context.Context, who Caller, uscc string) error {
	code, err := codes.ParseUSCC(uscc)
	if err != nil {
		return fault.USCCBad
	}
	return s.sendAuthorization(ctx, string(code), joinRequest(who, string(code)), who.Person.Name)
}

func joinRequest(who Caller, uscc string) string { return "join." + who.Person.ID + "." + uscc }

// JoinAsAgent asks for an agent's place with the code the legal representative
// passed on. He approves in a second step.
func (s *Service) JoinAsAgent(ctx context.Context, who Caller, uscc, authorization string) (org string, err error) {
	code, err := codes.ParseUSCC(uscc)
	if err != nil {
		return "", fault.USCCBad
	}
	if err := s.checkAuthorization(ctx, string(code), joinRequest(who, string(code)), authorization); err != nil {
		return "", err
	}
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		o, err := s.OrganizationByUSCC(tx, string(code))
		if err != nil {
			return err
		}
		org = o.ID
		if err := s.record(tx, "join-agent", "org:"+org, who.Person.ID, org, "pending"); err != nil {
			return err
		}
		return s.join(tx, org, who.Person.ID, Agent, Pending)
	})
	return org, err
}

// JoinAsLegal adds another organization that the caller represents, by the
// registry's word. It needs fresh real-person evidence.
func (s *Service) JoinAsLegal(ctx context.Context, who Caller, uscc string) (org string, err error) {
	code, err := codes.ParseUSCC(uscc)
	if err != nil {
		return "", fault.USCCBad
	}
	st := &settlement{enrolment: &Enrolment{Kind: EnrolLegal, USCC: string(code)}, person: who.Person}
	if err := s.work.View(ctx, func(tx unit.Tx) error { return s.freshPerson(tx, who) }); err != nil {
		return "", err
	}
	if err := s.prepareLegal(ctx, st); err != nil {
		return "", err
	}
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		o, err := s.writeLegal(tx, who, string(code), st.finding, st.word)
		if err == nil {
			org = o.ID
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return org, s.Retell(ctx)
}

func (s *Service) writeLegal(tx unit.Tx, who Caller, uscc string, f registry.Finding, word statement.Signed) (*Organization, error) {
	p, err := s.t.People.Get(tx, who.Person.ID)
	if err != nil {
		return nil, err
	}
	o, err := s.install(tx, uscc, p, f, word)
	if err != nil {
		return nil, err
	}
	return o, s.recordEvidence(tx, "join-legal", "org:"+o.ID, p.ID, o.ID, word.Hash())
}
