package authz

import (
	"context"
	"errors"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/unit"
)

// BeginRealPerson opens a real-person session for the caller, for acts that
// need fresh evidence. about is the claim that it is for, "" for any act of the
// next minutes. The provider's token stays here.
func (s *Service) BeginRealPerson(ctx context.Context, who Caller, purpose, about string) (*Begun, error) {
	a := Applicant{Name: who.Person.Name, IDNumber: who.Person.IDNumber}
	session, err := s.beginRealPerson(ctx, a, purpose)
	if err != nil {
		return nil, err
	}
	e := &Enrolment{
		Row: unit.Row{ID: unit.NewID("en")}, Kind: stepUp, Applicant: a, RealPerson: session.Token, About: about,
		State: Pending, Result: who.Person.ID,
	}
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		e.Expires = tx.Now().Add(s.limits.EnrolLife)
		return s.t.Enrolments.Insert(tx, e)
	})
	return &Begun{ID: e.ID, FaceURL: session.URL}, err
}

// ProveAgain takes the result of the caller's own session as fresh evidence: of
// the person or, when the session was about a claim, for that claim alone.
func (s *Service) ProveAgain(ctx context.Context, who Caller, session string) error {
	e, err := s.ownSession(ctx, who, session)
	if err != nil {
		return err
	}
	ev, err := s.realPersonResult(ctx, e.RealPerson)
	if err != nil {
		return err
	}
	if ev.Identity != (realperson.Identity{Name: who.Person.Name, IDNumber: who.Person.IDNumber}) {
		return fault.RealPersonFails
	}
	return s.work.Update(ctx, func(tx unit.Tx) error {
		if e.About != "" {
			return s.notePresence(tx, who, e.About, ev)
		}
		p, err := s.t.People.Get(tx, who.Person.ID)
		if err != nil {
			return err
		}
		p.RealAt = ev.At
		if err := s.recordEvidence(tx, "real-person", "person:"+p.ID, p.ID, "", ev.Digest); err != nil {
			return err
		}
		return s.t.People.Replace(tx, p)
	})
}

func (s *Service) notePresence(tx unit.Tx, who Caller, about string, ev realperson.Evidence) error {
	if err := s.recordEvidence(tx, "real-person", "claim:"+about, who.Person.ID, "", ev.Digest); err != nil {
		return err
	}
	fresh := &Presence{
		Row: unit.Row{ID: about}, Person: who.Person.ID, Evidence: ev.Digest, At: ev.At, Expires: tx.Now().Add(s.policy.EvidenceAge),
	}
	old, err := s.t.Presences.Get(tx, about)
	if errors.Is(err, unit.ErrAbsent) {
		return s.t.Presences.Insert(tx, fresh)
	}
	if err != nil {
		return err
	}
	fresh.Ver = old.Ver
	return s.t.Presences.Replace(tx, fresh)
}

// NeedsPresent names what Present reads: a hint for unit.Fetch.
func (s *Service) NeedsPresent(claim string) unit.Want { return unit.Rows(s.t.Presences, claim) }

// Present is check 11 of protocol.md §2.7 where a step-up is asked for:
// fault.StepUpNeeded unless the person has shown his face for this very claim
// within Policy.EvidenceAge.
func (s *Service) Present(tx unit.Tx, person, claim string) error {
	p, err := s.t.Presences.Get(tx, claim)
	if err != nil {
		return absentAs(err, fault.StepUpNeeded)
	}
	if p.Person != person || tx.Now().Sub(p.At) > s.policy.EvidenceAge {
		return fault.StepUpNeeded
	}
	return nil
}

func (s *Service) ownSession(ctx context.Context, who Caller, id string) (e *Enrolment, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		if e, err = s.t.Enrolments.Get(tx, id); err != nil {
			return absentAs(err, fault.Absent)
		}
		if e.Kind != stepUp || e.Result != who.Person.ID || !tx.Now().Before(e.Expires) {
			return fault.Absent
		}
		return nil
	})
	return e, err
}
