package verify

import (
	"errors"
	"time"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/ses"
)

// chain: the certificates of signer and maker lead to a trusted root, each
// valid at the claimed time (GB/T 38540 §6.3, §7.3 step 5). Expiry since then
// is no matter.
func (l *looked) chain() {
	if l.trust.Chains == nil {
		l.no(Chain, "no-roots", "没有受信任的根证书", "No root is trusted here.")
		return
	}
	for _, der := range [][]byte{l.sig.SignerCert, l.sig.Seal.MakerCert} {
		_, err := l.trust.Chains.Verify(der, l.sig.Time)
		switch {
		case err == nil:
		case errors.Is(err, ca.ErrPeriod):
			l.no(Chain, "period", "证书链中有证书在签章时无效", "A certificate of the chain was not valid at the claimed time.")
			return
		case errors.Is(err, ca.ErrKeyUsage):
			l.no(Chain, "key-usage", "证书不能用于签名", "A certificate is not one for signing.")
			return
		default:
			l.no(Chain, "unknown-issuer", "证书不是由受信任的机构签发", "A certificate was not issued by anybody trusted here.")
			return
		}
	}
	l.yes(Chain, "trusted", "签章证书和制章证书均由受信任的机构签发", "Both certificates were issued by a trusted authority.")
}

func (l *looked) revocation() {
	if l.trust.Revocations == nil {
		l.unchecked(Revocation, "no-source", "没有查询证书吊销状态", "Revocation of the certificates was not asked for.")
		return
	}
	for _, der := range [][]byte{l.sig.SignerCert, l.sig.Seal.MakerCert} {
		revoked, known, err := l.trust.Revocations.Revoked(der, l.sig.Time)
		switch {
		case err != nil || !known:
			l.unchecked(Revocation, "unknown", "证书吊销状态未知", "It is not known whether a certificate was revoked.")
			return
		case revoked:
			l.no(Revocation, "revoked", "证书在签章时已被吊销", "A certificate was revoked when it was used.")
			return
		}
	}
	l.yes(Revocation, "not-revoked", "证书未被吊销", "Neither certificate was revoked.")
}

// certificatesInForce looks at the two certificates' own periods. One that
// cannot be read has no period to be outside of; chain says no to it.
func (l *looked) certificatesInForce(at time.Time) bool {
	for _, f := range []*ca.Facts{l.signerCert, l.makerCert} {
		if f != nil && (at.Before(f.Period.From) || at.After(f.Period.To)) {
			return false
		}
	}
	return true
}

// read describes a certificate, nil when it cannot be read: there are such in
// the world, and signatures under them.
func read(der []byte) *ca.Facts {
	f, err := ca.Describe(der)
	if err != nil {
		return nil
	}
	return &f
}

func subjectOf(f *ca.Facts) Subject {
	if f == nil {
		return Subject{}
	}
	return Subject{Name: f.CommonName, Organization: f.Organization, Issuer: f.Issuer, Serial: f.Serial}
}

func sealFacts(s *ses.Seal, maker *ca.Facts) SealFacts {
	return SealFacts{
		Code: s.Code, Name: s.Name, Type: s.Type, Version: s.Version, Standard: s.Shape.String(), Vendor: s.Vendor,
		Hash: s.Hash(), ValidFrom: s.ValidFrom, ValidTo: s.ValidTo, Maker: subjectOf(maker),
	}
}
