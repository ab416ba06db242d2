package mobileapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/web/httpx"
)

func TestProofIsDemanded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	for _, d := range w.described {
		if d.Open {
			continue
		}
		r := ask(d.Method, named(d.Path, "x"), exampleBody(t, w, d))
		w.send(t, r).want(t, fault.Unauthorized)
	}
	spoil := map[string]func(*request){
		"method":      func(r *request) { r.method = http.MethodGet; r.path = "/v1/agreement" },
		"path":        func(r *request) { r.path += "?" },
		"body":        func(r *request) { r.body = []byte(string(r.body) + " ") },
		"idempotency": func(r *request) { r.header.Set(httpx.IdempotencyKey, strings.Repeat("z", 30)) },
		"device": func(r *request) {
			p, _ := mobileapi.ParseProof(r.header.Get("Authorization"))
			p.Device = w.legal.Device.ID
			r.header.Set("Authorization", mobileapi.FormatProof(p))
		},
	}
	for name, change := range spoil {
		r := ask(http.MethodPost, "/v1/claims", object{"handle": theHandle, "n": 1, "mac": theMAC})
		w.prove(t, w.agent, r)
		change(r)
		got := w.send(t, r)
		if name == "method" { // an open operation does not look at proofs
			continue
		}
		if got.code() != fault.Unauthorized.Code {
			t.Errorf("changed %s: %d %s", name, got.status, got.body)
		}
	}
}

// named fills the names of a path.
func named(path, id string) string {
	for _, name := range []string{"{id}", "{org}", "{code}"} {
		path = strings.ReplaceAll(path, name, id)
	}
	return strings.ReplaceAll(path, "{i}", "1")
}

// exampleBody is the published example of the request; nil when it has none.
func exampleBody(t *testing.T, w *world, d mobileapi.Described) any {
	t.Helper()
	var doc page
	if err := json.Unmarshal(w.api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	op := doc.Paths[d.Path][strings.ToLower(d.Method)]
	if op.RequestBody == nil {
		return nil
	}
	return string(op.RequestBody.Content["application/json"].Example)
}

func TestNonceIsUsedUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	r := ask(http.MethodPost, "/v1/claims", object{"handle": theHandle, "n": 1, "mac": theMAC})
	w.prove(t, w.agent, r)
	w.send(t, r).into(t, nil)
	w.send(t, r).want(t, fault.NonceRequired) // although the key is the same

	g := ask(http.MethodGet, "/v1/me", nil)
	w.prove(t, w.agent, g)
	w.send(t, g).into(t, nil)
	w.send(t, g).into(t, nil) // reading does not use it up
	w.Clock.Add(6 * time.Minute)
	w.send(t, g).want(t, fault.NonceRequired)

	first := w.post(t, nil, "/v1/device/nonce", nil)
	var n struct{ Nonce string }
	first.into(t, &n)
	if n.Nonce == "" || n.Nonce == first.header.Get(mobileapi.NonceHeader) {
		t.Errorf("nonces %q and %q", n.Nonce, first.header.Get(mobileapi.NonceHeader))
	}
}

func TestRevokedDeviceIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	draft := w.post(t, w.agent, "/v1/revocations/draft", object{"kind": "device", "id": w.agent.Device.ID, "reason": "丢失"})
	w.sign(t, w.agent, draft).into(t, nil)
	w.get(t, w.agent, "/v1/me").want(t, fault.DeviceRevoked)
}

func TestProofHeader(t *testing.T) {
	t.Parallel()
	p := authz.Proof{Device: "dv_1", Nonce: "n-1", Signature: []byte{1, 2, 3}}
	for _, good := range []string{
		mobileapi.FormatProof(p),
		`yunzhang-device sig="AQID",device="dv_1" , nonce="n-1"`,
	} {
		if got, err := mobileapi.ParseProof(good); err != nil || mobileapi.FormatProof(got) != mobileapi.FormatProof(p) {
			t.Errorf("%s: %+v, %v", good, got, err)
		}
	}
	for _, bad := range []string{
		"", "Bearer x", "Yunzhang-Device", `Yunzhang-Device device="dv_1", nonce="n"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQID", sig="AQID"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQID", x="y"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQID",`,
		`Yunzhang-Device device=dv_1, nonce="n", sig="AQID"`,
		`Yunzhang-Device device="", nonce="n", sig="AQID"`,
		`Yunzhang-Device device="d\"v", nonce="n", sig="AQID"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQIE="`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AQIDB"`,
		`Yunzhang-Device device="dv_1", nonce="n", sig="AR"`,
		`Yunzhang-Device device="` + strings.Repeat("d", 200) + `", nonce="n", sig="AQID"`,
	} {
		if got, err := mobileapi.ParseProof(bad); fault.CodeOf(err) != fault.Unauthorized.Code {
			t.Errorf("%s: %+v, %v", bad, got, err)
		}
	}
}

func FuzzParseProof(f *testing.F) {
	f.Add(mobileapi.FormatProof(authz.Proof{Device: "dv_1", Nonce: "n", Signature: []byte{1}}))
	f.Add(`Yunzhang-Device device="dv_1", nonce="n", sig="AQ"`)
	f.Add(`Yunzhang-Device sig="AQ",nonce="n",device="dv_1"`)
	f.Fuzz(func(t *testing.T, header string) {
		p, err := mobileapi.ParseProof(header)
		if err != nil {
			if p.Device != "" || p.Nonce != "" || p.Signature != nil {
				t.Errorf("an error with a value: %+v", p)
			}
			return
		}
		written := mobileapi.FormatProof(p)
		again, err := mobileapi.ParseProof(written)
		if err != nil || mobileapi.FormatProof(again) != written {
			t.Errorf("%q reads as %+v, %v", written, again, err)
		}
		lines := authz.ProofLines(authz.Request{Body: gm.SM3()}, p.Device, p.Nonce)
		if strings.Count(string(lines), "\n") != 7 {
			t.Errorf("%q adds lines to what is signed", header)
		}
	})
}
