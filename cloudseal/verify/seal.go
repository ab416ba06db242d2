package verify

import (
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

// SealReport is what is known of a seal by itself, without a document.
type SealReport struct {
	Verdict Verdict   `json:"verdict"` // Genuine, UnknownIssuer or Invalid
	Words   Text      `json:"words"`
	SM3     gm.Digest `json:"sm3"`
	Seal    SealFacts `json:"seal,omitzero"`
	Checks  []Check   `json:"checks"`
}

// Seal gives the verdict on the DER of a seal (GB/T 38540 §6.3) at Trust.Now,
// or, where that is zero, at the time the seal was made.
func Seal(der []byte, t Trust) SealReport {
	seal, err := ses.ParseSeal(der)
	if err != nil {
		return SealReport{
			Verdict: Invalid, Words: sealWords(Invalid), SM3: gm.SM3(der),
			Checks: []Check{{SealMaker, No, "unreadable", Text{"印章数据无法读取", "The seal cannot be read."}}},
		}
	}
	at := t.Now
	if at.IsZero() {
		at = seal.Created
	}
	// A seal is examined as a stamp that its maker made with it at that time.
	maker := read(seal.MakerCert)
	l := &looked{trust: t, sig: &ses.Signature{Seal: seal, SignerCert: seal.MakerCert, Time: at}, signerCert: maker, makerCert: maker}
	l.sealMaker()
	l.chain()
	l.revocation()
	l.time()
	l.status()
	r := SealReport{SM3: seal.Hash(), Seal: sealFacts(seal, maker), Checks: l.out.Checks, Verdict: Genuine}
	for _, c := range l.out.Checks {
		switch {
		case c.Answer == No && c.Name == Chain:
			r.Verdict = r.Verdict.worse(UnknownIssuer)
		case c.Answer == No:
			r.Verdict = r.Verdict.worse(Invalid)
		}
	}
	r.Words = sealWords(r.Verdict)
	return r
}

func sealWords(v Verdict) Text {
	switch v {
	case Genuine:
		return Text{"印章真实有效", "The seal is genuine."}
	case UnknownIssuer:
		return v.Words()
	}
	return Text{"印章无效", "The seal is not valid."}
}
