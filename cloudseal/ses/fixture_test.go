package ses_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

// sample reads a real file; the test fails when it is missing.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../shared/samples", name))
	if err != nil {
		t.Fatalf("the real samples are missing: %v", err)
	}
	return b
}

// entry reads one entry of a real OFD file.
func entry(t testing.TB, file, name string) []byte {
	t.Helper()
	raw := sample(t, file)
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// party is someone with a key and a certificate.
type party struct {
	key  *gm.PrivateKey
	cert []byte
}

func newParty(t testing.TB, name string) party {
	t.Helper()
	key, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	template := &smx509.Certificate{
		SerialNumber:   big.NewInt(1),
		Subject:        pkix.Name{CommonName: name, ExtraNames: []pkix.AttributeTypeAndValue{{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "mail@example.cn"}}},
		NotBefore:      date(2025, 1, 1),
		NotAfter:       date(2035, 1, 1),
		EmailAddresses: []string{"mail@example.cn"},
	}
	cert, err := smx509.CreateCertificate(rand.Reader, template, template, key.Public().Crypto(), key.Signer())
	if err != nil {
		t.Fatal(err)
	}
	return party{key, cert}
}

func (p party) sign(t testing.TB, message []byte) []byte {
	t.Helper()
	sig, err := p.key.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 1, 2, 3, 0, time.UTC) }

// world is a maker, a signer and what they would make.
type world struct{ maker, signer party }

func newWorld(t testing.TB) world {
	return world{newParty(t, "制作系统"), newParty(t, "33010600000001")}
}

func (w world) sealSpec() ses.SealSpec {
	return ses.SealSpec{
		Vendor: "yunzhang", Code: "33010600000001", Type: 1, Name: "示例科技有限公司",
		Signers: [][]byte{w.signer.cert},
		Created: date(2026, 1, 1), ValidFrom: date(2026, 1, 1), ValidTo: date(2029, 1, 1),
		Picture: ses.Picture{Type: "PNG", Data: []byte("\x89PNG picture"), Width: 40, Height: 40},
	}
}

func (w world) seal(t testing.TB) []byte {
	t.Helper()
	return w.sealOf(t, w.sealSpec())
}

func (w world) sealOf(t testing.TB, spec ses.SealSpec) []byte {
	t.Helper()
	info, err := ses.SealInfo(spec)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := ses.AssembleSeal(info, w.maker.cert, w.maker.sign(t, info))
	if err != nil {
		t.Fatal(err)
	}
	return seal
}

func (w world) tbsSpec(t testing.TB) ses.TBSSpec {
	t.Helper()
	ext, err := ses.EvidenceExt{
		Kind: ses.EvidenceScan, Delegation: gm.SM3([]byte("delegation")), Slot: 17, Approval: gm.SM3([]byte("approval")),
	}.Ext()
	if err != nil {
		t.Fatal(err)
	}
	return ses.TBSSpec{
		Seal: w.seal(t), Time: date(2026, 11, 22), DataHash: gm.SM3([]byte("document")),
		Property: "ByteRange", Exts: []ses.Ext{ext},
	}
}

func (w world) signature(t testing.TB) []byte {
	t.Helper()
	tbs, err := ses.TBS(w.tbsSpec(t))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := ses.AssembleSignature(tbs, w.signer.cert, w.signer.sign(t, tbs))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func parseSeal(t testing.TB, der []byte) *ses.Seal {
	t.Helper()
	s, err := ses.ParseSeal(der)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parseSignature(t testing.TB, der []byte) *ses.Signature {
	t.Helper()
	s, err := ses.ParseSignature(der)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
