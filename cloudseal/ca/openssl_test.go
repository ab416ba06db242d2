package ca_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/ca"
)

const distid = "distid:1234567812345678"

// OpenSSL verifies a chain link by link: its user id applies to the leaf of a
// verification only (standards.md §7.2).
func TestOpenSSLVerifiesTheChain(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	w, other := newTree(t), newTree(t)
	dir := t.TempDir()
	for name, der := range map[string][]byte{
		"root": w.root.Certificate(), "issuing": w.issuing.Certificate(), "seal": w.seal, "maker": w.maker,
		"other": other.issuing.Certificate(),
	} {
		put(t, dir, name+".pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	at := fmt.Sprint(day(2027, 1, 1).Unix())
	link := func(cert, trusted string) (string, error) {
		return openssl(dir, "verify", "-x509_strict", "-attime", at, "-partial_chain", "-trusted", trusted+".pem", "-vfyopt", distid, cert+".pem")
	}
	for cert, issuer := range map[string]string{"seal": "issuing", "maker": "issuing", "issuing": "root"} {
		if out, err := link(cert, issuer); err != nil {
			t.Errorf("%s under %s: %v\n%s", cert, issuer, err, out)
		}
	}
	if out, err := link("seal", "other"); err == nil {
		t.Errorf("verified under another authority of the same name:\n%s", out)
	}
	out, err := openssl(dir, "x509", "-in", "seal.pem", "-noout", "-text")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"SM2-with-SM3", "CN = 33010600000001", "CA:FALSE", "Digital Signature, Non Repudiation", "Authority Key Identifier"} {
		if !strings.Contains(out, want) {
			t.Errorf("the printed certificate lacks %q", want)
		}
	}
}

// OpenSSL reads the list; its signature has to be verified apart, since there is
// no way to name the user id for a list.
func TestOpenSSLVerifiesTheList(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	w := newTree(t)
	der := w.crl(t, ca.Revoked{Serial: serialOf(t, w.seal), At: day(2026, 4, 30), Reason: ca.Superseded})
	list, err := smx509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "crl", der)
	put(t, dir, "tbs", list.RawTBSRevocationList)
	put(t, dir, "sig", list.Signature)
	put(t, dir, "pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: parse(t, w.issuing.Certificate()).RawSubjectPublicKeyInfo}))
	out, err := openssl(dir, "crl", "-inform", "DER", "-in", "crl", "-noout", "-text")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{strings.ToUpper(serialOf(t, w.seal)), "Superseded", "CN = SEAL CA 1"} {
		if !strings.Contains(out, want) {
			t.Errorf("the printed list lacks %q", want)
		}
	}
	out, err = openssl(dir, "pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-in", "tbs", "-sigfile", "sig",
		"-rawin", "-digest", "sm3", "-pkeyopt", distid)
	if err != nil {
		t.Errorf("signature of the list: %v\n%s", err, out)
	}
}

func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl: certificates are cross-checked with it")
	}
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func openssl(dir string, args ...string) (string, error) {
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
