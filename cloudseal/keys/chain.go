package keys

import (
	"slices"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// proof is evidence that has been verified.
type proof struct {
	approval
	kind     string
	evidence gm.Digest
	// delegation and grantor are set for KindScan only.
	delegation *statement.Delegation
	grantor    string // person id
	second     *second
}

// prove verifies the evidence at this time: the approval's freshness, its
// signatures, and the power behind them.
func (s *Signer) prove(a approval, ev Evidence, now time.Time) (*proof, error) {
	if err := s.fresh(a, ev.ApprovedAt, now, !ev.Seconding.IsZero()); err != nil {
		return nil, err
	}
	p := &proof{approval: a, kind: ev.Kind, evidence: ev.hash()}
	approver, err := s.enrolled(ev.Enrolment, now)
	if err != nil {
		return nil, err
	}
	if approver.Person != a.Agent || approver.device != a.Device {
		return nil, fault.DeviceUnknown.Becausef("the enrolment is of another person or device")
	}
	if err := s.signedBy(approver, a.signed, ev.Second); err != nil {
		return nil, err
	}
	switch ev.Kind {
	case KindScan:
		err = s.proveScan(p, ev, now)
	case KindOwner:
		err = s.proveOwner(p, ev, now)
	default:
		err = fault.SignerRefused.Becausef("evidence of kind %q", ev.Kind)
	}
	if err != nil {
		return nil, err
	}
	return p, s.proveSecond(p, approver, ev, now)
}

// proveOwner: the approver himself represents the principal.
func (s *Signer) proveOwner(p *proof, ev Evidence, now time.Time) error {
	if p.Delegation != (statement.Ref{}) {
		return fault.SignerRefused.Becausef("the approval names a delegation")
	}
	return s.represents(ev.Representation, p.Principal, p.Agent, now)
}

// proveScan: the approver acts under a delegation that its grantor, who
// represents the principal, signed with his own enrolled device.
func (s *Signer) proveScan(p *proof, ev Evidence, now time.Time) error {
	d, err := statement.ParseDelegation(ev.Delegation.Bytes)
	if err != nil {
		return fault.DelegationBad.Because(err)
	}
	if p.Delegation != (statement.Ref{ID: d.ID, Hash: ev.Delegation.Hash()}) {
		return fault.SignerRefused.Becausef("the approval names another delegation")
	}
	if err := s.covers(d, p.approval, now); err != nil {
		return err
	}
	grantor, err := s.enrolled(ev.GrantorEnrolment, d.IssuedAt)
	if err != nil {
		return err
	}
	if grantor.Person != d.Grantor || grantor.device != d.Device {
		return fault.DeviceUnknown.Becausef("the grantor's enrolment is of another person or device")
	}
	if err := s.signedBy(grantor, ev.Delegation, ev.DelegationSecond); err != nil {
		return err
	}
	p.delegation, p.grantor = &d, d.Grantor.ID
	return s.represents(ev.Representation, d.Org, d.Grantor, now)
}

// covers checks what the delegation permits against what was approved.
func (s *Signer) covers(d statement.Delegation, a approval, now time.Time) error {
	switch {
	case d.Issuer != s.issuer:
		return fault.SignerRefused.Becausef("the delegation was issued by %s", d.Issuer)
	case d.Org != a.Principal || d.Agent != a.Agent || d.App != a.App || !slices.Contains(d.Actions, statement.Stamp):
		return fault.DelegationScope
	case now.Before(d.NotBefore) || !now.Before(d.NotAfter):
		return fault.DelegationExpired
	}
	for _, seal := range a.Seals {
		if !slices.Contains(d.Seals, seal) {
			return fault.DelegationScope.Becausef("seal %s is not delegated in this version", seal.ID)
		}
	}
	return nil
}

// holder is an enrolled device and its owner.
type holder struct {
	statement.Enrolment
	key    gm.PublicKey
	device gm.Digest
}

// enrolled verifies the authority's word on a device, and that it had cooled when
// it signed.
func (s *Signer) enrolled(signed statement.Signed, at time.Time) (holder, error) {
	e, err := statement.ParseEnrolment(signed.Bytes)
	if err != nil {
		return holder{}, fault.DeviceUnknown.Because(err)
	}
	if e.Issuer != s.issuer || !s.vouched(signed) {
		return holder{}, fault.DeviceUnknown.Becausef("the enrolment is not the authority's")
	}
	if at.Before(e.CoolsUntil) {
		return holder{}, fault.DeviceCooling.With("until", e.CoolsUntil)
	}
	key, err := gm.ParsePublicKey(e.Key)
	if err != nil {
		return holder{}, fault.DeviceUnknown.Because(err)
	}
	return holder{Enrolment: e, key: key, device: key.Hash()}, nil
}

// represents verifies the authority's word that the registry named this person
// legal representative. Its age is no matter here: a change of representative
// ends the old one's membership, which is a stop.
func (s *Signer) represents(signed statement.Signed, org statement.Org, who statement.Person, now time.Time) error {
	r, err := statement.ParseRepresentation(signed.Bytes)
	if err != nil {
		return fault.NotLegalRep.Because(err)
	}
	if r.Issuer != s.issuer || !s.vouched(signed) {
		return fault.NotLegalRep.Becausef("the representation is not the authority's")
	}
	if r.Org.USCC != org.USCC || r.Person.ID != who.ID || r.CheckedAt.After(now.Add(MaxSkew)) {
		return fault.NotLegalRep.Becausef("the representation is of another person or organization")
	}
	return nil
}

func (s *Signer) vouched(signed statement.Signed) bool {
	return slices.ContainsFunc(s.authorities, func(k gm.PublicKey) bool { return k.Verify(signed.Bytes, signed.Sig) })
}

// signedBy verifies the device's signature, and the passkey's where the
// enrolment has one: the second is never optional.
func (s *Signer) signedBy(h holder, signed statement.Signed, assertion []byte) error {
	if !h.key.Verify(signed.Bytes, signed.Sig) {
		return fault.Signature
	}
	if h.Passkey == "" {
		return nil
	}
	if s.second == nil || len(assertion) == 0 {
		return fault.SignatureHW
	}
	if err := s.second.Verify(h.PasskeyKey, h.Passkey, signed.Bytes, assertion); err != nil {
		return fault.SignatureHW.Because(err)
	}
	return nil
}
