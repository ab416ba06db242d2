package gm_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/gm"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatalf("bad hexadecimal in the test: %v", err)
	}
	return b
}

func newKey(t testing.TB) *gm.PrivateKey {
	t.Helper()
	key, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestSelfTestPasses(t *testing.T) {
	t.Parallel()
	if err := gm.SelfTest(); err != nil {
		t.Fatal(err)
	}
}

// Vectors of GB/T 32905 Annex A, and of the empty string.
func TestSM3KnownAnswers(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                         "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
		"abc":                      "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
		strings.Repeat("abcd", 16): "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
	} {
		if got := gm.SM3([]byte(in)); got.Hex() != want {
			t.Errorf("SM3(%q) = %s, want %s", in, got, want)
		}
	}
	if gm.SM3([]byte("a"), nil, []byte("bc")) != gm.SM3([]byte("abc")) {
		t.Error("parts are not hashed as one string")
	}
}

func TestRunningHashSurvivesSum(t *testing.T) {
	t.Parallel()
	h := gm.NewSM3()
	whole := bytes.Repeat([]byte("0123456789"), 40)
	for at := 0; at < len(whole); at += 10 {
		h.Write(whole[at : at+10])
		prefix := gm.SM3(whole[:at+10])
		if !bytes.Equal(h.Sum(nil), prefix[:]) {
			t.Fatalf("the digest of the first %d bytes differs", at+10)
		}
	}
}

func TestDigestText(t *testing.T) {
	t.Parallel()
	d := gm.SM3([]byte("abc"))
	out, err := json.Marshal(map[string]gm.Digest{"d": d})
	if err != nil || string(out) != `{"d":"`+d.Hex()+`"}` {
		t.Fatalf("marshalled as %s, %v", out, err)
	}
	var back map[string]gm.Digest
	if err := json.Unmarshal(out, &back); err != nil || !back["d"].Equal(d) {
		t.Fatalf("read back %v, %v", back, err)
	}
	for _, verb := range []string{"%v", "%s", "%x", "%+v", "%q"} {
		if got := fmt.Sprintf(verb, d); got != d.Hex() {
			t.Errorf("%s prints %s", verb, got)
		}
	}
	if d.IsZero() || !(gm.Digest{}).IsZero() || d.Equal(gm.Digest{}) {
		t.Error("the zero digest is confused with another")
	}
	for _, bad := range []string{"", d.Hex()[1:], d.Hex() + "0", strings.ToUpper(d.Hex()), " " + d.Hex()[1:], strings.Repeat("g", 64)} {
		if _, err := gm.ParseDigest(bad); err == nil {
			t.Errorf("ParseDigest(%q) succeeded", bad)
		}
		if err := json.Unmarshal([]byte(`{"d":"`+bad+`"}`), &back); err == nil {
			t.Errorf("unmarshalling %q succeeded", bad)
		}
	}
}

// The frame key and the first frame's tag of protocol.md Annex A.
func TestHMACKnownAnswers(t *testing.T) {
	t.Parallel()
	master := make([]byte, 32)
	handle := make([]byte, 16)
	for i := range master {
		master[i] = byte(i)
	}
	for i := range handle {
		handle[i] = 0xa0 + byte(i)
	}
	key := gm.HMAC(master, []byte("cseal-qr-key/1\x00"), []byte("tk_01JD8Y3V7Q4N6M2K9H5B0C1E2F"))
	if want := "3c80ea9be71c4ac8e9732a3eab55c7ddc4c3d0c6a1c5842ced47d2f0c1bc1b9c"; key.Hex() != want {
		t.Fatalf("frame key %s, want %s", key, want)
	}
	tag := gm.HMAC(key[:], []byte("cseal-qr/1\x00"), handle, make([]byte, 4))
	if got := hex.EncodeToString(tag[:12]); got != hex.EncodeToString([]byte("\x85\x39\x0f\xe8\x09\x64\x74\x6d\xab\xf9\xba\x11")) {
		t.Errorf("tag of frame 0 is %s", got)
	}
}

// The signature of GM/T 0003.5 Annex A, verified.
func TestStandardSignature(t *testing.T) {
	t.Parallel()
	key, err := gm.PrivateKeyFromScalar(unhex(t, "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"))
	if err != nil {
		t.Fatal(err)
	}
	public := key.Public()
	if want := "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"; hex.EncodeToString(public.Point()) != want {
		t.Fatalf("public key %x", public.Point())
	}
	const r = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
	const s = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
	message := []byte("message digest")
	if !public.Verify(message, unhex(t, "3046022100"+r+"022100"+s)) {
		t.Error("the standard's signature does not verify")
	}
	if !public.VerifyRaw(message, unhex(t, r+s)) {
		t.Error("its raw form does not verify")
	}
	if public.VerifyRaw(message, unhex(t, s+r)) || public.VerifyRaw(message, unhex(t, r+s+"00")) || public.VerifyRaw(message, make([]byte, 64)) {
		t.Error("another raw value verifies")
	}
}

// Annex A of protocol.md: one statement, its digest, a device's signature.
func TestProtocolStatement(t *testing.T) {
	t.Parallel()
	statement, err := os.ReadFile("testdata/approval.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := gm.SM3(statement).Hex(); got != "b24042b9428589c9ab06652a05b8fc878aa8d50a8a8e60c06d1b1c72f1a28a42" {
		t.Fatalf("SM3(statement) = %s", got)
	}
	device, err := gm.ParsePoint(unhex(t, "044768a895418b9a1fa5940703a6fdf17516051f70d578adcf92da01227fa6d11c4d7b22477c5f05bec2233c76b0a05fce65acd2a6c64617bd93dea20eec3eab82"))
	if err != nil {
		t.Fatal(err)
	}
	sig := unhex(t, "304502202a4323400b9a17e2c9c03429c5a6251b666b4dff8d979682a5b7bc4b66e586520221009c70363621ed290fb297d613b686ca5dd676d97c78e2d1b66d17da386218d688")
	if !device.Verify(statement, sig) {
		t.Error("the signature does not verify")
	}
	other := bytes.Replace(statement, []byte("match: 417"), []byte("match: 418"), 1)
	if bytes.Equal(other, statement) || device.Verify(other, sig) {
		t.Error("the signature verifies with match 418")
	}
}

var order, _ = new(big.Int).SetString("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123", 16)

// split takes a DER signature apart; all lengths are short for SM2.
func split(sig []byte) (r, s *big.Int) {
	n := int(sig[3])
	return new(big.Int).SetBytes(sig[4 : 4+n]), new(big.Int).SetBytes(sig[6+n:])
}

func join(r, s *big.Int) []byte {
	body := append(integer(r), integer(s)...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

func integer(v *big.Int) []byte {
	b := v.Bytes()
	if len(b) == 0 || b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	return append([]byte{2, byte(len(b))}, b...)
}

func TestForgedSignaturesAreRejected(t *testing.T) {
	t.Parallel()
	key, message := newKey(t), []byte("申请书")
	sig, err := key.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	r, s := split(sig)
	if !bytes.Equal(join(r, s), sig) || !key.Public().Verify(message, sig) {
		t.Fatal("the test cannot rebuild the signature")
	}
	zero := new(big.Int)
	plus := func(v *big.Int) *big.Int { return new(big.Int).Add(v, order) }
	minus := func(v *big.Int) *big.Int { return new(big.Int).Sub(order, v) }
	long := append([]byte{0x30, 0x81}, sig[1:]...)
	padded := append([]byte{0x30, sig[1] + 1, 2, sig[3] + 1, 0}, sig[4:]...)
	for name, forged := range map[string][]byte{
		"empty":             nil,
		"trailing byte":     append(bytes.Clone(sig), 0),
		"cut":               sig[:len(sig)-1],
		"r + n":             join(plus(r), s),
		"s + n":             join(r, plus(s)),
		"n - s":             join(r, minus(s)),
		"n - r":             join(minus(r), s),
		"swapped":           join(s, r),
		"r = 0":             join(zero, s),
		"s = 0":             join(r, zero),
		"s = n":             join(r, order),
		"long-form length":  long,
		"needless zero":     padded,
		"raw where DER is":  append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...),
		"third integer":     append([]byte{0x30, sig[1] + 3}, append(bytes.Clone(sig[2:]), 2, 1, 1)...),
		"sequence to octet": append([]byte{0x04}, sig[1:]...),
	} {
		if key.Public().Verify(message, forged) {
			t.Errorf("%s: verifies", name)
		}
	}
	if newKey(t).Public().Verify(message, sig) || (gm.PublicKey{}).Verify(message, sig) || key.Public().Verify(nil, sig) {
		t.Error("the signature verifies under another key or for nothing")
	}
}

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	key, place := gm.Random(16), []byte("seals/es_1/key")
	for _, text := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("印"), 4000)} {
		sealed, err := gm.Seal(key, text, place)
		if err != nil || len(sealed) != len(text)+gm.SealOverhead {
			t.Fatalf("sealed %d bytes into %d, %v", len(text), len(sealed), err)
		}
		opened, err := gm.Open(key, sealed, place)
		if err != nil || !bytes.Equal(opened, text) {
			t.Fatalf("opened %d bytes, %v", len(opened), err)
		}
		ready, err := gm.NewSealer(key)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err = ready.OpenInPlace(sealed, place); err != nil || !bytes.Equal(opened, text) {
			t.Fatalf("opened %d bytes in place, %v", len(opened), err)
		}
		if _, err = ready.OpenInPlace(sealed, place); err == nil && len(text) > 0 {
			t.Error("what was opened in place is still there")
		}
	}
	one, _ := gm.Seal(key, []byte("same"), place)
	two, _ := gm.Seal(key, []byte("same"), place)
	if bytes.Equal(one, two) {
		t.Error("one nonce was used twice")
	}
}

func TestOpenRefusesEverythingElseAlike(t *testing.T) {
	t.Parallel()
	key, place := gm.Random(16), []byte("seals/es_1/key")
	sealed, err := gm.Seal(key, []byte("secret"), place)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(at int) []byte {
		b := bytes.Clone(sealed)
		b[at] ^= 1
		return b
	}
	var said string
	for name, try := range map[string]struct{ key, sealed, aad []byte }{
		"moved to another place": {key, sealed, []byte("seals/es_2/key")},
		"another key":            {gm.Random(16), sealed, place},
		"nonce":                  {key, flipped(0), place},
		"ciphertext":             {key, flipped(13), place},
		"tag":                    {key, flipped(len(sealed) - 1), place},
		"cut":                    {key, sealed[:20], place},
		"nothing":                {key, nil, place},
	} {
		_, err := gm.Open(try.key, try.sealed, try.aad)
		if err == nil {
			t.Errorf("%s: opened", name)
			continue
		}
		if said == "" {
			said = err.Error()
		}
		if err.Error() != said {
			t.Errorf("%s: %q differs from %q", name, err, said)
		}
	}
	for _, n := range []int{0, 15, 17, 32} {
		if _, err := gm.Seal(make([]byte, n), nil, nil); err == nil {
			t.Errorf("a key of %d bytes seals", n)
		}
	}
}

func TestDeriveSeparatesUses(t *testing.T) {
	t.Parallel()
	key := gm.Random(32)
	part := func(s ...string) (out [][]byte) {
		for _, p := range s {
			out = append(out, []byte(p))
		}
		return out
	}
	seen := map[string]string{}
	for name, d := range map[string][]byte{
		"a(bc)":     gm.Derive(key, "a", part("bc")...),
		"a(b c)":    gm.Derive(key, "a", part("b", "c")...),
		"a(c b)":    gm.Derive(key, "a", part("c", "b")...),
		"a(bc '')":  gm.Derive(key, "a", part("bc", "")...),
		"ab(c)":     gm.Derive(key, "ab", part("c")...),
		"a()":       gm.Derive(key, "a"),
		"other key": gm.Derive(gm.Random(32), "a"),
	} {
		if len(d) != 32 {
			t.Errorf("%s: %d bytes", name, len(d))
		}
		if twin, taken := seen[string(d)]; taken {
			t.Errorf("%s and %s give the same key", name, twin)
		}
		seen[string(d)] = name
	}
	want := gm.HMAC(key, []byte("a\x00\x00\x00\x00\x02bc"))
	if !bytes.Equal(gm.Derive(key, "a", []byte("bc")), want[:]) {
		t.Error("the input of the derivation is not the documented one")
	}
}
