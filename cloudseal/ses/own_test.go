package ses_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

func parseCertificate(der []byte) (*smx509.Certificate, error) { return smx509.ParseCertificate(der) }

func TestWrittenSealReadsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := w.sealSpec()
	spec.Exts = []ses.Ext{
		{OID: asn1.ObjectIdentifier{1, 2, 156, 112600, 7, 1}, Value: []byte("91330100MA00000000示例")},
		{OID: asn1.ObjectIdentifier{1, 2, 156, 112600, 7, 2}, Critical: true, Value: []byte("x")},
	}
	der := w.sealOf(t, spec)
	s := parseSeal(t, der)
	if s.Version != 4 || s.Shape != ses.Flat || s.Code != spec.Code || s.Vendor != spec.Vendor || s.Name != spec.Name || s.Type != 1 {
		t.Errorf("read back as %+v", s)
	}
	if !s.Created.Equal(spec.Created) || !s.ValidFrom.Equal(spec.ValidFrom) || !s.ValidTo.Equal(spec.ValidTo) {
		t.Errorf("times %v %v %v", s.Created, s.ValidFrom, s.ValidTo)
	}
	if s.Picture.Type != "PNG" || !bytes.Equal(s.Picture.Data, spec.Picture.Data) || s.Picture.Width != 40 || s.Picture.Height != 40 {
		t.Errorf("picture %+v", s.Picture)
	}
	if len(s.Exts) != 2 || !bytes.Equal(s.Exts[0].Value, spec.Exts[0].Value) || s.Exts[0].Critical || !s.Exts[1].Critical {
		t.Errorf("extensions %+v", s.Exts)
	}
	if !bytes.Contains(der, []byte{1, 1, 0}) {
		t.Error("critical is not written when false")
	}
	if !bytes.Contains(der, []byte("\x18\x0f20260101010203Z")) {
		t.Error("the time is not written as YYYYMMDDHHMMSSZ")
	}
	if !s.ValidAt(spec.ValidFrom) || !s.ValidAt(spec.ValidTo) || s.ValidAt(spec.ValidFrom.Add(-time.Second)) || s.ValidAt(spec.ValidTo.Add(time.Second)) {
		t.Error("the ends of the period are not both included")
	}
	if err := ses.CheckOwnSeal(s); err != nil {
		t.Error(err)
	}
}

func TestWrittenSignatureReadsBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := parseSignature(t, w.signature(t))
	if s.Version != 4 || !s.Time.Equal(date(2026, 11, 22)) || s.Property != "ByteRange" || s.TimeStamp != nil {
		t.Errorf("read back as v%d, %v, %q", s.Version, s.Time, s.Property)
	}
	if err := ses.CheckOwn(s); err != nil {
		t.Error(err)
	}
	e, err := ses.EvidenceOf(s.Exts)
	if err != nil || e == nil || *e != (ses.EvidenceExt{
		Kind: "scan", Delegation: gm.SM3([]byte("delegation")), Slot: 17, Approval: gm.SM3([]byte("approval")),
	}) {
		t.Errorf("evidence %+v, %v", e, err)
	}
}

func TestSealSpecIsHeldToTheProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ext := ses.Ext{OID: asn1.ObjectIdentifier{1, 2, 3}}
	for name, change := range map[string]func(s *ses.SealSpec){
		"no code":             func(s *ses.SealSpec) { s.Code = "" },
		"code not ASCII":      func(s *ses.SealSpec) { s.Code = "３３０" },
		"no vendor":           func(s *ses.SealSpec) { s.Vendor = "" },
		"no name":             func(s *ses.SealSpec) { s.Name = "" },
		"name that reorders":  func(s *ses.SealSpec) { s.Name = "示例\u202e公司" },
		"name not UTF-8":      func(s *ses.SealSpec) { s.Name = "\xff" },
		"name too long":       func(s *ses.SealSpec) { s.Name = strings.Repeat("名", 100) },
		"nobody may sign":     func(s *ses.SealSpec) { s.Signers = nil },
		"signer without key":  func(s *ses.SealSpec) { s.Signers = [][]byte{{0x30, 0}} },
		"too many signers":    func(s *ses.SealSpec) { s.Signers = make([][]byte, ses.MaxListed+1) },
		"period backwards":    func(s *ses.SealSpec) { s.ValidTo = s.ValidFrom.Add(-time.Second) },
		"made after its end":  func(s *ses.SealSpec) { s.Created = s.ValidTo.Add(time.Second) },
		"no picture":          func(s *ses.SealSpec) { s.Picture.Data = nil },
		"no size":             func(s *ses.SealSpec) { s.Picture.Width = 0 },
		"picture too large":   func(s *ses.SealSpec) { s.Picture.Data = make([]byte, ses.MaxPicture+1) },
		"extension twice":     func(s *ses.SealSpec) { s.Exts = []ses.Ext{ext, ext} },
		"extension, no name":  func(s *ses.SealSpec) { s.Exts = []ses.Ext{{}} },
		"too many extensions": func(s *ses.SealSpec) { s.Exts = make([]ses.Ext, ses.MaxExtensions+1) },
		"negative type":       func(s *ses.SealSpec) { s.Type = -1 },
	} {
		spec := w.sealSpec()
		change(&spec)
		if _, err := ses.SealInfo(spec); err == nil {
			t.Errorf("%s: built", name)
		}
	}
}

func TestTBSSpecIsHeldToTheProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.parts()
	p.version = 5
	for name, change := range map[string]func(s *ses.TBSSpec){
		"no seal":           func(s *ses.TBSSpec) { s.Seal = nil },
		"trailing byte":     func(s *ses.TBSSpec) { s.Seal = append(bytes.Clone(s.Seal), 0) },
		"seal of 2014":      func(s *ses.TBSSpec) { s.Seal = sample(t, "seal/UserV1.esl") },
		"seal of version 5": func(s *ses.TBSSpec) { s.Seal = w.flatSeal(t, p.info(), nil) },
		"no hash":           func(s *ses.TBSSpec) { s.DataHash = gm.Digest{} },
		"no property":       func(s *ses.TBSSpec) { s.Property = "" },
		"property in CJK":   func(s *ses.TBSSpec) { s.Property = "路径" },
		"extension twice":   func(s *ses.TBSSpec) { s.Exts = append(s.Exts, s.Exts...) },
	} {
		spec := w.tbsSpec(t)
		change(&spec)
		if _, err := ses.TBS(spec); err == nil {
			t.Errorf("%s: built", name)
		}
	}
}

func TestAssemblingRefusesWhatDoesNotVerify(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	info, err := ses.SealInfo(w.sealSpec())
	if err != nil {
		t.Fatal(err)
	}
	tbs, err := ses.TBS(w.tbsSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ses.AssembleSeal(info, w.maker.cert, w.signer.sign(t, info)); !errors.Is(err, ses.ErrSignature) {
		t.Errorf("seal signed with another key: %v", err)
	}
	if _, err := ses.AssembleSeal(info, w.maker.cert, rawOf(w.maker.sign(t, info))); !errors.Is(err, ses.ErrSignature) {
		t.Errorf("seal with a raw value: %v", err)
	}
	if _, err := ses.AssembleSignature(tbs, w.signer.cert, w.maker.sign(t, tbs)); !errors.Is(err, ses.ErrSignature) {
		t.Errorf("signature with another key: %v", err)
	}
	// The maker is not in the seal's list of signers.
	if _, err := ses.AssembleSignature(tbs, w.maker.cert, w.maker.sign(t, tbs)); !errors.Is(err, ses.ErrProfile) {
		t.Errorf("signature by one who may not: %v", err)
	}
}

// Everything about a signature of ours can be right except its form or its time.
func TestCheckOwnRefusesWhatWeDoNotWrite(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seal, hash := w.seal(t), gm.SM3([]byte("document"))
	when := generalized("20261122010203Z")
	p := w.parts()
	p.times = append(generalized("20260101010203Z"), append(generalized("20260101010203Z"), generalized("20290101010203Z")...)...)
	v5 := p
	v5.version = 5
	p.exts = seq(seq(anExt, octets([]byte("v"))))
	omitted := w.flatSeal(t, p.info(), nil)
	sign := func(version int64, seal, when, hash []byte, more ...[]byte) []byte {
		tbs := seq(append([][]byte{number(version), seal, when, hash, ia5("/p")}, more...)...)
		return seq(tbs, octets(w.signer.cert), oid(sm2WithSM3), bits(w.signer.sign(t, tbs)))
	}
	if err := ses.CheckOwn(parseSignature(t, sign(4, seal, when, bits(hash[:])))); err != nil {
		t.Fatalf("the test's own signature is refused: %v", err)
	}
	for name, der := range map[string][]byte{
		"version 5":            sign(5, seal, when, bits(hash[:])),
		"seal of version 5":    sign(4, w.flatSeal(t, v5.info(), nil), when, bits(hash[:])),
		"time before":          sign(4, seal, generalized("20251231235959Z"), bits(hash[:])),
		"time behind":          sign(4, seal, generalized("20290101010204Z"), bits(hash[:])),
		"hash of 20 bytes":     sign(4, seal, when, bits(hash[:20])),
		"hash in octets":       sign(4, seal, when, octets(hash[:])),
		"seal in octets":       sign(4, octets(seal), when, bits(hash[:])),
		"time as UTCTime":      sign(4, seal, utc("261122010203Z"), bits(hash[:])),
		"fraction of a second": sign(4, seal, generalized("20261122010203.5Z"), bits(hash[:])),
		"no extension in list": sign(4, seal, when, bits(hash[:]), tlv(explicit0, seq())),
		"untagged extensions":  sign(4, seal, when, bits(hash[:]), seq(seq(anExt, []byte{1, 1, 0}, octets([]byte("v"))))),
		"critical omitted":     sign(4, seal, when, bits(hash[:]), tlv(explicit0, p.exts)),
		"omitted in the seal":  sign(4, omitted, when, bits(hash[:])),
		"a time stamp": func() []byte {
			s := parseSignature(t, sign(4, seal, when, bits(hash[:])))
			return seq(s.TBS, octets(s.SignerCert), oid(sm2WithSM3), bits(s.Value), tlv(explicit0, bits([]byte("token"))))
		}(),
		"raw value": func() []byte {
			s := parseSignature(t, sign(4, seal, when, bits(hash[:])))
			return seq(s.TBS, octets(s.SignerCert), oid(sm2WithSM3), bits(rawOf(s.Value)))
		}(),
	} {
		s := parseSignature(t, der)
		if name != "hash of 20 bytes" && s.CheckSigner() != nil {
			t.Errorf("%s: the test does not sign it", name)
		}
		if err := ses.CheckOwn(s); err == nil {
			t.Errorf("%s: passes", name)
		}
	}
}

func TestOtherAlgorithmsAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	info := w.parts().info()
	rsa := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	s := parseSeal(t, seq(info, octets(w.maker.cert), oid(rsa), bits(w.maker.sign(t, info))))
	if err := s.CheckMaker(); !errors.Is(err, ses.ErrAlgorithm) {
		t.Errorf("RSA: %v", err)
	}
	s = parseSeal(t, seq(info, octets([]byte{0x30, 0}), oid(sm2WithSM3), bits(w.maker.sign(t, info))))
	if err := s.CheckMaker(); !errors.Is(err, ses.ErrCertificate) {
		t.Errorf("no key: %v", err)
	}
}

func TestEvidence(t *testing.T) {
	t.Parallel()
	approval, delegation := gm.SM3([]byte("a")), gm.SM3([]byte("d"))
	for _, e := range []ses.EvidenceExt{
		{Kind: ses.EvidenceScan, Delegation: delegation, Slot: 1, Approval: approval},
		{Kind: ses.EvidenceOwner, Approval: approval},
		{Kind: ses.EvidenceKeeper, Delegation: delegation, Approval: approval},
		{Kind: ses.EvidenceStanding, Delegation: delegation, Slot: ses.MaxSlot, Approval: approval},
	} {
		ext, err := e.Ext()
		if err != nil || ext.Critical {
			t.Fatalf("%s: %v", e.Kind, err)
		}
		got, err := ses.EvidenceOf([]ses.Ext{{OID: asn1.ObjectIdentifier{1, 2, 3}, Value: []byte("other")}, ext})
		if err != nil || *got != e {
			t.Errorf("%s: read back as %+v, %v", e.Kind, got, err)
		}
		if _, err := ses.EvidenceOf([]ses.Ext{ext, ext}); err == nil {
			t.Error("two are accepted")
		}
	}
	for name, e := range map[string]ses.EvidenceExt{
		"no kind":                {Approval: approval},
		"another kind":           {Kind: "paper", Approval: approval},
		"no approval":            {Kind: ses.EvidenceOwner},
		"owner under delegation": {Kind: ses.EvidenceOwner, Delegation: delegation, Approval: approval},
		"scan without":           {Kind: ses.EvidenceScan, Approval: approval},
		"negative slot":          {Kind: ses.EvidenceKeeper, Slot: -1, Approval: approval},
	} {
		if _, err := e.Ext(); err == nil {
			t.Errorf("%s: built", name)
		}
	}
	if e, err := ses.EvidenceOf(nil); e != nil || err != nil {
		t.Errorf("none: %v, %v", e, err)
	}
}

// The bytes of the extension, for other readers to hold themselves against.
func TestEvidenceBytes(t *testing.T) {
	t.Parallel()
	e := ses.EvidenceExt{Kind: "owner", Approval: gm.Digest{31: 1}}
	ext, err := e.Ext()
	if err != nil {
		t.Fatal(err)
	}
	approval := make([]byte, 32)
	approval[31] = 1
	if want := seq(number(1), ia5("owner"), octets(approval), octets(nil), number(0)); !bytes.Equal(ext.Value, want) {
		t.Errorf("%x, want %x", ext.Value, want)
	}
	if got := ext.OID.String(); got != "1.2.840.113556.1.8000.2554.40236.61649.64930.19763.44686.4779746.3251881.1" {
		t.Errorf("identifier %s", got)
	}
	for name, value := range map[string][]byte{
		"version 2":        seq(number(2), ia5("owner"), octets(approval), octets(nil), number(0)),
		"kind in UTF-8":    seq(number(1), utf("owner"), octets(approval), octets(nil), number(0)),
		"short approval":   seq(number(1), ia5("owner"), octets(approval[1:]), octets(nil), number(0)),
		"zero delegation":  seq(number(1), ia5("keeper"), octets(approval), octets(make([]byte, 32)), number(0)),
		"short delegation": seq(number(1), ia5("scan"), octets(approval), octets([]byte{1}), number(0)),
		"one more":         seq(number(1), ia5("owner"), octets(approval), octets(nil), number(0), number(0)),
		"behind":           append(bytes.Clone(ext.Value), 0),
		"not a sequence":   octets(nil),
		"needless zero":    seq(number(1), ia5("owner"), octets(approval), octets(nil), tlv(tags.INTEGER, []byte{0, 0})),
	} {
		if e, err := ses.EvidenceOf([]ses.Ext{{OID: ses.EvidenceOID(), Value: value}}); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
}
