package gm_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"yunzhang.dev/cloudseal/gm"
)

// The cross-check of standards.md §7.1: another implementation verifies what we
// sign and we verify what it signs. OpenSSL uses an empty user id unless told.
func TestOpenSSLAgrees(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl: signatures are cross-checked with it")
	}
	dir := t.TempDir()
	key, message := newKey(t), []byte("中华人民共和国 message")
	put(t, dir, "m", message)
	put(t, dir, "pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key.Public().SPKI()}))
	put(t, dir, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()}))

	sig, err := key.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "ours", sig)
	pkeyutl(t, dir, "-verify", "-pubin", "-inkey", "pub.pem", "-in", "m", "-sigfile", "ours")

	pkeyutl(t, dir, "-sign", "-inkey", "key.pem", "-in", "m", "-out", "theirs")
	theirs, err := os.ReadFile(filepath.Join(dir, "theirs"))
	if err != nil {
		t.Fatal(err)
	}
	if !key.Public().Verify(message, theirs) {
		t.Error("a signature by OpenSSL does not verify")
	}
}

func TestOpenSSLKeysAreRead(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("needs openssl: reads a key made by it")
	}
	out, err := exec.Command("openssl", "genpkey", "-algorithm", "SM2").Output()
	if err != nil {
		t.Fatalf("openssl genpkey: %v", err)
	}
	block, _ := pem.Decode(out)
	if block == nil || block.Type != "PRIVATE KEY" {
		t.Fatalf("openssl genpkey gave no PKCS #8")
	}
	key, err := gm.ParsePrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.Sign([]byte("m"))
	if err != nil || !key.Public().Verify([]byte("m"), sig) {
		t.Errorf("the key does not sign: %v", err)
	}
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func pkeyutl(t *testing.T, dir string, args ...string) {
	t.Helper()
	args = append([]string{"pkeyutl"}, args...)
	args = append(args, "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678")
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
}
