package mobileapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/httpxtest"
)

var update = flag.Bool("update", false, "write openapi.json and the golden files anew")

const (
	issuer    = authztest.Issuer
	otherUSCC = "91440300708461136T"
	nonceText = "Lkf9MYpoxHF-3SPtJ-G1eeVH6el-GBACHsEDZr7VAB4"
)

var uscc = authztest.Zhang.USCC

// world is authz in memory behind the API, with a legal representative, his
// approved agent, and a stranger who represents another organization.
type world struct {
	*authztest.World
	api       *mobileapi.API
	app       *fiber.App
	described []mobileapi.Described
	seals     *seals
	scans     *scans
	shelf     *httpxtest.Shelf

	legal, agent, stranger *authztest.Actor
}

// wang represents another organization.
func wang() authztest.Applicant {
	return authztest.Applicant{Kind: authz.EnrolLegal, USCC: otherUSCC, Name: "王五", IDNumber: "110101199003074514", Phone: "13700137000"}
}

func newWorld(t testing.TB, limits mobileapi.Limits) *world {
	t.Helper()
	w := &world{World: authztest.NewWorld(t), seals: newSeals(), shelf: &httpxtest.Shelf{}}
	w.shelf.Work = w.DB
	w.scans = &scans{w: w, docs: [][]byte{[]byte("%PDF-1.7 one"), []byte("%PDF-1.7 two")}}
	api, err := mobileapi.New(mobileapi.Deps{
		Authz: w.Service, Work: w.DB, Seals: w.seals, Claims: w.seals, Scans: w.scans, Seconds: seconds{w}, Applications: apps{}, History: history{},
		Idempotency: w.shelf, Limits: limits, Now: w.Clock.Now,
		Agreement: mobileapi.Agreement{ID: "agreement-1", Text: "电子印章使用服务协议"},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.api, w.described = api, api.Described()
	w.app = httpx.NewServer(httpx.Deps{
		Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Bodies: mobileapi.DefaultLimits().BodyRules(),
	})
	api.Mount(w.app)
	w.people(t)
	return w
}

func (w *world) people(t testing.TB) {
	t.Helper()
	var err error
	if w.legal, err = w.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.agent, err = w.Enrol(t.Context(), authztest.Li); err != nil {
		t.Fatal(err)
	}
	if err := w.Approve(t.Context(), w.legal, w.agent); err != nil {
		t.Fatal(err)
	}
	other := wang()
	w.Registry.Put(registry.Organization{
		USCC: otherUSCC, Name: "另一公司", Legal: registry.Identity{Name: other.Name, IDNumber: other.IDNumber},
	})
	if w.stranger, err = w.Enrol(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	w.seals.put("35010000000001", uscc)
	w.seals.put("44030000000002", otherUSCC)
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// request is one request before it is sent; a test may spoil it.
type request struct {
	method, path string
	body         []byte
	header       http.Header
}

// ask builds a request. body is JSON text, or a value; nil for none.
func ask(method, path string, body any) *request {
	r := &request{method: method, path: path, header: http.Header{}}
	switch v := body.(type) {
	case nil:
	case string:
		r.body = []byte(v)
	default:
		r.body, _ = json.Marshal(v)
	}
	if r.body != nil {
		r.header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPost {
		r.header.Set(httpx.IdempotencyKey, base64.RawURLEncoding.EncodeToString(gm.Random(24)))
	}
	return r
}

// prove signs the request as the actor's device does.
func (w *world) prove(t testing.TB, a *authztest.Actor, r *request) {
	t.Helper()
	nonce := w.Service.NewNonce()
	lines := authz.ProofLines(authz.Request{
		Method: r.method, Path: r.path, Body: gm.SM3(r.body), Idempotency: r.header.Get(httpx.IdempotencyKey),
	}, a.Device.ID, nonce)
	sig, err := a.RequestKey.Sign(lines)
	if err != nil {
		t.Fatal(err)
	}
	r.header.Set("Authorization", mobileapi.FormatProof(authz.Proof{Device: a.Device.ID, Nonce: nonce, Signature: sig}))
}

// send sends a request as it is and holds the answer against what is
// published: the status, the schema, the declared codes, the fresh nonce.
func (w *world) send(t testing.TB, r *request) answer {
	t.Helper()
	req := httptest.NewRequest(r.method, r.path, bytes.NewReader(r.body))
	req.Header = r.header
	res, err := w.app.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{res.StatusCode, res.Header, b}
	w.hold(t, r, got)
	return got
}

func (w *world) hold(t testing.TB, r *request, got answer) {
	t.Helper()
	for _, d := range w.described {
		if !d.Matches(r.method, r.path) {
			continue
		}
		if got.header.Get(mobileapi.NonceHeader) == "" {
			t.Errorf("%s: no fresh nonce in the answer", d.ID)
		}
		if code := got.code(); code != "" {
			if !d.Codes[code] {
				t.Errorf("%s answers %q, which it does not declare", d.ID, code)
			}
			if err := d.CheckProblem(got.body); err != nil {
				t.Errorf("%s: problem %s: %v", d.ID, got.body, err)
			}
			return
		}
		if got.status != d.Status {
			t.Errorf("%s: status %d, declared %d", d.ID, got.status, d.Status)
		}
		if err := d.CheckAnswer(got.body); err != nil {
			t.Errorf("%s: answer %s: %v", d.ID, got.body, err)
		}
		return
	}
}

// do asks as an actor; nil is somebody without a device.
func (w *world) do(t testing.TB, a *authztest.Actor, method, path string, body any) answer {
	t.Helper()
	r := ask(method, path, body)
	if a != nil {
		w.prove(t, a, r)
	}
	return w.send(t, r)
}

func (w *world) get(t testing.TB, a *authztest.Actor, path string) answer {
	t.Helper()
	return w.do(t, a, http.MethodGet, path, nil)
}

func (w *world) post(t testing.TB, a *authztest.Actor, path string, body any) answer {
	t.Helper()
	return w.do(t, a, http.MethodPost, path, body)
}

// code gives the code of a problem, "" for a good answer.
func (a answer) code() string {
	if !strings.HasPrefix(a.header.Get("Content-Type"), httpx.ProblemType) {
		return ""
	}
	var doc struct{ Code string }
	_ = json.Unmarshal(a.body, &doc)
	return doc.Code
}

// into reads a good answer.
func (a answer) into(t testing.TB, v any) {
	t.Helper()
	if a.status >= 300 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func (a answer) want(t testing.TB, f *fault.Error) {
	t.Helper()
	if got := a.code(); got != f.Code || a.status != httpx.Status(f) {
		t.Errorf("status %d %s, want %s", a.status, a.body, f.Code)
	}
}

// object is a JSON object of an answer.
type object = map[string]any

// sign signs a draft as the actor's device does and posts the signature.
func (w *world) sign(t testing.TB, a *authztest.Actor, draft answer) answer {
	t.Helper()
	var d struct {
		ActID     string `json:"act_id"`
		Statement string `json:"statement"`
	}
	draft.into(t, &d)
	b, err := base64.RawURLEncoding.DecodeString(d.Statement)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := a.Key.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	return w.post(t, a, "/v1/acts/"+d.ActID+"/sign", object{"sig_sm2": base64.RawURLEncoding.EncodeToString(sig)})
}
