package keys

import (
	"slices"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// DefaultSecondWait is how long after the first approval a second one may come:
// what a person needs who is called to his phone.
const DefaultSecondWait = 30 * time.Minute

// Seconding is the approval of a second person over the first one's statement.
// The zero value is none.
type Seconding struct {
	// At is the store time of the transaction that took it.
	At        time.Time        `bson:"at"`
	Approval  statement.Signed `bson:"approval"`  // review statement, statement.SecondApproval
	Assertion []byte           `bson:"assertion"` // passkey assertion over it
	Enrolment statement.Signed `bson:"enrolment"` // of the second person's device
	// Only for who is appointed and not the legal representative himself: the
	// delegation with the action second.
	Delegation          statement.Signed `bson:"delegation"`
	DelegationAssertion []byte           `bson:"delegationAssertion"`
	GrantorEnrolment    statement.Signed `bson:"grantorEnrolment"`
}

// IsZero reports that there is none.
func (s Seconding) IsZero() bool { return len(s.Approval.Bytes) == 0 }

// parts is what the evidence's hash takes of it.
func (s Seconding) parts() [][]byte {
	if s.IsZero() {
		return nil
	}
	parts := [][]byte{moment(s.At), s.Assertion, s.DelegationAssertion}
	for _, one := range []statement.Signed{s.Approval, s.Enrolment, s.Delegation, s.GrantorEnrolment} {
		parts = append(parts, one.Bytes, one.Sig)
	}
	return parts
}

// second is a second approval that has been verified.
type second struct {
	person     string
	device     gm.Digest
	delegation string // id of the appointment, "" for the legal representative
	grantor    string // who appointed him
}

// wantsSecond: the delegation, or the signer's own rule, asks for another person
// for this many documents. The legal representative himself needs none: what is
// done is his own.
func (s *Signer) wantsSecond(p *proof) bool {
	if p.delegation == nil {
		return false
	}
	reached := func(from int) bool { return from > 0 && len(p.Docs) >= from }
	return reached(p.delegation.SecondFrom) || reached(s.secondFrom)
}

// proveSecond verifies the second approval: where one is asked for it must be
// there, and one that is there must be right.
func (s *Signer) proveSecond(p *proof, first holder, ev Evidence, now time.Time) error {
	if ev.Seconding.IsZero() {
		if s.wantsSecond(p) {
			return fault.SecondNeeded
		}
		return nil
	}
	r, err := statement.ParseReview(ev.Seconding.Approval.Bytes)
	if err != nil {
		return fault.SecondNeeded.Because(err)
	}
	if err := s.secondWords(p, r, ev, now); err != nil {
		return err
	}
	who, err := s.enrolled(ev.Seconding.Enrolment, now)
	if err != nil {
		return err
	}
	switch {
	case who.Person != r.Person || who.device != r.Device:
		return fault.DeviceUnknown.Becausef("the second enrolment is of another person or device")
	case who.Person.ID == first.Person.ID || who.IDHash == first.IDHash:
		return fault.SamePerson // by identity: another account of his is still he
	}
	if err := s.signedBy(who, ev.Seconding.Approval, ev.Seconding.Assertion); err != nil {
		return err
	}
	p.second = &second{person: who.Person.ID, device: who.device}
	if len(ev.Seconding.Delegation.Bytes) == 0 {
		return s.represents(ev.Representation, p.Principal, who.Person, now)
	}
	return s.proveAppointed(p, who, ev, now)
}

// secondWords checks what the second statement says: yes, to this very approval,
// in time.
func (s *Signer) secondWords(p *proof, r statement.Review, ev Evidence, now time.Time) error {
	at := ev.Seconding.At
	switch {
	case r.Issuer != s.issuer || r.Act != statement.SecondApproval || r.Opinion != statement.Approve:
		return fault.SecondNeeded.Becausef("the second statement is none that approves")
	case r.Subject != statement.Ref{ID: p.Ticket, Hash: p.hash} || r.Org.USCC != p.Principal.USCC:
		return fault.SecondNeeded.Becausef("the second statement is about another approval")
	case r.IssuedAt.Before(p.IssuedAt) || at.Before(ev.ApprovedAt) || at.Add(time.Second).Before(r.IssuedAt):
		return fault.EvidenceStale.Becausef("the second approval is older than the first")
	case at.Sub(r.IssuedAt) > statement.SecondLife:
		return fault.EvidenceStale.Becausef("the second approval was drafted %s before it was given", at.Sub(r.IssuedAt))
	case at.Sub(ev.ApprovedAt) > s.secondWait:
		return fault.EvidenceStale.Becausef("the second approval came %s after the first", at.Sub(ev.ApprovedAt))
	case at.After(now.Add(MaxSkew)) || now.Sub(at) > s.maxAge:
		return fault.EvidenceStale.Becausef("the second approval is not of now")
	}
	return nil
}

// proveAppointed: the second person holds a delegation with the action second
// that covers these seals here.
func (s *Signer) proveAppointed(p *proof, who holder, ev Evidence, now time.Time) error {
	g := ev.Seconding
	d, err := statement.ParseDelegation(g.Delegation.Bytes)
	if err != nil {
		return fault.DelegationBad.Because(err)
	}
	switch {
	case d.Issuer != s.issuer:
		return fault.SignerRefused.Becausef("the appointment was issued by %s", d.Issuer)
	case d.Org.USCC != p.Principal.USCC || d.Agent.ID != who.Person.ID || d.App.ID != p.App.ID || !slices.Contains(d.Actions, statement.Second):
		return fault.DelegationScope.Becausef("the appointment does not cover this")
	case now.Before(d.NotBefore) || !now.Before(d.NotAfter):
		return fault.DelegationExpired
	}
	for _, seal := range p.Seals {
		if !slices.Contains(d.Seals, seal) {
			return fault.DelegationScope.Becausef("the appointment does not cover seal %s", seal.ID)
		}
	}
	grantor, err := s.enrolled(g.GrantorEnrolment, d.IssuedAt)
	if err != nil {
		return err
	}
	if grantor.Person != d.Grantor || grantor.device != d.Device {
		return fault.DeviceUnknown.Becausef("the appointing enrolment is of another person or device")
	}
	if err := s.signedBy(grantor, g.Delegation, g.DelegationAssertion); err != nil {
		return err
	}
	p.second.delegation, p.second.grantor = d.ID, d.Grantor.ID
	return s.represents(ev.Representation, d.Org, d.Grantor, now)
}

// powers lists what the second approval depends on.
func (b *second) powers(uscc string) []power {
	list := []power{{kind: StopDevice, id: b.device.Hex(), refusal: fault.DeviceRevoked}}
	if b.delegation == "" {
		return append(list, power{kind: StopLegal, id: MemberID(uscc, b.person), refusal: fault.NotLegalRep})
	}
	return append(list,
		power{kind: StopAgent, id: MemberID(uscc, b.person), refusal: fault.AgentNotAllowed},
		power{kind: StopDelegation, id: b.delegation, refusal: fault.DelegationRevoked},
		power{kind: StopLegal, id: MemberID(uscc, b.grantor), refusal: fault.DelegationRevoked})
}
