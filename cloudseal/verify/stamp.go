package verify

import (
	"bytes"
	"time"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
)

// maxSkew is how far a claimed time may lie in the future of Trust.Now.
const maxSkew = 5 * time.Minute

// looked is a stamp under examination.
type looked struct {
	found  pdf.Stamp
	digest gm.Digest
	sig    *ses.Signature
	trust  Trust
	// signerCert and makerCert are read once; nil when they cannot be.
	signerCert, makerCert *ca.Facts
	out                   Stamp
}

// examine gives the report on one stamp. Checks that need a readable signature
// are not made without one.
func examine(f pdf.Stamp, digest gm.Digest, t Trust) Stamp {
	l := &looked{found: f, digest: digest, trust: t}
	l.out = Stamp{Field: f.Field, Page: f.Page, Place: Place{f.Place.X, f.Place.Y, f.Place.W, f.Place.H}}
	sig, err := ses.ParseSignature(f.DER)
	if err == nil {
		l.sig = sig
		l.describe()
	}
	l.integrity(err)
	l.coverage()
	l.laterChanges()
	if l.sig != nil {
		l.sealMaker()
		l.signer()
		l.chain()
		l.revocation()
		l.time()
		l.status()
		l.evidence()
	}
	l.unchecked(Void, "no-register", "没有查询作废登记", "No register of withdrawn documents was asked.")
	for _, name := range Names() {
		if !l.answered(name) {
			l.unchecked(name, "unreadable", "签章数据无法读取", "The signature cannot be read.")
		}
	}
	l.sort()
	l.out.Verdict = l.out.verdict()
	l.out.Words = l.out.Verdict.Words()
	return l.out
}

// describe notes what the stamp says of itself.
func (l *looked) describe() {
	l.out.Time = l.sig.Time
	l.signerCert, l.makerCert = read(l.sig.SignerCert), read(l.sig.Seal.MakerCert)
	l.out.Seal = sealFacts(l.sig.Seal, l.makerCert)
	l.out.Signer = subjectOf(l.signerCert)
}

// integrity: nothing about its place in the file is odd, the digest of the
// covered bytes is the signed one, and the signature over it verifies.
func (l *looked) integrity(parse error) {
	switch {
	case len(l.found.Problems) > 0:
		l.no(Integrity, "form-"+l.found.Problems[0], "签章在文件中的结构异常", "The signature does not stand in the file as it must.")
	case parse != nil:
		l.no(Integrity, "unreadable", "签章数据无法读取", "The signature cannot be read.")
	case l.digest.IsZero() || !bytes.Equal(l.digest[:], l.sig.DataHash):
		l.no(Integrity, "digest", "文件内容与盖章时不一致", "The content is not what was stamped.")
	case l.sig.CheckSigner() != nil:
		l.no(Integrity, "signature", "签名值验证不通过", "The signature over the content does not verify.")
	default:
		l.yes(Integrity, "intact", "文件内容与盖章时一致", "The content is what was stamped.")
	}
}

func (l *looked) coverage() {
	switch {
	case l.found.WholeFile:
		l.yes(Coverage, "whole-file", "签章覆盖整个文件", "The stamp covers the whole file.")
	case len(l.found.LaterRevisions) > 0 && l.onlyStampsFollow():
		l.yes(Coverage, "whole-revision", "签章覆盖盖章时的整个文件，其后又加盖了印章", "The stamp covers all of the file as it then was; further stamps follow.")
	default:
		l.no(Coverage, "partial", "签章没有覆盖整个文件", "The stamp does not cover the whole file.")
	}
}

func (l *looked) laterChanges() {
	switch {
	case len(l.found.LaterRevisions) == 0:
		l.yes(LaterChanges, "none", "盖章后没有追加内容", "Nothing came after the stamp.")
	case l.onlyStampsFollow():
		l.yes(LaterChanges, "stamps-only", "盖章后仅加盖了其他印章", "Only further stamps came after.")
	default:
		l.no(LaterChanges, "changed", "盖章后文件被修改", "The file was changed after the stamp.")
	}
}

func (l *looked) onlyStampsFollow() bool {
	for _, r := range l.found.LaterRevisions {
		if r.Kind != pdf.RevisionSignature {
			return false
		}
	}
	return true
}

// sealMaker: GB/T 38540 §6.3, the signature of the seal; its certificate is
// part of chain.
func (l *looked) sealMaker() {
	if l.sig.Seal.CheckMaker() != nil {
		l.no(SealMaker, "maker-signature", "印章数据的制章签名验证不通过", "The seal is not as its maker signed it.")
		return
	}
	l.yes(SealMaker, "made", "印章数据由制章人签名且未被改动", "The seal is as its maker signed it.")
}

func (l *looked) signer() {
	if !l.sig.Seal.Allows(l.sig.SignerCert) {
		l.no(Signer, "not-listed", "签章证书不在印章的证书列表中", "The seal does not permit the certificate that signed.")
		return
	}
	l.yes(Signer, "listed", "签章证书在印章的证书列表中", "The seal permits the certificate that signed.")
}

// time: what the stamp claims must be possible. It is a claim: a time-stamp by
// a third party would be more.
func (l *looked) time() {
	at := l.sig.Time
	switch {
	case at.IsZero():
		l.unchecked(Time, "token-only", "签章时间为时间戳，未验证", "The time stands in a time-stamp token, which was not examined.")
	case !l.trust.Now.IsZero() && at.After(l.trust.Now.Add(maxSkew)):
		l.no(Time, "future", "签章时间在未来", "The claimed time is in the future.")
	case !l.sig.Seal.ValidAt(at):
		l.no(Time, "seal-period", "签章时间不在印章有效期内", "The seal was not in force at the claimed time.")
	case !l.certificatesInForce(at):
		l.no(Time, "certificate-period", "签章时间不在证书有效期内", "A certificate was not in force at the claimed time.")
	default:
		l.yes(Time, "claimed", "签章时间在印章和证书有效期内", "Seal and certificates were in force at the claimed time.")
	}
}
