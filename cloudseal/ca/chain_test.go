package ca_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
)

func parse(t *testing.T, der []byte) *smx509.Certificate {
	t.Helper()
	cert, err := smx509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestSealCertificateHasTheProfile(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	c, issuer := parse(t, w.seal), parse(t, w.issuing.Certificate())
	if got := c.Subject.String(); got != "CN=33010600000001,O=91330100799655058B示例科技有限公司,C=CN" {
		t.Errorf("subject %s", got)
	}
	if c.KeyUsage != smx509.KeyUsageDigitalSignature|smx509.KeyUsageContentCommitment || !c.BasicConstraintsValid || c.IsCA {
		t.Errorf("key usage %b, authority %v", c.KeyUsage, c.IsCA)
	}
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) != 0 {
		t.Error("it has an extended key usage")
	}
	var critical []string
	for _, e := range c.Extensions {
		if e.Critical {
			critical = append(critical, e.Id.String())
		}
	}
	if !slices.Equal(critical, []string{"2.5.29.15", "2.5.29.19"}) {
		t.Errorf("critical extensions %v", critical)
	}
	if len(c.SubjectKeyId) != 20 || !bytes.Equal(c.AuthorityKeyId, issuer.SubjectKeyId) || bytes.Equal(c.SubjectKeyId, c.AuthorityKeyId) {
		t.Errorf("key identifiers %x under %x", c.SubjectKeyId, c.AuthorityKeyId)
	}
	if !slices.Equal(c.CRLDistributionPoints, []string{w.issuing.Publish.CRL}) || !slices.Equal(c.OCSPServer, []string{w.issuing.Publish.OCSP}) {
		t.Error("the addresses of the status services are missing")
	}
	if !c.NotBefore.Equal(twoYears.From) || !c.NotAfter.Equal(twoYears.To) {
		t.Errorf("valid %v to %v", c.NotBefore, c.NotAfter)
	}
	if !w.sealKey.Public().Equal(must(gm.PublicKeyOf(c))) {
		t.Error("another key")
	}
}

func TestAuthoritiesHaveTheProfile(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	for name, want := range map[string]struct {
		der  []byte
		path int
	}{"root": {w.root.Certificate(), 1}, "issuing": {w.issuing.Certificate(), 0}} {
		c := parse(t, want.der)
		if !c.IsCA || c.MaxPathLen != want.path || c.KeyUsage != smx509.KeyUsageCertSign|smx509.KeyUsageCRLSign {
			t.Errorf("%s: authority %v, path %d, usage %b", name, c.IsCA, c.MaxPathLen, c.KeyUsage)
		}
	}
}

func TestSerialsAreRandomAndPositive(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	seen := map[string]bool{}
	for range 50 {
		der, err := w.issuing.IssueSealCertificate(company, w.sealKey.Public(), twoYears)
		if err != nil {
			t.Fatal(err)
		}
		serial := parse(t, der).SerialNumber
		if serial.Sign() <= 0 || serial.BitLen() != 127 || seen[serial.String()] {
			t.Fatalf("serial %x", serial)
		}
		seen[serial.String()] = true
	}
}

func TestChainIsVerifiedAtATime(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	trust := w.trust(t)
	for name, der := range map[string][]byte{"seal": w.seal, "maker": w.maker} {
		chain, err := trust.Verify(der, day(2027, 1, 1))
		if err != nil || len(chain) != 3 || !bytes.Equal(chain[0], der) || !bytes.Equal(chain[2], w.root.Certificate()) {
			t.Errorf("%s: chain of %d, %v", name, len(chain), err)
		}
	}
	for name, want := range map[string]struct {
		at  time.Time
		err error
	}{
		"first second": {twoYears.From, nil},
		"last second":  {twoYears.To, nil},
		"no time":      {time.Time{}, ca.ErrPeriod}, // the library would take now
		"too early":    {twoYears.From.Add(-time.Second), ca.ErrPeriod},
		"too late":     {twoYears.To.Add(time.Second), ca.ErrPeriod},
	} {
		if _, err := trust.Verify(w.seal, want.at); !errors.Is(err, want.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestChainIsRefused(t *testing.T) {
	t.Parallel()
	w, other := newTree(t), newTree(t)
	at := day(2027, 1, 1)
	issuing, root := w.issuing.Certificate(), w.root.Certificate()
	altered := bytes.Clone(w.seal)
	altered[bytes.Index(altered, []byte("33010600000001"))] = '4'
	for name, try := range map[string]struct {
		cert                 []byte
		intermediates, roots [][]byte
		want                 error
	}{
		"another root":         {w.seal, [][]byte{issuing}, [][]byte{other.root.Certificate()}, ca.ErrUnknownIssuer},
		"another intermediate": {w.seal, [][]byte{other.issuing.Certificate()}, [][]byte{root}, ca.ErrUnknownIssuer},
		"no intermediate":      {w.seal, nil, [][]byte{root}, ca.ErrUnknownIssuer},
		"no root":              {w.seal, [][]byte{issuing}, nil, ca.ErrUnknownIssuer},
		"altered":              {altered, [][]byte{issuing}, [][]byte{root}, ca.ErrUnknownIssuer},
		"an authority":         {issuing, nil, [][]byte{root}, ca.ErrKeyUsage},
		"not a certificate":    {[]byte("x"), [][]byte{issuing}, [][]byte{root}, ca.ErrMalformed},
		"trailing byte":        {append(bytes.Clone(w.seal), 0), [][]byte{issuing}, [][]byte{root}, ca.ErrMalformed},
		"too large":            {make([]byte, ca.MaxCertificate+1), [][]byte{issuing}, [][]byte{root}, ca.ErrMalformed},
		"end as authority":     {w.seal, [][]byte{w.maker}, [][]byte{root}, ca.ErrProfile},
	} {
		if _, err := ca.Verify(try.cert, try.intermediates, try.roots, at); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
		}
	}
}

// A certificate signed with the key of an end certificate must lead nowhere,
// and neither must one below an authority below the issuing one.
func TestEndCertificatesIssueNothing(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	at := day(2027, 1, 1)
	if _, err := ca.OpenIssuer(w.seal, w.sealKey); !errors.Is(err, ca.ErrProfile) {
		t.Errorf("an end certificate opened as authority: %v", err)
	}
	forged := forge(t, parse(t, w.seal), w.sealKey, smx509.KeyUsageDigitalSignature)
	if _, err := w.trust(t).Verify(forged, at); !errors.Is(err, ca.ErrUnknownIssuer) {
		t.Errorf("issued by an end certificate: %v", err)
	}
	_, err := ca.Verify(forged, [][]byte{w.issuing.Certificate(), w.seal}, [][]byte{w.root.Certificate()}, at)
	if !errors.Is(err, ca.ErrProfile) {
		t.Errorf("with it handed in as authority: %v", err)
	}
	below, err := ca.NewIssuing(w.issuing, newKey(t), ca.Name{Organization: "x", CommonName: "below"}, ca.Period{From: day(2026, 1, 1), To: day(2030, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := below.IssueSealCertificate(company, w.sealKey.Public(), twoYears)
	if err != nil {
		t.Fatal(err)
	}
	_, err = ca.Verify(leaf, [][]byte{w.issuing.Certificate(), below.Certificate()}, [][]byte{w.root.Certificate()}, at)
	if !errors.Is(err, ca.ErrUnknownIssuer) {
		t.Errorf("below the path length: %v", err)
	}
}

// forge signs a certificate with any key and usage, around the profile.
func forge(t *testing.T, parent *smx509.Certificate, key *gm.PrivateKey, usage smx509.KeyUsage) []byte {
	t.Helper()
	der, err := smx509.CreateCertificate(rand.Reader, &smx509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "forged"}, NotBefore: twoYears.From, NotAfter: twoYears.To, KeyUsage: usage,
	}, parent, newKey(t).Public().Crypto(), key.Signer())
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestKeyUsageIsRequired(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	root, err := ca.NewRoot(key, ca.Name{Organization: "o", CommonName: "r"}, ca.Period{From: day(2025, 1, 1), To: day(2030, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	for usage, want := range map[smx509.KeyUsage]error{
		smx509.KeyUsageDigitalSignature:                                   nil,
		smx509.KeyUsageContentCommitment:                                  nil,
		smx509.KeyUsageDigitalSignature | smx509.KeyUsageDataEncipherment: nil,
		smx509.KeyUsageKeyEncipherment | smx509.KeyUsageDataEncipherment:  ca.ErrKeyUsage,
		0: ca.ErrKeyUsage,
	} {
		der := forge(t, parse(t, root.Certificate()), key, usage)
		if _, err := ca.Verify(der, nil, [][]byte{root.Certificate()}, day(2027, 1, 1)); !errors.Is(err, want) {
			t.Errorf("key usage %b: %v, want %v", usage, err, want)
		}
	}
}

func TestIssuingIsHeldToTheProfile(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	public := w.sealKey.Public()
	for name, change := range map[string]func(s *ca.SealSubject, p *ca.Period){
		"short code":       func(s *ca.SealSubject, _ *ca.Period) { s.Code = "3301060000001" },
		"code of letters":  func(s *ca.SealSubject, _ *ca.Period) { s.Code = "3301060000000X" },
		"USCC of letters":  func(s *ca.SealSubject, _ *ca.Period) { s.USCC = "91330100799655058b" },
		"short USCC":       func(s *ca.SealSubject, _ *ca.Period) { s.USCC = "9133" },
		"no name":          func(s *ca.SealSubject, _ *ca.Period) { s.Name = "" },
		"long name":        func(s *ca.SealSubject, _ *ca.Period) { s.Name = strings.Repeat("名", ca.MaxName) },
		"reordering name":  func(s *ca.SealSubject, _ *ca.Period) { s.Name = "示例\u202e" },
		"line in the name": func(s *ca.SealSubject, _ *ca.Period) { s.Name = "示例\n公司" },
		"backwards":        func(_ *ca.SealSubject, p *ca.Period) { p.To = p.From.Add(-time.Hour) },
		"before issuer":    func(_ *ca.SealSubject, p *ca.Period) { p.From = day(2025, 1, 1) },
		"outlives issuer":  func(_ *ca.SealSubject, p *ca.Period) { p.To = day(2041, 1, 1) },
	} {
		s, p := company, twoYears
		change(&s, &p)
		if _, err := w.issuing.IssueSealCertificate(s, public, p); !errors.Is(err, ca.ErrProfile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.issuing.IssueSealCertificate(company, gm.PublicKey{}, twoYears); !errors.Is(err, ca.ErrProfile) {
		t.Errorf("no key: %v", err)
	}
	if _, err := ca.OpenIssuer(w.issuing.Certificate(), w.sealKey); !errors.Is(err, ca.ErrProfile) {
		t.Errorf("authority with another key: %v", err)
	}
}

func TestIssuerIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	root, err := ca.NewRoot(key, ca.Name{Organization: "o", CommonName: "r"}, ca.Period{From: day(2025, 1, 1), To: day(2030, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	again, err := ca.OpenIssuer(root.Certificate(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := again.IssueMaker(making, newKey(t).Public(), twoYears)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Verify(der, nil, [][]byte{root.Certificate()}, day(2027, 1, 1)); err != nil {
		t.Error(err)
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	f, err := ca.Describe(w.seal)
	if err != nil {
		t.Fatal(err)
	}
	if f.CommonName != company.Code || f.USCC != company.USCC || f.Name != company.Name || f.Period != twoYears ||
		f.Issuer != "CN=SEAL CA 1,O=示例市,C=CN" || !f.Key.Equal(w.sealKey.Public()) || f.Hash != gm.SM3(w.seal) || len(f.Serial) != 32 {
		t.Errorf("described as %+v", f)
	}
	if root, err := ca.Describe(w.root.Certificate()); err != nil || root.USCC != "" || root.Name != "示例市" {
		t.Errorf("root: %+v, %v", root, err)
	}
	if _, err := ca.Describe([]byte("x")); !errors.Is(err, ca.ErrMalformed) {
		t.Errorf("not a certificate: %v", err)
	}
}

// The certificate of a real government seal (standards.md §5.1): its subject has
// the form that we write.
func TestRealSealCertificate(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	der := realCertificate(t)
	f, err := ca.Describe(der)
	if err != nil {
		t.Fatal(err)
	}
	if f.CommonName != "37030000001721" || f.USCC != "11370306MB2867521U" || f.Name != "淄博市周村区自然资源局" || f.Serial != "20031000136757" {
		t.Errorf("described as %+v", f)
	}
	if _, err := w.trust(t).Verify(der, day(2020, 6, 20)); !errors.Is(err, ca.ErrUnknownIssuer) {
		t.Errorf("verified under our root: %v", err)
	}
}

// realCertificate takes the signer's certificate, the second element, out of a
// stamp in a real file.
func realCertificate(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../../shared/samples/ofd/keyword.ofd")
	if err != nil {
		t.Fatalf("the real samples are missing: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("Doc_0/Signs/Sign_1/SignedValue.dat")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stamp, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	in := cryptobyte.String(stamp)
	var outer, cert cryptobyte.String
	if !in.ReadASN1(&outer, tags.SEQUENCE) || !outer.SkipASN1(tags.SEQUENCE) || !outer.ReadASN1(&cert, tags.OCTET_STRING) {
		t.Fatal("the sample is not a stamp")
	}
	return cert
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
