package verify_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	encoding "encoding/asn1"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cloudseal/verify"
)

const code = "33010600000001"

// forge makes stamps by hand, past the signer and all his checks. Left alone it
// makes a good one; each test spoils something first.
type forge struct {
	t            testing.TB
	pki          *cloudsealtest.PKI
	legal, agent cloudsealtest.Device

	key         *gm.PrivateKey // of the seal
	certificate []byte
	spec        ses.SealSpec
	makerKey    *gm.PrivateKey
	makerCert   []byte
	seal        []byte // nil: made from spec

	original []byte
	at       pdf.Place
	slot     int
	time     time.Time
	data     *gm.Digest // another dataHash than the right one
	ext      func(*ses.EvidenceExt)
	exts     func([]ses.Ext) []ses.Ext
	approval func(*statement.Approval)
	grant    func(*statement.Delegation)
	evidence func(*verify.Statements)
	owner    bool

	trust verify.Trust
}

// smallPicture is a red square of few bytes.
var smallPicture = sync.OnceValue(func() []byte {
	m := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	for i := range 40 {
		for k := range 40 {
			if i < 4 || k < 4 || i > 35 || k > 35 {
				m.SetNRGBA(i, k, color.NRGBA{R: 255, A: 255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
})

func newForge(t testing.TB) *forge {
	t.Helper()
	f := &forge{t: t, pki: cloudsealtest.NewPKI(t), key: cloudsealtest.Key(t), time: cloudsealtest.Start.Add(time.Minute)}
	f.legal = f.pki.Enrol(t, statement.Person{ID: "us_legal", Name: "张三"})
	f.agent = f.pki.Enrol(t, statement.Person{ID: "us_agent", Name: "李四"})
	f.certificate = f.certify(cloudsealtest.Org, f.key.Public(), cloudsealtest.Start, cloudsealtest.Start.AddDate(3, 0, 0))
	f.makerKey, f.makerCert = f.pki.MakerKey, f.pki.MakerCertificate
	f.spec = ses.SealSpec{
		Vendor: "test", Code: code, Type: 1, Name: cloudsealtest.Org.Name, Signers: [][]byte{f.certificate},
		Created: cloudsealtest.Start, ValidFrom: cloudsealtest.Start, ValidTo: cloudsealtest.Start.AddDate(3, 0, 0),
		Picture: ses.Picture{Type: "PNG", Data: smallPicture(), Width: 40, Height: 40},
	}
	f.original = cloudsealtest.PDF(1, 1500)
	f.slot = 5 << 10 // the picture is small; what is left is padding
	f.at = pdf.Place{Page: 1, X: 120, Y: 200, W: 40, H: 40}
	f.trust = verify.Trust{
		Chains: f.pki.Chains(t), Authorities: []gm.PublicKey{f.pki.AuthorityKey.Public()}, Issuer: cloudsealtest.Host,
		Now: cloudsealtest.Start.Add(time.Hour),
	}
	return f
}

func (f *forge) certify(org statement.Org, key gm.PublicKey, from, to time.Time) []byte {
	f.t.Helper()
	der, err := f.pki.Issuing.IssueSealCertificate(ca.SealSubject{Code: code, USCC: org.USCC, Name: org.Name}, key, ca.Period{From: from, To: to})
	if err != nil {
		f.t.Fatal(err)
	}
	return der
}

func (f *forge) must(b []byte, err error) []byte {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// envelope is what both a seal and a signature are around what is signed.
func (f *forge) envelope(message, certificate []byte, key *gm.PrivateKey) []byte {
	f.t.Helper()
	value := f.must(key.Sign(message))
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(message)
		b.AddASN1OctetString(certificate)
		b.AddASN1ObjectIdentifier(encoding.ObjectIdentifier{1, 2, 156, 10197, 1, 501})
		b.AddASN1BitString(value)
	})
	return f.must(b.Bytes())
}

func (f *forge) sealDER() []byte {
	if f.seal == nil {
		f.seal = f.envelope(f.must(ses.SealInfo(f.spec)), f.makerCert, f.makerKey)
	}
	return f.seal
}

// make gives the stamped file, and adds its evidence to the trust.
func (f *forge) make() []byte {
	f.t.Helper()
	file, err := pdf.Open(f.original)
	if err != nil {
		f.t.Fatal(err)
	}
	prepared, err := file.Place(f.at, pdf.Picture{PNG: f.spec.Picture.Data, Width: f.at.W, Height: f.at.H}, pdf.PlaceOptions{Slot: f.slot})
	if err != nil {
		f.t.Fatal(err)
	}
	sm3, dtbs, err := prepared.Digests(f.original)
	if err != nil {
		f.t.Fatal(err)
	}
	ext := f.approve(sm3, dtbs)
	if f.ext != nil {
		f.ext(&ext)
	}
	one, err := ext.Ext()
	if err != nil {
		f.t.Fatal(err)
	}
	exts := []ses.Ext{one}
	if f.exts != nil {
		exts = f.exts(exts)
	}
	if f.data != nil {
		dtbs = *f.data
	}
	tbs := f.must(ses.TBS(ses.TBSSpec{Seal: f.sealDER(), Time: f.time, DataHash: dtbs, Property: "/ByteRange", Exts: exts}))
	return f.must(prepared.Complete(f.original, f.envelope(tbs, f.certificate, f.key)))
}

// approve signs delegation and approval, and puts them where the trust finds
// them.
func (f *forge) approve(sm3, dtbs gm.Digest) ses.EvidenceExt {
	ref := statement.Ref{ID: code, Hash: gm.SM3(f.sealDER())}
	st := verify.Statements{Representation: signed(f.pki.Represent(f.t, cloudsealtest.Org, f.legal.Person))}
	by, delegation := f.legal, statement.Ref{}
	ext := ses.EvidenceExt{Kind: ses.EvidenceOwner}
	if !f.owner {
		edits := []func(*statement.Delegation){}
		if f.grant != nil {
			edits = append(edits, f.grant)
		}
		granted := cloudsealtest.Delegate(f.t, f.legal, f.agent.Person, []statement.Ref{ref}, edits...)
		st.Delegation, st.GrantorEnrolment = signed(granted), signed(f.legal.Enrolment)
		by, delegation = f.agent, statement.Ref{ID: "dg_us_agent", Hash: granted.Hash()}
		ext = ses.EvidenceExt{Kind: ses.EvidenceScan, Slot: 3, Delegation: granted.Hash()}
	}
	docs := []statement.Doc{{SM3: sm3, DTBS: dtbs, Pages: 1, Seal: 1, Place: statement.Place(f.at), Title: "a.pdf"}}
	a := cloudsealtest.Approval(by, "tk_1", cloudsealtest.Start, delegation, []statement.Ref{ref}, docs)
	if f.approval != nil {
		f.approval(&a)
		a.DocsRoot = statement.DocsRoot(a.Docs)
	}
	st.Approval, st.Enrolment = signed(by.SignApproval(f.t, a)), signed(by.Enrolment)
	ext.Approval = gm.SM3(st.Approval.Statement)
	if f.evidence != nil {
		f.evidence(&st)
	}
	f.trust.Source = one{ext.Approval, st}
	return ext
}

func signed(s statement.Signed) verify.Signed {
	return verify.Signed{Statement: s.Bytes, Signature: s.Sig}
}

// one is a source with one piece of evidence.
type one struct {
	approval gm.Digest
	st       verify.Statements
}

func (o one) Evidence(approval gm.Digest) (*verify.Statements, error) {
	if approval != o.approval {
		return nil, nil
	}
	return &o.st, nil
}

// history answers the same state for every seal of the maker.
type history struct {
	state status.State
	known bool
	err   error
}

func (h history) StateAt(string, gm.Digest, time.Time) (status.State, bool, error) {
	return h.state, h.known, h.err
}

// revocations answers the same for every certificate.
type revocations struct {
	revoked, known bool
	err            error
}

func (r revocations) Revoked([]byte, time.Time) (bool, bool, error) { return r.revoked, r.known, r.err }
