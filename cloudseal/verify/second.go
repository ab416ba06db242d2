package verify

import (
	"slices"
	"time"

	"yunzhang.dev/authz/statement"
)

// Seconding is the approval of a second person over the first one's, where the
// delegation asks for one.
type Seconding struct {
	Approval  Signed `json:"approval"`         // review statement, statement.SecondApproval
	Second    []byte `json:"second,omitempty"` // passkey assertion over it
	Enrolment Signed `json:"enrolment"`        // of the second person's device
	// Only for who is appointed and not the legal representative himself.
	Delegation       Signed `json:"delegation,omitzero"`
	DelegationSecond []byte `json:"delegation_second,omitempty"`
	GrantorEnrolment Signed `json:"grantor_enrolment,omitzero"`
}

// maxLead is how far the date of a second approval may be behind the stamp it was
// for: two clocks, and the fractions that both have lost.
const maxLead = 3 * time.Second

// last is when the last word of an approval was given, at the latest: that of the
// second person, who may take his time, or else the end of the first one's window.
func (s Statements) last(a statement.Approval) (time.Time, error) {
	if s.Seconding == nil {
		return a.ExpiresAt, nil
	}
	r, err := statement.ParseReview(s.Seconding.Approval.Statement)
	if given := r.IssuedAt.Add(statement.SecondLife); err == nil && given.After(a.ExpiresAt) {
		return given, nil
	}
	return a.ExpiresAt, err
}

// seconded: where the delegation asks for another person, or one has approved
// anyway, he was another one by identity, had the power and meant this approval.
func (l *looked) seconded(p *Proved, s Statements, a statement.Approval, d statement.Delegation) error {
	if s.Seconding == nil {
		if d.SecondFrom > 0 && a.Total() >= d.SecondFrom {
			return &flaw{"second-missing", "授权要求他人复核，没有复核证据", "The delegation asks for a second person, and none has approved."}
		}
		return nil
	}
	g := *s.Seconding
	r, err := statement.ParseReview(g.Approval.Statement)
	if err != nil {
		return err
	}
	switch {
	case r.Act != statement.SecondApproval || r.Opinion != statement.Approve || r.Issuer != a.Issuer,
		r.Subject != statement.Ref{ID: a.Ticket, Hash: s.Approval.hash()} || r.Org.USCC != a.Principal.USCC:
		return &flaw{"second", "复核意见不属于该确认", "The second approval is not one of this approval."}
	case r.IssuedAt.Before(a.IssuedAt) || r.IssuedAt.After(l.sig.Time.Add(maxLead)) || r.IssuedAt.After(a.ExpiresAt.Add(statement.MostSecondWait)):
		return &flaw{"second-time", "复核不在确认与盖章之间", "The second approval was not given between the approval and the stamp."}
	}
	if err := l.another(s.Enrolment, g.Enrolment); err != nil {
		return err
	}
	if err := l.signedBy(g.Approval, g.Second, g.Enrolment, r.Person, r.Device); err != nil {
		return err
	}
	p.SecondBy = r.Person.Name
	if g.Delegation.IsZero() {
		return l.represents(s.Representation, a.Principal, r.Person)
	}
	return l.appointed(s, a, r.Person)
}

// another: two enrolments are of two people, by the citizen's number: another
// account of the first one's is still he.
func (l *looked) another(first, second Signed) error {
	a, err := statement.ParseEnrolment(first.Statement)
	if err != nil {
		return err
	}
	b, err := statement.ParseEnrolment(second.Statement)
	if err != nil {
		return err
	}
	if a.Person.ID == b.Person.ID || a.IDHash == b.IDHash {
		return &flaw{"second-same", "复核人与确认人是同一人", "The second person is the first one again."}
	}
	return nil
}

// appointed: the second person holds a delegation with the action second that
// covers these seals.
func (l *looked) appointed(s Statements, a statement.Approval, who statement.Person) error {
	g, at := s.Seconding, l.sig.Time
	d, err := statement.ParseDelegation(g.Delegation.Statement)
	if err != nil {
		return err
	}
	switch {
	case d.Issuer != a.Issuer || d.Org.USCC != a.Principal.USCC || d.Agent.ID != who.ID || d.App.ID != a.App.ID || !slices.Contains(d.Actions, statement.Second),
		slices.ContainsFunc(a.Seals, func(r statement.Ref) bool { return !slices.Contains(d.Seals, r) }):
		return &flaw{"second-scope", "复核人的授权不包括此次盖章", "The second person's delegation does not cover this stamp."}
	case at.Before(d.NotBefore) || !at.Before(d.NotAfter):
		return &flaw{"second-delegation-time", "复核时其授权不在有效期内", "The second person's delegation was not in force at the time."}
	}
	if err := l.signedBy(g.Delegation, g.DelegationSecond, g.GrantorEnrolment, d.Grantor, d.Device); err != nil {
		return err
	}
	return l.represents(s.Representation, d.Org, d.Grantor)
}
