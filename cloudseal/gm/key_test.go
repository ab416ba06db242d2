package gm_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yunzhang.dev/cloudseal/gm"
)

func TestKeyEncodings(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	fromDER, err := gm.ParsePrivateKey(key.PKCS8())
	if err != nil || !fromDER.Equal(key) || !bytes.Equal(fromDER.Scalar(), key.Scalar()) {
		t.Fatalf("PKCS #8: %v", err)
	}
	fromScalar, err := gm.PrivateKeyFromScalar(key.Scalar())
	if err != nil || !fromScalar.Equal(key) {
		t.Fatalf("scalar: %v", err)
	}
	public, err := gm.ParsePublicKey(key.Public().SPKI())
	if err != nil || !public.Equal(key.Public()) || public.Hash() != gm.SM3(public.SPKI()) {
		t.Fatalf("SPKI: %v", err)
	}
	if public.IsZero() || !(gm.PublicKey{}).IsZero() || (gm.PublicKey{}).SPKI() != nil || (gm.PublicKey{}).Crypto() != nil {
		t.Error("the zero key is confused with a key")
	}
}

func TestForeignKeysAreRefused(t *testing.T) {
	t.Parallel()
	nist, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	nistPrivate, _ := x509.MarshalPKCS8PrivateKey(nist)
	nistPublic, _ := x509.MarshalPKIXPublicKey(&nist.PublicKey)
	key := newKey(t)
	spki := key.Public().SPKI()
	offCurve := bytes.Clone(spki)
	offCurve[len(offCurve)-1] ^= 1
	compressed := bytes.Clone(spki)
	compressed[26] = 2
	for name, bad := range map[string][]byte{
		"nothing": nil, "P-256": nistPublic, "off the curve": offCurve, "compressed": compressed,
		"trailing byte": append(bytes.Clone(spki), 0), "cut": spki[:len(spki)-1],
	} {
		if _, err := gm.ParsePublicKey(bad); err == nil {
			t.Errorf("public key, %s: accepted", name)
		}
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "P-256": nistPrivate, "trailing byte": append(key.PKCS8(), 0), "cut": key.PKCS8()[:40],
	} {
		if _, err := gm.ParsePrivateKey(bad); err == nil {
			t.Errorf("private key, %s: accepted", name)
		}
	}
	order := order.FillBytes(make([]byte, 32))
	for name, bad := range map[string][]byte{"zero": make([]byte, 32), "n": order, "short": order[1:], "nothing": nil} {
		if _, err := gm.PrivateKeyFromScalar(bad); err == nil {
			t.Errorf("scalar, %s: accepted", name)
		}
	}
}

func TestSignaturesAreFresh(t *testing.T) {
	t.Parallel()
	key, message := newKey(t), []byte("one message")
	one, err1 := key.Sign(message)
	two, err2 := key.Sign(message)
	if err1 != nil || err2 != nil || bytes.Equal(one, two) {
		t.Errorf("two signatures of one message are equal (%v, %v)", err1, err2)
	}
	if _, err := key.Sign(nil); err == nil {
		t.Error("nothing was signed")
	}
}

// A signer for certificates must not be usable as a signer of digests: the
// library signs digests as they are when the options are missing.
func TestSignerRefusesDigests(t *testing.T) {
	t.Parallel()
	key, message := newKey(t), []byte("to-be-signed bytes")
	digest := gm.SM3(message)
	for name, opts := range map[string]crypto.SignerOpts{"no options": nil, "SHA-256": crypto.SHA256, "no hash": crypto.Hash(0)} {
		if _, err := key.Signer().Sign(rand.Reader, digest[:], opts); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	// With either kind of SM2 option, and even without a source of randomness,
	// what it signs is the message, freshly.
	for name, opts := range map[string]crypto.SignerOpts{
		"SM2": sm2.DefaultSM2SignerOpts, "SM2 as digest": sm2.NewSM2SignerOption(false, nil),
	} {
		sig, err := key.Signer().Sign(nil, message, opts)
		if err != nil || !key.Public().Verify(message, sig) {
			t.Errorf("%s: no signature of the message (%v)", name, err)
		}
	}
	if !key.Signer().Public().(*ecdsa.PublicKey).Equal(key.Public().Crypto()) {
		t.Error("the signer has another public key")
	}
}

// Another user id gives another Z: such a signature must not verify.
func TestOtherUserIDIsRejected(t *testing.T) {
	t.Parallel()
	key, message := newKey(t), []byte("message")
	bare, err := sm2.NewPrivateKey(key.Scalar())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"1234567812345678": true, "1234567812345679": false, "ALICE123@YAHOO.COM": false} {
		sig, err := bare.Sign(rand.Reader, message, sm2.NewSM2SignerOption(true, []byte(id)))
		if err != nil {
			t.Fatal(err)
		}
		if got := key.Public().Verify(message, sig); got != want {
			t.Errorf("user id %s: verifies = %v", id, got)
		}
	}
}

func TestDestroyedKeyIsUseless(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	public := key.Public()
	key.Destroy()
	key.Destroy()
	if _, err := key.Sign([]byte("m")); err == nil {
		t.Error("it signs")
	}
	if key.Scalar() != nil || key.PKCS8() != nil {
		t.Error("it gives its secret")
	}
	if !key.Public().Equal(public) {
		t.Error("it lost its public half")
	}
}

func TestPrivateKeyPrintsNothing(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	secrets := []string{
		fmt.Sprintf("%x", key.Scalar()), fmt.Sprintf("%X", key.Scalar()),
		fmt.Sprintf("%d", bare(t, key).D), fmt.Sprintf("%v", key.Scalar()),
	}
	var shown []string
	for _, v := range []any{key, *key, []*gm.PrivateKey{key}, struct{ K *gm.PrivateKey }{key}, struct{ K gm.PrivateKey }{*key}, key.Signer()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%b", "%o", "%t", "%e", "%g", "%c", "%U"} {
			shown = append(shown, fmt.Sprintf(verb, v))
		}
		out, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, string(out), logged(v, false), logged(v, true))
	}
	shown = append(shown, key.String(), key.GoString())
	for _, s := range shown {
		for _, secret := range secrets {
			if strings.Contains(s, secret) {
				t.Fatal("a private key was printed")
			}
		}
	}
	for _, s := range []string{key.String(), fmt.Sprintf("%+v", key), fmt.Sprintf("%#v", *key), fmt.Sprintf("%d", key)} {
		if s != "[redacted]" {
			t.Errorf("printed %q", s)
		}
	}
	if s := logged(key, true); !strings.Contains(s, `"k":"[redacted]"`) {
		t.Errorf("logged %s", s)
	}
}

func bare(t *testing.T, key *gm.PrivateKey) *sm2.PrivateKey {
	t.Helper()
	k, err := sm2.NewPrivateKey(key.Scalar())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func logged(v any, asJSON bool) string {
	var out bytes.Buffer
	var h slog.Handler = slog.NewTextHandler(&out, nil)
	if asJSON {
		h = slog.NewJSONHandler(&out, nil)
	}
	slog.New(h).Info("m", "k", v)
	return out.String()
}
