package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
)

func serialOf(t *testing.T, der []byte) string {
	t.Helper()
	f, err := ca.Describe(der)
	if err != nil {
		t.Fatal(err)
	}
	return f.Serial
}

func (w tree) crl(t *testing.T, entries ...ca.Revoked) []byte {
	t.Helper()
	der, err := w.issuing.CreateCRL(ca.CRLSpec{Number: 7, ThisUpdate: day(2026, 5, 1), NextUpdate: day(2026, 5, 8), Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestListNamesTheRevoked(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	entry := ca.Revoked{Serial: serialOf(t, w.seal), At: day(2026, 4, 30).Add(time.Hour), Reason: ca.KeyCompromise}
	list, err := ca.ParseCRL(w.crl(t, entry, ca.Revoked{Serial: "01", At: day(2026, 1, 1)}), w.issuing.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	if list.Len() != 2 || list.Number.Int64() != 7 || !list.ThisUpdate.Equal(day(2026, 5, 1)) || !list.NextUpdate.Equal(day(2026, 5, 8)) {
		t.Errorf("list %+v", list)
	}
	if got, found, err := list.Lookup(w.seal); err != nil || !found || got != entry {
		t.Errorf("revoked: %+v, %v, %v", got, found, err)
	}
	if _, found, err := list.Lookup(w.maker); err != nil || found {
		t.Errorf("not revoked: %v, %v", found, err)
	}
	if _, _, err := list.Lookup(w.issuing.Certificate()); !errors.Is(err, ca.ErrOtherIssuer) {
		t.Errorf("certificate of the root: %v", err)
	}
	for at, want := range map[time.Time]bool{
		day(2026, 4, 30): false, day(2026, 5, 1): true, day(2026, 5, 8): true, day(2026, 5, 8).Add(time.Second): false,
	} {
		if list.Current(at) != want {
			t.Errorf("current at %v: %v", at, !want)
		}
	}
}

func TestEmptyListIsAList(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	list, err := ca.ParseCRL(w.crl(t), w.issuing.Certificate())
	if err != nil || list.Len() != 0 {
		t.Fatalf("%v", err)
	}
}

func TestListSpecIsHeldToTheProfile(t *testing.T) {
	t.Parallel()
	w := newTree(t)
	from, to := day(2026, 5, 1), day(2026, 5, 8)
	for name, spec := range map[string]ca.CRLSpec{
		"no number":   {ThisUpdate: from, NextUpdate: to},
		"no period":   {Number: 1, ThisUpdate: from, NextUpdate: from},
		"no serial":   {Number: 1, ThisUpdate: from, NextUpdate: to, Entries: []ca.Revoked{{At: from}}},
		"odd serial":  {Number: 1, ThisUpdate: from, NextUpdate: to, Entries: []ca.Revoked{{Serial: "abc", At: from}}},
		"word serial": {Number: 1, ThisUpdate: from, NextUpdate: to, Entries: []ca.Revoked{{Serial: "zz", At: from}}},
	} {
		if _, err := w.issuing.CreateCRL(spec); !errors.Is(err, ca.ErrProfile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestListsAreRefused(t *testing.T) {
	t.Parallel()
	w, other := newTree(t), newTree(t)
	list := w.crl(t, ca.Revoked{Serial: serialOf(t, w.seal), At: day(2026, 4, 30)})
	altered := bytes.Clone(list)
	altered[len(altered)/2] ^= 1
	for name, try := range map[string]struct {
		list, issuer []byte
		want         error
	}{
		"another issuer, same name": {list, other.issuing.Certificate(), ca.ErrOtherIssuer},
		"the root":                  {list, w.root.Certificate(), ca.ErrOtherIssuer},
		"an end certificate":        {list, w.seal, ca.ErrOtherIssuer},
		"trailing byte":             {append(bytes.Clone(list), 0), w.issuing.Certificate(), ca.ErrMalformed},
		"nothing":                   {nil, w.issuing.Certificate(), ca.ErrMalformed},
		"too large":                 {make([]byte, ca.MaxCRL+1), w.issuing.Certificate(), ca.ErrMalformed},
		"no issuer":                 {list, nil, ca.ErrMalformed},
	} {
		if _, err := ca.ParseCRL(try.list, try.issuer); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
		}
	}
	if _, err := ca.ParseCRL(altered, w.issuing.Certificate()); err == nil {
		t.Error("an altered list is read")
	}
}

// A list that says it is only part of the truth (RFC 5280 §5.2.4, §5.2.5,
// §5.3.3) must not be read as the whole.
func TestPartialListsAreRefused(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	root, err := ca.NewRoot(key, ca.Name{Organization: "o", CommonName: "r"}, ca.Period{From: day(2025, 1, 1), To: day(2030, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	ext := func(id ...int) []pkix.Extension {
		return []pkix.Extension{{Id: asn1.ObjectIdentifier(id), Critical: true, Value: []byte{0x30, 0}}}
	}
	for name, template := range map[string]*smx509.RevocationList{
		"delta":    {ExtraExtensions: ext(2, 5, 29, 27)},
		"partial":  {ExtraExtensions: ext(2, 5, 29, 28)},
		"indirect": {RevokedCertificateEntries: []smx509.RevocationListEntry{{SerialNumber: big.NewInt(1), RevocationTime: day(2026, 1, 1), ExtraExtensions: ext(2, 5, 29, 29)}}},
	} {
		template.Number, template.ThisUpdate, template.NextUpdate = big.NewInt(1), day(2026, 1, 1), day(2026, 2, 1)
		der, err := smx509.CreateRevocationList(rand.Reader, template, parse(t, root.Certificate()), key.Signer())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ca.ParseCRL(der, root.Certificate()); !errors.Is(err, ca.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseCRL(f *testing.F) {
	key, err := gm.GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	root, err := ca.NewRoot(key, ca.Name{Organization: "o", CommonName: "r"}, ca.Period{From: day(2025, 1, 1), To: day(2030, 1, 1)})
	if err != nil {
		f.Fatal(err)
	}
	spec := ca.CRLSpec{Number: 1, ThisUpdate: day(2026, 1, 1), NextUpdate: day(2026, 2, 1)}
	for _, n := range []int{0, 1, 3} {
		for i := range n {
			spec.Entries = append(spec.Entries, ca.Revoked{Serial: "0" + string(rune('1'+i)), At: day(2026, 1, 1), Reason: ca.Hold})
		}
		der, err := root.CreateCRL(spec)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		list, err := ca.ParseCRL(der, root.Certificate())
		if err == nil && list.Len() > 6 {
			t.Fatal("a list was read that the issuer never signed")
		}
	})
}

func FuzzDescribe(f *testing.F) {
	w := newTree(f)
	trust := w.trust(f)
	f.Add(w.seal)
	f.Add(w.maker)
	f.Fuzz(func(t *testing.T, der []byte) {
		facts, err := ca.Describe(der)
		if err == nil && facts.Key.IsZero() {
			t.Fatal("described without a key")
		}
		if _, err := trust.Verify(der, day(2027, 1, 1)); err == nil && !bytes.Equal(der, w.seal) && !bytes.Equal(der, w.maker) {
			t.Fatal("a certificate was verified that the issuer never signed")
		}
	})
}
