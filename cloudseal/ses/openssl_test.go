package ses_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// The cross-check of standards.md §7.1: what was signed is cut out of the
// finished structures by their DER alone, and OpenSSL verifies it.
func TestOpenSSLVerifiesWhatWeBuild(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	w := newWorld(t)
	whole := elements(t, w.signature(t))
	tbs, signerCert, signature := whole[0], content(t, whole[1]), content(t, whole[3])[1:]
	verify(t, "TBS_Sign", signerCert, tbs, signature)

	seal := elements(t, elements(t, tbs)[1])
	info, makerCert, signed := seal[0], content(t, seal[1]), content(t, seal[3])[1:]
	verify(t, "SES_SealInfo", makerCert, info, signed)

	for name, cert := range map[string][]byte{"signer's certificate": signerCert, "maker's certificate": makerCert} {
		c := elements(t, cert)
		verify(t, name, cert, c[0], content(t, c[2])[1:])
	}
}

// The message of a 2014 seal stands nowhere in the file; OpenSSL agrees that it
// is the one we put together.
func TestOpenSSLVerifiesRealSeals(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	for _, name := range []string{"seal/UserV1.esl", "seal/UserV4.esl", "seal/UserV5_ts.esl"} {
		s := parseSeal(t, sample(t, name))
		verify(t, name, s.MakerCert, s.SignedBytes(), s.Value)
	}
}

func TestOpenSSLReadsTheStructure(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	file := filepath.Join(t.TempDir(), "sig")
	if err := os.WriteFile(file, newWorld(t).signature(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("openssl", "asn1parse", "-inform", "DER", "-in", file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl: signatures are cross-checked with it")
	}
}

// elements takes a SEQUENCE apart.
func elements(t *testing.T, der []byte) (list [][]byte) {
	t.Helper()
	in := cryptobyte.String(content(t, der))
	for !in.Empty() {
		var e cryptobyte.String
		if !in.ReadAnyASN1Element(&e, nil) {
			t.Fatal("not DER")
		}
		list = append(list, e)
	}
	return list
}

func content(t *testing.T, der []byte) []byte {
	t.Helper()
	in := cryptobyte.String(der)
	var out cryptobyte.String
	var tag tags.Tag
	if !in.ReadAnyASN1(&out, &tag) || !in.Empty() {
		t.Fatal("not one DER element")
	}
	return out
}

func verify(t *testing.T, what string, certificate, message, signature []byte) {
	t.Helper()
	cert, err := smx509.ParseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"pub.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: cert.RawSubjectPublicKeyInfo}),
		"message": message, "sig": signature,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "pub.pem", "-in", "message", "-sigfile", "sig",
		"-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", what, err, out)
	}
}
