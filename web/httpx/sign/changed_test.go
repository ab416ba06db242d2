package sign_test

import (
	"errors"
	"maps"
	"reflect"
	"strings"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx/sign"
)

// parts are a signed request, to be changed.
type parts struct {
	r *sign.Request
	h *sign.Headers
}

func replace(field *string, old, now string) { *field = strings.Replace(*field, old, now, 1) }

// inTheRequest changes one thing that is signed.
var inTheRequest = map[string]func(p parts){
	"method":               func(p parts) { p.r.Method = "PUT" },
	"authority":            func(p parts) { p.r.Authority = "other.example.gov.cn" },
	"port":                 func(p parts) { p.r.Authority = "seal.example.gov.cn:8443" },
	"default port of http": func(p parts) { p.r.TLS = false },
	"path":                 func(p parts) { p.r.Path = "/v1/tickets/" },
	"path encoding":        func(p parts) { p.r.Path = "/v1/%74ickets" },
	"query":                func(p parts) { p.r.Query = "a=1" },
	"query gone":           func(p parts) { p.r.Query = "" },
	"content type":         func(p parts) { p.r.ContentType = "text/plain" },
	"content type gone":    func(p parts) { p.r.ContentType = "" },
	"idempotency key":      func(p parts) { p.r.IdempotencyKey = `"bbcdefghijklmnopqrstuvwxyz"` },
	"idempotency key gone": func(p parts) { p.r.IdempotencyKey = "" },
	"body":                 func(p parts) { p.r.Body = []byte(`{"purpose":"login"}`) },
	"body gone":            func(p parts) { p.r.Body = nil },
	"line end in a value":  func(p parts) { p.r.ContentType = "application/json\n\"x\": y" },
	"body and its digest":  func(p parts) { p.r.Body = []byte("x"); p.h.ContentDigest = sign.ContentDigest([]byte("x")) },
}

// inTheFields changes one thing that the signature itself says.
var inTheFields = map[string]func(p parts){
	"digest gone":            func(p parts) { p.h.ContentDigest = "" },
	"digest without sm3":     func(p parts) { p.h.ContentDigest, _, _ = strings.Cut(p.h.ContentDigest, ",") },
	"digest without sha-256": func(p parts) { _, p.h.ContentDigest, _ = strings.Cut(p.h.ContentDigest, ", ") },
	"digest doubled":         func(p parts) { p.h.ContentDigest += ", sm3=:AA==:" },
	"digest reordered": func(p parts) {
		a, b, _ := strings.Cut(p.h.ContentDigest, ", ")
		p.h.ContentDigest = b + ", " + a
	},
	"input gone":      func(p parts) { p.h.SignatureInput = "" },
	"signature gone":  func(p parts) { p.h.Signature = "" },
	"signature cut":   func(p parts) { p.h.Signature = "cseal=:AAAA:" },
	"signature empty": func(p parts) { p.h.Signature = "cseal=::" },
	"signature other bits": func(p parts) {
		old := p.h.Signature[7:9]
		p.h.Signature = "cseal=:" + map[bool]string{true: "AA", false: "//"}[old == "//"] + p.h.Signature[9:]
	},
	"signature not base64": func(p parts) { replace(&p.h.Signature, ":", ":-") },
	"label":                func(p parts) { replace(&p.h.SignatureInput, "cseal=", "other=") },
	"label of signature":   func(p parts) { replace(&p.h.Signature, "cseal=", "other=") },
	"label doubled":        func(p parts) { p.h.SignatureInput += ", " + p.h.SignatureInput },
	"created":              func(p parts) { replace(&p.h.SignatureInput, "created=1795000000", "created=1795000001") },
	"created gone":         func(p parts) { replace(&p.h.SignatureInput, ";created=1795000000", "") },
	"created with zero":    func(p parts) { replace(&p.h.SignatureInput, "created=1795", "created=01795") },
	"created doubled":      func(p parts) { p.h.SignatureInput += ";created=1795000000" },
	"expires":              func(p parts) { replace(&p.h.SignatureInput, "expires=1795000060", "expires=1795000061") },
	"expires gone":         func(p parts) { replace(&p.h.SignatureInput, ";expires=1795000060", "") },
	"nonce":                func(p parts) { replace(&p.h.SignatureInput, "bm9uY2U", "cm9uY2U") },
	"nonce gone":           func(p parts) { replace(&p.h.SignatureInput, `;nonce="bm9uY2Utbm9uY2Utbm9uY2U"`, "") },
	"nonce short":          func(p parts) { replace(&p.h.SignatureInput, `"bm9uY2Utbm9uY2Utbm9uY2U"`, `"bm9u"`) },
	"key id":               func(p parts) { replace(&p.h.SignatureInput, "app_1.k1", "app_1.k2") },
	"key id gone":          func(p parts) { replace(&p.h.SignatureInput, `;keyid="app_1.k1"`, "") },
	"tag":                  func(p parts) { replace(&p.h.SignatureInput, "cseal-s2s-1", "cseal-s2s-2") },
	"tag gone":             func(p parts) { replace(&p.h.SignatureInput, `;tag="cseal-s2s-1"`, "") },
	"alg named":            func(p parts) { p.h.SignatureInput += `;alg="hmac-sha256"` },
	"unknown parameter":    func(p parts) { p.h.SignatureInput += ";x=1" },
	"blank between":        func(p parts) { replace(&p.h.SignatureInput, ";expires", "; expires") },
}

// inTheList leaves a component out, or names it twice.
func inTheList() map[string]func(p parts) {
	rows := map[string]func(p parts){}
	for _, name := range []string{"@method", "@authority", "@path", "@query", "content-digest", "content-type", "idempotency-key"} {
		rows["uncovered "+name] = func(p parts) {
			replace(&p.h.SignatureInput, `"`+name+`"`, "")
			p.h.SignatureInput = strings.NewReplacer("( ", "(", "  ", " ", " )", ")").Replace(p.h.SignatureInput)
		}
		rows["doubled "+name] = func(p parts) { replace(&p.h.SignatureInput, `"`+name+`"`, `"`+name+`" "`+name+`"`) }
	}
	return rows
}

// Each row changes one thing that is signed or needed (AT-069, AT-070).
func TestChangedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	rows := inTheList()
	maps.Copy(rows, inTheRequest)
	maps.Copy(rows, inTheFields)
	for name, change := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request()
			h, err := sign.Sign(r, sign.SM2{Key: vectorKey(t)}, params())
			if err != nil {
				t.Fatal(err)
			}
			before := h
			change(parts{&r, &h})
			if h == before && reflect.DeepEqual(r, request()) {
				t.Fatal("the row changes nothing")
			}
			v, ring := verifier(t, at)
			if _, err := v.Verify(t.Context(), r, h); !errors.Is(err, fault.Unauthorized) {
				t.Errorf("accepted: %v", err)
			}
			if len(ring.spent) != 0 {
				t.Error("a refused request spent a nonce")
			}
		})
	}
}
