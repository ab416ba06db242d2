package verify

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

// maxDelay is how long after the end of an approval's window its stamp may
// claim to be made: the signer waits a minute, plus clocks and fractions.
const maxDelay = 2 * time.Minute

// Signed is a statement with its signature, as a bundle carries it.
type Signed struct {
	Statement []byte `json:"statement"`
	Signature []byte `json:"signature"`
}

// IsZero reports that there is none.
func (s Signed) IsZero() bool { return len(s.Statement) == 0 }

func (s Signed) hash() gm.Digest { return gm.SM3(s.Statement) }

// Statements is the evidence of one approval: everything from the approval back
// to the enrolment authority.
type Statements struct {
	Approval Signed `json:"approval"`
	Second   []byte `json:"second,omitempty"` // passkey assertion over the approval
	// Manifest holds the document lines of a batch too large for its approval;
	// Lines single ones of them, each with the proof that it is in the list, for
	// who is to verify one document and not to see the others.
	Manifest         []byte `json:"manifest,omitempty"`
	Lines            []Line `json:"lines,omitempty"`
	Display          []byte `json:"display,omitempty"` // what the person was shown
	Enrolment        Signed `json:"enrolment"`         // of the approving device
	Representation   Signed `json:"representation"`    // of the legal representative
	Delegation       Signed `json:"delegation,omitzero"`
	DelegationSecond []byte `json:"delegation_second,omitempty"`
	GrantorEnrolment Signed `json:"grantor_enrolment,omitzero"`

	Seconding *Seconding `json:"seconding,omitempty"`
}

// Line is a document line of a batch with the hashes that lead from it to the
// root in the approval (statement.Proof).
type Line struct {
	Index int         `json:"index"`
	Line  string      `json:"line"`
	Path  []gm.Digest `json:"path"`
}

// errNoList: the approval is for a batch whose list is not at hand.
var errNoList = errors.New("verify: no list of the batch")

// flaw is why evidence does not prove its stamp.
type flaw struct{ code, zh, en string }

func (f *flaw) Error() string { return f.code }

// evidence: the statements behind the stamp, if they can be had, prove that a
// person with the power to do so approved this document, this place and this
// seal (the checks of keys.Signer, made again from the outside).
func (l *looked) evidence() {
	ext, err := ses.EvidenceOf(l.sig.Exts)
	if err != nil {
		l.no(Evidence, "form", "签章中的授权信息格式错误", "What the stamp says of its approval is malformed.")
		return
	}
	if ext == nil {
		l.unchecked(Evidence, "none", "签章中没有授权信息", "The stamp says nothing of an approval.")
		return
	}
	l.out.Evidence = &EvidenceFacts{Kind: ext.Kind, Approval: ext.Approval, Delegation: ext.Delegation, Slot: ext.Slot}
	if l.trust.Source == nil {
		l.unchecked(Evidence, "no-source", "没有提供授权证据", "The statements behind the approval were not at hand.")
		return
	}
	found, err := l.trust.Source.Evidence(ext.Approval)
	if err != nil || found == nil {
		l.unchecked(Evidence, "not-found", "未找到该签章的授权证据", "There are no statements for this approval.")
		return
	}
	proved, err := l.prove(*found, ext)
	var f *flaw
	switch {
	case errors.As(err, &f):
		l.no(Evidence, f.code, f.zh, f.en)
	case errors.Is(err, errNoList):
		l.unchecked(Evidence, "no-list", "没有提供批量确认的文件清单", "The list of the approved batch was not at hand.")
	case err != nil:
		l.no(Evidence, "statement", "授权证据格式错误", "A statement behind the approval is malformed.")
	case ext.Kind == ses.EvidenceOwner:
		l.out.Evidence.Proved = proved
		l.yes(Evidence, "owner", "法定代表人本人确认盖章", "The legal representative approved it himself.")
	default:
		l.out.Evidence.Proved = proved
		l.yes(Evidence, "scan", "经办人在法定代表人授权范围内扫码确认盖章", "An agent approved it under a delegation of the legal representative.")
	}
}

// prove follows the statements from the approval to the authority.
func (l *looked) prove(s Statements, ext *ses.EvidenceExt) (*Proved, error) {
	a, _, err := statement.ParseApproval(s.Approval.Statement)
	if err != nil {
		return nil, err
	}
	if s.Approval.hash() != ext.Approval || a.Purpose != statement.Stamp || a.Decision != statement.Approve {
		return nil, &flaw{"approval", "授权证据不属于该签章", "The approval is another one."}
	}
	if len(s.Display) > 0 && gm.SM3(s.Display) != a.Display {
		return nil, &flaw{"display", "展示内容与确认时不一致", "What is said to have been shown is not what was approved."}
	}
	if a, err = l.listed(a, s); err != nil {
		return nil, err
	}
	last, err := s.last(a)
	if err != nil {
		return nil, err
	}
	if err := l.approves(a, last); err != nil {
		return nil, err
	}
	if err := l.signedBy(s.Approval, s.Second, s.Enrolment, a.Agent, a.Device); err != nil {
		return nil, err
	}
	p := &Proved{
		Ticket: a.Ticket, Application: a.App.Name, Principal: a.Principal.USCC + " " + a.Principal.Name,
		Agent: a.Agent.Name, ApprovedBy: a.ExpiresAt,
	}
	switch ext.Kind {
	case ses.EvidenceOwner:
		if a.Delegation != (statement.Ref{}) || ext.Slot != 0 {
			return nil, &flaw{"owner", "本人确认的签章不应引用授权", "An owner's stamp names a delegation."}
		}
		if err := l.seconded(p, s, a, statement.Delegation{}); err != nil {
			return nil, err
		}
		return p, l.represents(s.Representation, a.Principal, a.Agent)
	case ses.EvidenceScan:
		return p, l.delegated(p, s, a, ext)
	}
	return nil, &flaw{"kind", "授权类型无法验证", "Evidence of this kind cannot be verified here."}
}

// listed adds to the approval of a large batch the lines that are at hand: the
// whole manifest, or the proved line of this document.
func (l *looked) listed(a statement.Approval, s Statements) (statement.Approval, error) {
	if !a.Listed() {
		return a, nil
	}
	if len(s.Manifest) > 0 {
		return a.With(s.Manifest)
	}
	if len(s.Lines) == 0 {
		return a, errNoList
	}
	for _, line := range s.Lines {
		d, err := a.Proved(statement.Proof(line))
		if err != nil {
			return a, &flaw{"list", "文件不在确认的清单中", "A document is not in the list that was approved."}
		}
		a.Docs = append(a.Docs, d)
	}
	return a, nil
}

// approves: the approval is about this very stamp: content, seal, place, and
// the organization in the signer's certificate, at about this time; last is when
// it was complete.
func (l *looked) approves(a statement.Approval, last time.Time) error {
	i := slices.IndexFunc(a.Docs, func(d statement.Doc) bool { return d.DTBS == l.digest })
	if i < 0 {
		return &flaw{"content", "确认内容不是该文件", "The approval is for other content."}
	}
	line := a.Docs[i]
	n := max(line.Seal, 1) - 1
	seal := l.sig.Seal
	switch {
	case n >= len(a.Seals) || a.Seals[n] != (statement.Ref{ID: seal.Code, Hash: seal.Hash()}):
		return &flaw{"seal", "确认时展示的不是该印章", "The approval is for another seal."}
	case line.Place.Page != l.found.Page || !near(line.Place, statement.Place(l.found.Place)):
		return &flaw{"place", "印章位置与确认时不一致", "The stamp does not stand where the approval shows it."}
	case !strings.HasPrefix(l.out.Signer.Organization, a.Principal.USCC):
		return &flaw{"principal", "确认的单位不是印章单位", "The approval is for another organization."}
	case l.sig.Time.Before(a.IssuedAt) || l.sig.Time.After(last.Add(maxDelay)):
		return &flaw{"approval-time", "签章时间不在确认的有效时间内", "The stamp was not made when it was approved."}
	case l.trust.Issuer != "" && a.Issuer != l.trust.Issuer:
		return &flaw{"issuer", "授权证据由其他系统出具", "The approval was issued by another system."}
	}
	return nil
}

// near compares places within what a statement's tenth of a millimetre hides.
func near(a, b statement.Place) bool {
	close := func(x, y float64) bool { return math.Abs(x-y) <= 0.15 }
	return close(a.X, b.X) && close(a.Y, b.Y) && close(a.W, b.W) && close(a.H, b.H)
}

// delegated: an agent's approval under a delegation that reaches this far.
func (l *looked) delegated(p *Proved, s Statements, a statement.Approval, ext *ses.EvidenceExt) error {
	d, err := statement.ParseDelegation(s.Delegation.Statement)
	if err != nil {
		return err
	}
	at := l.sig.Time
	switch {
	case s.Delegation.hash() != ext.Delegation || a.Delegation != (statement.Ref{ID: d.ID, Hash: ext.Delegation}):
		return &flaw{"delegation", "授权书不是签章所引用的授权", "The delegation is another one."}
	case d.Org != a.Principal || d.Agent != a.Agent || d.App != a.App || !slices.Contains(d.Actions, statement.Stamp):
		return &flaw{"scope", "授权范围不包括此次盖章", "The delegation does not cover this stamp."}
	case slices.ContainsFunc(a.Seals, func(r statement.Ref) bool { return !slices.Contains(d.Seals, r) }):
		return &flaw{"scope-seal", "授权范围不包括该印章", "The delegation does not cover this seal."}
	case at.Before(d.NotBefore) || !at.Before(d.NotAfter):
		return &flaw{"delegation-time", "盖章时授权不在有效期内", "The delegation was not in force at the time."}
	case ext.Slot < 1 || ext.Slot > d.Max:
		return &flaw{"slot", "超出授权次数", "The delegation has no such use."}
	}
	p.Grantor, p.Slots = d.Grantor.Name, d.Max
	if err := l.signedBy(s.Delegation, s.DelegationSecond, s.GrantorEnrolment, d.Grantor, d.Device); err != nil {
		return err
	}
	if err := l.represents(s.Representation, d.Org, d.Grantor); err != nil {
		return err
	}
	return l.seconded(p, s, a, d)
}

// signedBy: the statement was signed by a device that the authority enrolled
// for this person.
func (l *looked) signedBy(s Signed, second []byte, enrolment Signed, who statement.Person, device gm.Digest) error {
	e, err := statement.ParseEnrolment(enrolment.Statement)
	if err != nil {
		return err
	}
	if !l.vouched(enrolment) {
		return &flaw{"enrolment", "设备登记未经登记机构签名", "The device was not enrolled by a trusted authority."}
	}
	key, err := gm.ParsePublicKey(e.Key)
	if err != nil {
		return err
	}
	if e.Person != who || key.Hash() != device || !key.Verify(s.Statement, s.Signature) {
		return &flaw{"signature", "确认或授权的设备签名无效", "A statement was not signed by the enrolled device."}
	}
	if e.Passkey == "" || l.trust.Second == nil {
		return nil
	}
	if l.trust.Second.Verify(e.PasskeyKey, e.Passkey, s.Statement, second) != nil {
		return &flaw{"second-signature", "设备安全密钥签名无效", "The second signature of the device does not verify."}
	}
	return nil
}

// represents: the authority says that the registry named this person legal
// representative of the organization.
func (l *looked) represents(s Signed, org statement.Org, who statement.Person) error {
	r, err := statement.ParseRepresentation(s.Statement)
	if err != nil {
		return err
	}
	if !l.vouched(s) || r.Org.USCC != org.USCC || r.Person.ID != who.ID {
		return &flaw{"representation", "没有法定代表人身份的登记证明", "Nobody trusted says that this person represents the organization."}
	}
	return nil
}

func (l *looked) vouched(s Signed) bool {
	return slices.ContainsFunc(l.trust.Authorities, func(k gm.PublicKey) bool { return k.Verify(s.Statement, s.Signature) })
}
