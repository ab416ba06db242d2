package sign_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/sign"
)

var at = time.Unix(1_795_000_000, 0)

// ring holds one key and remembers nonces.
type ring struct {
	keyID string
	key   sign.Key
	mu    sync.Mutex // guards spent
	spent map[string]time.Time
}

func (r *ring) Key(_ context.Context, keyID string) (sign.Key, error) {
	if keyID != r.keyID {
		return nil, fault.Unauthorized.Becausef("no such key")
	}
	return r.key, nil
}

func (r *ring) Spend(_ context.Context, keyID, nonce string, until time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.spent[keyID+nonce]; ok {
		return fault.Unauthorized.Becausef("spent")
	}
	r.spent[keyID+nonce] = until
	return nil
}

// vectorKey is scalar 1…32; it is in the vector below for other languages.
func vectorKey(t testing.TB) *gm.PrivateKey {
	t.Helper()
	d := make([]byte, 32)
	for i := range d {
		d[i] = byte(i + 1)
	}
	key, err := gm.PrivateKeyFromScalar(d)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func verifier(t testing.TB, now time.Time) (sign.Verifier, *ring) {
	r := &ring{keyID: "app_1.k1", key: sign.SM2Key{Key: vectorKey(t).Public()}, spent: map[string]time.Time{}}
	return sign.Verifier{Keys: r, Nonces: r, Now: func() time.Time { return now }}, r
}

func request() sign.Request {
	return sign.Request{
		Method: "POST", TLS: true, Authority: "Seal.example.gov.cn:443", Path: "/v1/tickets", Query: "a=1&b=%E7%AB%A0",
		ContentType: "application/json", IdempotencyKey: `"abcdefghijklmnopqrstuvwxyz"`, Body: []byte(`{"purpose":"stamp"}`),
	}
}

func params() sign.Params {
	return sign.Params{KeyID: "app_1.k1", Nonce: "bm9uY2Utbm9uY2Utbm9uY2U", Created: at, Expires: at.Add(sign.Lifetime)}
}

// The vector: the base that is signed, the fields, and one valid signature.
const (
	vectorBase = `"@method": POST
"@authority": seal.example.gov.cn
"@path": /v1/tickets
"@query": ?a=1&b=%E7%AB%A0
"content-digest": ` + vectorDigest + `
"content-type": application/json
"idempotency-key": "abcdefghijklmnopqrstuvwxyz"
"@signature-params": ` + vectorInput
	vectorDigest    = `sha-256=:MelDBhZWXcdy9S3kB4q1wDwwMm2mn8if9oY+CNzo2Cs=:, sm3=:kG4pFgQRyfSof/xcSVA9qvq9ZTQW46iQ+NHONqVlIss=:`
	vectorInput     = `("@method" "@authority" "@path" "@query" "content-digest" "content-type" "idempotency-key");created=1795000000;expires=1795000060;nonce="bm9uY2Utbm9uY2Utbm9uY2U";keyid="app_1.k1";tag="cseal-s2s-1"`
	vectorSignature = "b882bd067c3ba0a8a03c1631b57ae4a5e1ad2cb5f8d0ac317e0fe489aa9de36820039c9b65d75ebf7b0e5c039e3deb38d1a6261e17c4896223936e55a6f8ee39"
)

// recorder is a Signer that shows what it was given.
type recorder struct {
	sign.Signer
	base []byte
}

func (r *recorder) Sign(base []byte) ([]byte, error) {
	r.base = bytes.Clone(base)
	return r.Signer.Sign(base)
}

func TestVector(t *testing.T) {
	t.Parallel()
	rec := &recorder{Signer: sign.SM2{Key: vectorKey(t)}}
	h, err := sign.Sign(request(), rec, params())
	if err != nil {
		t.Fatal(err)
	}
	if string(rec.base) != vectorBase {
		t.Errorf("base\n%s\nwant\n%s", rec.base, vectorBase)
	}
	if h.ContentDigest != vectorDigest || h.SignatureInput != "cseal="+vectorInput {
		t.Errorf("fields %+v", h)
	}
	raw, err := hex.DecodeString(vectorSignature)
	if err != nil {
		t.Fatal(err)
	}
	if !(sign.SM2Key{Key: vectorKey(t).Public()}).Verify([]byte(vectorBase), raw) {
		t.Errorf("the vector's signature does not verify; a valid one is %s", h.Signature)
	}
	v, ring := verifier(t, at)
	keyID, err := v.Verify(t.Context(), request(), h)
	if err != nil || keyID != "app_1.k1" {
		t.Fatalf("%q, %v", keyID, err)
	}
	if until := ring.spent["app_1.k1bm9uY2Utbm9uY2Utbm9uY2U"]; !until.Equal(at.Add(sign.NonceMemory)) {
		t.Errorf("nonce remembered until %v", until)
	}
}

// A signer that leaves something out or says too much is refused even though
// its signature is its own.
func TestDishonestSignersAreRefused(t *testing.T) {
	t.Parallel()
	digest := sign.ContentDigest(nil)
	good := `"@method": GET` + "\n" + `"@authority": h` + "\n" + `"@path": /` + "\n" + `"@query": ?` + "\n" + `"content-digest": ` + digest + "\n"
	const list = `("@method" "@authority" "@path" "@query" "content-digest")`
	const rest = `;created=1795000000;expires=1795000060;nonce="bm9uY2Utbm9uY2Utbm9uY2U";keyid="app_1.k1"`
	const tag = `;tag="cseal-s2s-1"`
	for name, tc := range map[string]struct {
		lines, params string
		ok            bool
	}{
		"honest":               {good, list + rest + tag, true},
		"other order":          {good, list + tag + rest, true},
		"no tag":               {good, list + rest, false},
		"with alg":             {good, list + rest + tag + `;alg="sm2"`, false},
		"without a component":  {good[strings.Index(good, "\n")+1:], strings.Replace(list, `"@method" `, "", 1) + rest + tag, false},
		"one component more":   {good + "\"host\": h\n", strings.Replace(list, ")", ` "host")`, 1) + rest + tag, false},
		"a year long":          {good, list + strings.Replace(rest, "1795000060", "1826000000", 1) + tag, false},
		"ends before it began": {good, list + strings.Replace(rest, "1795000060", "1795000000", 1) + tag, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sig, err := sign.SM2{Key: vectorKey(t)}.Sign([]byte(tc.lines + `"@signature-params": ` + tc.params))
			if err != nil {
				t.Fatal(err)
			}
			h := sign.Headers{ContentDigest: digest, SignatureInput: "cseal=" + tc.params, Signature: "cseal=" + sign.Binary(sig)}
			v, _ := verifier(t, at)
			_, err = v.Verify(t.Context(), sign.Request{Method: "GET", Authority: "h", Path: "/"}, h)
			if (err == nil) != tc.ok {
				t.Errorf("verify: %v", err)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	h, err := sign.Sign(request(), sign.SM2{Key: vectorKey(t)}, params())
	if err != nil {
		t.Fatal(err)
	}
	for offset, ok := range map[time.Duration]bool{
		0: true, -60 * time.Second: true, -61 * time.Second: false,
		59 * time.Second: true, 60 * time.Second: false, // expires
		61 * time.Second: false, 24 * time.Hour: false, -24 * time.Hour: false,
	} {
		v, _ := verifier(t, at.Add(offset))
		if _, err := v.Verify(t.Context(), request(), h); (err == nil) != ok {
			t.Errorf("%v: %v", offset, err)
		}
	}
}

func TestReplaysAndOtherKeysAreRefused(t *testing.T) {
	t.Parallel()
	h, err := sign.Sign(request(), sign.SM2{Key: vectorKey(t)}, params())
	if err != nil {
		t.Fatal(err)
	}
	v, ring := verifier(t, at)
	if _, err := v.Verify(t.Context(), request(), h); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), request(), h); !errors.Is(err, fault.Unauthorized) {
		t.Errorf("replay: %v", err)
	}
	other, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	clear(ring.spent)
	ring.key = sign.SM2Key{Key: other.Public()}
	if _, err := v.Verify(t.Context(), request(), h); !errors.Is(err, fault.Unauthorized) {
		t.Errorf("key of somebody else: %v", err)
	}
}

func TestSignRefusesWhatCannotBeVerified(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sign.Request, *sign.Params){
		"short nonce":        func(_ *sign.Request, p *sign.Params) { p.Nonce = "abc" },
		"quote in key id":    func(_ *sign.Request, p *sign.Params) { p.KeyID = `a";tag="x` },
		"no key id":          func(_ *sign.Request, p *sign.Params) { p.KeyID = "" },
		"line end in a path": func(r *sign.Request, _ *sign.Params) { r.Path = "/a\n" },
		"bare UTF-8":         func(r *sign.Request, _ *sign.Params) { r.Query = "章" },
	} {
		r, p := request(), params()
		change(&r, &p)
		if _, err := sign.Sign(r, sign.SM2{Key: vectorKey(t)}, p); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// A client with net/http and a server with fiber agree, whatever the request.
func TestClientAndServerAgree(t *testing.T) {
	t.Parallel()
	v, _ := verifier(t, at)
	app := httpx.NewServer(httpx.Deps{})
	app.All("/*", func(c *fiber.Ctx) error {
		r, h := sign.Of(c, httpx.IsHTTPS(c))
		keyID, err := v.Verify(c.UserContext(), r, h)
		if err != nil {
			return err
		}
		return c.SendString(keyID + " " + string(c.Body()))
	})
	for _, tc := range []struct{ method, target, body, contentType string }{
		{"GET", "/", "", ""},
		{"GET", "/v1/tickets/tk_1?a=%20b&c=/?&d", "", ""},
		{"POST", "/a%2Fb/%E7%AB%A0", `{"x":1}`, "application/json"},
		{"DELETE", "/x?", "", ""},
		{"PUT", "//double//slashes/../dots", "bytes", "application/octet-stream"},
	} {
		req := newRequest(t, tc.method, "http://Seal.example:80"+tc.target, tc.body)
		if tc.contentType != "" {
			req.Header.Set("Content-Type", tc.contentType)
		}
		if err := sign.HTTP(req, sign.SM2{Key: vectorKey(t)}, sign.NewParams("app_1.k1", at)); err != nil {
			t.Fatal(err)
		}
		res, err := app.Test(req, -1)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusOK || string(got) != "app_1.k1 "+tc.body {
			t.Errorf("%+v: %d %s", tc, res.StatusCode, got)
		}
	}
	// Two lines of a covered field are both covered.
	req := newRequest(t, "POST", "http://h/", "x")
	req.Header.Set("Idempotency-Key", "abcdefghijklmnopqrstuvwxyz")
	if err := sign.HTTP(req, sign.SM2{Key: vectorKey(t)}, sign.NewParams("app_1.k1", at)); err != nil {
		t.Fatal(err)
	}
	req.Header.Add("Idempotency-Key", "zzzzzzzzzzzzzzzzzzzzzzzzzz")
	res, err := app.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Errorf("second line added: %d", res.StatusCode)
	}
}

func newRequest(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestSignaturesOfOthersAreIgnored(t *testing.T) {
	t.Parallel()
	h, err := sign.Sign(request(), sign.SM2{Key: vectorKey(t)}, params())
	if err != nil {
		t.Fatal(err)
	}
	h.SignatureInput = `proxy=("@method");created=1;x="a,b(", ` + h.SignatureInput
	h.Signature = "proxy=:AAAA:, " + h.Signature
	v, _ := verifier(t, at)
	if _, err := v.Verify(t.Context(), request(), h); err != nil {
		t.Error(err)
	}
}

// FuzzVerify: hostile fields are refused without a panic, and none of them
// verifies.
func FuzzVerify(f *testing.F) {
	// The vector's own signature: workers must agree on what is honest.
	raw, err := hex.DecodeString(vectorSignature)
	if err != nil {
		f.Fatal(err)
	}
	h := sign.Headers{
		ContentDigest: vectorDigest, SignatureInput: "cseal=" + vectorInput, Signature: "cseal=" + sign.Binary(raw),
	}
	f.Add(h.ContentDigest, h.SignatureInput, h.Signature)
	f.Add(h.ContentDigest, `cseal=();created=1`, `cseal=::`)
	f.Add(`a=":,",b`, `x="(`, `,,,`)
	f.Fuzz(func(t *testing.T, digest, input, signature string) {
		v, _ := verifier(t, at)
		got := sign.Headers{ContentDigest: digest, SignatureInput: input, Signature: signature}
		_, err := v.Verify(context.Background(), request(), got)
		// Only the honest fields verify, alone or beside other labels.
		honest := digest == h.ContentDigest && strings.Contains(input, h.SignatureInput) && strings.Contains(signature, h.Signature)
		if err == nil && !honest {
			t.Errorf("verified: %+v", got)
		}
	})
}

// trouble is a store that cannot be reached.
type trouble struct{ ring }

var errTrouble = errors.New("the store is away")

func (*trouble) Key(context.Context, string) (sign.Key, error) { return nil, errTrouble }

// A store in trouble says nothing about the key: its owner must not be told that
// he is unknown.
func TestTroubleIsNoRefusal(t *testing.T) {
	t.Parallel()
	r := request()
	h, err := sign.Sign(r, sign.SM2{Key: vectorKey(t)}, params())
	if err != nil {
		t.Fatal(err)
	}
	away := &trouble{}
	_, err = sign.Verifier{Keys: away, Nonces: away, Now: func() time.Time { return at }}.Verify(t.Context(), r, h)
	if !errors.Is(err, errTrouble) || errors.Is(err, fault.Unauthorized) {
		t.Errorf("%v", err)
	}
}
