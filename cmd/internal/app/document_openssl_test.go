package app_test

import (
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// opensslAgrees has OpenSSL alone verify everything that was signed. What is
// signed is cut out by the nesting of its DER (GB/T 38540 §6.2, §7.2 and
// RFC 5280 §4.1), by none of our parsers.
func (p *party) opensslAgrees(t *testing.T, one paper) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl: signatures are cross-checked with it")
	}
	cut := cutOut(t, one.stamped)
	whole := elements(t, cut.der)
	tbs, signer := elements(t, whole[0].FullBytes), whole[1].Bytes
	eseal := elements(t, tbs[1].FullBytes)
	maker := eseal[1].Bytes
	roots, issuing := p.anchors(t)

	opensslVerifies(t, "TBS_Sign", signer, whole[0].FullBytes, bits(t, whole[3]))
	opensslVerifies(t, "SES_SealInfo", maker, eseal[0].FullBytes, bits(t, eseal[3]))
	opensslIssued(t, "the signer's certificate", issuing, signer)
	opensslIssued(t, "the maker's certificate", issuing, maker)
	opensslIssued(t, "the issuing certificate", roots, issuing)
	opensslIssued(t, "the root", roots, roots)

	if got, want := bits(t, tbs[3]), opensslSM3(t, cut.bytes(t, one.stamped)); string(got) != string(want) {
		t.Errorf("dataHash %x, OpenSSL hashes the covered bytes to %x", got, want)
	}
	if out, err := openssl(t, map[string][]byte{"der": cut.der}, "asn1parse", "-inform", "DER", "-in", "der"); err != nil {
		t.Errorf("asn1parse: %v\n%s", err, out)
	}
	// It would have said no.
	other := append([]byte(nil), whole[0].FullBytes...)
	other[len(other)/2] ^= 1
	if opensslSays(t, signer, other, bits(t, whole[3])) == nil {
		t.Error("OpenSSL accepts an altered TBS_Sign")
	}
}

// anchors gives what the node publishes for verifiers.
func (p *party) anchors(t *testing.T) (root, issuing []byte) {
	t.Helper()
	status, body := get(t, "http://"+p.Net.Addr, p.Config.Sites.Verify, "/v1/trust")
	var trust struct{ Roots, Intermediates [][]byte }
	check(t, json.Unmarshal([]byte(body), &trust))
	if status != 200 || len(trust.Roots) != 1 || len(trust.Intermediates) != 1 {
		t.Fatalf("%d: %d roots, %d intermediates", status, len(trust.Roots), len(trust.Intermediates))
	}
	return trust.Roots[0], trust.Intermediates[0]
}

// elements takes a SEQUENCE apart.
func elements(t *testing.T, der []byte) (list []asn1.RawValue) {
	t.Helper()
	var outer asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 || outer.Tag != asn1.TagSequence {
		t.Fatalf("not one SEQUENCE: %v", err)
	}
	for rest := outer.Bytes; len(rest) > 0; {
		var e asn1.RawValue
		var err error
		rest, err = asn1.Unmarshal(rest, &e)
		check(t, err)
		list = append(list, e)
	}
	return list
}

// bits gives the octets of a BIT STRING of whole octets.
func bits(t *testing.T, v asn1.RawValue) []byte {
	t.Helper()
	if v.Tag != asn1.TagBitString || len(v.Bytes) < 2 || v.Bytes[0] != 0 {
		t.Fatalf("not a BIT STRING of whole octets: %x", v.FullBytes)
	}
	return v.Bytes[1:]
}

// opensslIssued: a certificate is signed by the holder of another, whose name
// stands in it.
func opensslIssued(t *testing.T, what string, issuer, certificate []byte) {
	t.Helper()
	c, by := elements(t, certificate), elements(t, elements(t, issuer)[0].FullBytes)
	opensslVerifies(t, what, issuer, c[0].FullBytes, bits(t, c[2]))
	if got, want := elements(t, c[0].FullBytes)[3].FullBytes, by[5].FullBytes; string(got) != string(want) {
		t.Errorf("%s names another issuer: %x, not %x", what, got, want)
	}
}

func opensslVerifies(t *testing.T, what string, certificate, message, sig []byte) {
	t.Helper()
	if err := opensslSays(t, certificate, message, sig); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

// opensslSays asks for the verdict under the public key of a certificate: the
// seventh element of its TBSCertificate.
func opensslSays(t *testing.T, certificate, message, sig []byte) error {
	t.Helper()
	spki := elements(t, elements(t, certificate)[0].FullBytes)[6].FullBytes
	_, err := openssl(t, map[string][]byte{
		"pub.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}), "message": message, "sig": sig,
	}, "pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-in", "message", "-rawin", "-digest", "sm3", "-sigfile", "sig",
		"-pkeyopt", "distid:1234567812345678")
	return err
}

func opensslSM3(t *testing.T, b []byte) []byte {
	t.Helper()
	out, err := openssl(t, map[string][]byte{"b": b}, "dgst", "-sm3", "-binary", "b")
	check(t, err)
	return out
}

// openssl runs it in a folder with some files.
func openssl(t *testing.T, files map[string][]byte, args ...string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		check(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Logf("openssl %s: %s", strings.Join(args, " "), out)
	}
	return out, err
}
