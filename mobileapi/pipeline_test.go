package mobileapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/httpxtest"
)

func TestAT033StrictBodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	const good = `{"handle":"oKGio6SlpqeoqaqrrK2urw","n":1,"mac":"1n6zGpZ00lLqk4vq"}`
	bad := map[string]struct{ body, pointer string }{
		"unknown":     {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":1,"mac":"1n6zGpZ00lLqk4vq","x":1}`, "/x"},
		"doubled":     {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":1,"n":1,"mac":"1n6zGpZ00lLqk4vq"}`, "/n"},
		"wrong case":  {`{"Handle":"oKGio6SlpqeoqaqrrK2urw","n":1,"mac":"1n6zGpZ00lLqk4vq"}`, "/Handle"},
		"missing":     {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":1}`, ""},
		"null":        {`{"handle":null,"n":1,"mac":"1n6zGpZ00lLqk4vq"}`, "/handle"},
		"pattern":     {`{"handle":"oKGio6SlpqeoqaqrrK2ur","n":1,"mac":"1n6zGpZ00lLqk4vq"}`, "/handle"},
		"type":        {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":"1","mac":"1n6zGpZ00lLqk4vq"}`, "/n"},
		"fraction":    {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":1.5,"mac":"1n6zGpZ00lLqk4vq"}`, "/n"},
		"negative":    {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":-1,"mac":"1n6zGpZ00lLqk4vq"}`, "/n"},
		"2^32":        {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":4294967296,"mac":"1n6zGpZ00lLqk4vq"}`, "/n"},
		"2^53+1":      {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":9007199254740993,"mac":"1n6zGpZ00lLqk4vq"}`, "/n"},
		"trailing":    {good + `{}`, ""},
		"deep":        {strings.Repeat("[", 10_000), ""},
		"nested":      {`{"handle":` + strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000) + "}", ""},
		"a seal":      {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":1,"mac":"1n6zGpZ00lLqk4vq","SEAL_ID":"x"}`, "/SEAL_ID"},
		"a limit":     {`{"handle":"oKGio6SlpqeoqaqrrK2urw","n":1,"mac":"1n6zGpZ00lLqk4vq","limits":{"max":9}}`, "/limits"},
		"not JSON":    {`handle`, ""},
		"empty":       {``, ""},
		"bad UTF-8":   {"{\"handle\":\"\xff\",\"n\":1,\"mac\":\"1n6zGpZ00lLqk4vq\"}", ""},
		"an array":    {`[]`, ""},
		"only a word": {`null`, ""},
	}
	for name, c := range bad {
		got := w.post(t, w.agent, "/v1/claims", c.body)
		got.want(t, fault.BadRequest)
		if c.pointer != "" && !strings.Contains(string(got.body), fmt.Sprintf(`"pointer":%q`, c.pointer)) {
			t.Errorf("%s: %s", name, got.body)
		}
	}
	w.post(t, w.agent, "/v1/claims", good).into(t, nil)
}

func TestAProblemListsItsFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	got := w.post(t, nil, "/v1/enrolments", `{"kind":"king","applicant":{"name":"","id_number":"x","phone":"1"},
		"device":{"name":"d","tier":"S","key":"AA","request_key":"A*"}}`)
	got.want(t, fault.BadRequest) // the broken base64url ends the reading
	got = w.post(t, nil, "/v1/enrolments", `{"kind":"king","applicant":{"name":"","id_number":"x"},
		"device":{"name":"d","tier":"S","key":"AA","request_key":"AAAA"}}`)
	got.want(t, fault.BadRequest)
	var doc struct {
		Fields []struct{ Pointer, Reason string }
	}
	if err := json.Unmarshal(got.body, &doc); err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, f := range doc.Fields {
		at = append(at, f.Pointer)
	}
	if got := strings.Join(at, " "); got != "/applicant/name /applicant /kind" {
		t.Errorf("fields %q", got)
	}
	if strings.Contains(string(got.body), "king") {
		t.Error("the answer repeats a value")
	}
}

func TestBodyAndQueryLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	r := ask(http.MethodPost, "/v1/claims", `{"handle":"`+strings.Repeat("a", 70<<10)+`"}`)
	w.send(t, r).want(t, fault.BodyTooLarge)

	r = ask(http.MethodPost, "/v1/claims", `{}`)
	r.header.Set("Content-Type", "text/plain")
	w.send(t, r).want(t, fault.BadMediaType)

	w.post(t, nil, "/v1/device/nonce", `{}`).want(t, fault.BadRequest) // no body is expected
	for _, path := range []string{
		"/v1/me?x=1", "/v1/me/activity?limit=0", "/v1/me/activity?limit=1&limit=2", "/v1/me/activity?limit=1001",
		"/v1/me/activity?cursor=%2e%2e%2f", "/v1/me/activity?Limit=1", "/v1/me/activity?limit=%zz",
	} {
		w.get(t, w.agent, path).want(t, fault.BadRequest)
	}
	var list struct {
		Items []struct{ Decision, Object string }
		Next  string
	}
	w.get(t, w.agent, "/v1/me/activity?limit=999&cursor=abc.1").into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Decision != "200abc.1" || list.Items[0].Object != "person:"+w.agent.Person.ID || list.Next != "next.1" {
		t.Errorf("%+v", list)
	}
}

func TestAT026Idempotency(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	for _, d := range w.described {
		exempt := d.ID == "device-nonce" || d.ID == "unlock-device"
		if d.Changes != (d.Method == http.MethodPost && !exempt) {
			t.Errorf("%s: Idempotency-Key demanded: %t", d.ID, d.Changes)
		}
	}
	body := object{"handle": theHandle, "n": 1, "mac": theMAC}
	r := ask(http.MethodPost, "/v1/claims", body)
	r.header.Del(httpx.IdempotencyKey)
	w.prove(t, w.agent, r)
	w.send(t, r).want(t, fault.IdempotencyMissing)

	r = ask(http.MethodPost, "/v1/claims", body)
	w.prove(t, w.agent, r)
	first := w.send(t, r)
	first.into(t, nil)
	w.scans.mu.Lock()
	w.scans.state = "approved" // the world has moved on
	w.scans.mu.Unlock()
	w.prove(t, w.agent, r)
	again := w.send(t, r)
	if string(again.body) != string(first.body) || again.header.Get(httpx.IdempotencyReplayed) != "true" {
		t.Errorf("repetition: %s", again.body)
	}
	other := ask(http.MethodPost, "/v1/claims", object{"handle": theHandle, "n": 2, "mac": theMAC})
	other.header.Set(httpx.IdempotencyKey, r.header.Get(httpx.IdempotencyKey))
	w.prove(t, w.agent, other)
	w.send(t, other).want(t, fault.IdempotencyMismatch)
	w.prove(t, w.legal, r) // the same key of another device is another key
	w.send(t, r).want(t, fault.TicketClaimed)
}

// TestRecordsHideThePIN reads the idempotency records as a thief would.
func TestRecordsHideThePIN(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	r := ask(http.MethodPost, "/v1/device/pin", object{"session_id": w.session(t, w.agent), "pin": "changed2026"})
	w.prove(t, w.agent, r)
	w.send(t, r).into(t, nil)
	key := r.header.Get(httpx.IdempotencyKey)
	plain := gm.SM3([]byte(r.method), []byte{0}, []byte(r.path), []byte{0}, r.body)
	found := false
	for name, fp := range w.shelf.Fingerprints() {
		found = found || strings.Contains(name, "/v1/device/pin")
		if strings.Contains(name, key) || fp == plain {
			t.Errorf("record %s tells the key or a hash of the PIN", name)
		}
	}
	if !found {
		t.Error("the request left no record")
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	limits := mobileapi.DefaultLimits()
	limits.Address = httpx.Rate{Name: "address", Count: 8, Per: time.Minute}
	limits.Device = httpx.Rate{Name: "device", Count: 3, Per: time.Minute}
	limits.Enrol = httpx.Rate{Name: "enrol", Count: 1, Per: time.Minute}
	w := newWorld(t, limits)
	for range 3 {
		w.get(t, w.agent, "/v1/me").into(t, nil)
	}
	got := w.get(t, w.agent, "/v1/me")
	got.want(t, fault.SlowDown)
	if got.header.Get("Retry-After") == "" || !strings.Contains(string(got.body), `"limit":"device"`) {
		t.Errorf("%v %s", got.header, got.body)
	}
	w.get(t, w.legal, "/v1/me").into(t, nil) // another device
	finish := object{"phone_code": "1", "pin": "x", "key_proof": "AA", "request_proof": "AA"}
	w.post(t, nil, "/v1/enrolments/x/finish", finish).want(t, fault.Absent)
	got = w.post(t, nil, "/v1/enrolments/x/finish", finish)
	if got.want(t, fault.SlowDown); !strings.Contains(string(got.body), `"limit":"enrol"`) {
		t.Errorf("%s", got.body)
	}
	w.post(t, nil, "/v1/device/nonce", nil).into(t, nil)
	got = w.post(t, nil, "/v1/device/nonce", nil)
	if got.want(t, fault.SlowDown); !strings.Contains(string(got.body), `"limit":"address"`) {
		t.Errorf("%s", got.body)
	}
	w.Clock.Add(time.Minute)
	w.get(t, w.agent, "/v1/me").into(t, nil)
}

// TestAddressesOfOneNetwork: who has an IPv6 address has its whole /64.
func TestAddressesOfOneNetwork(t *testing.T) {
	t.Parallel()
	limits := mobileapi.DefaultLimits()
	limits.Address = httpx.Rate{Name: "address", Count: 1, Per: time.Minute}
	w := newWorld(t, limits)
	w.app = httpx.NewServer(httpx.Deps{Now: w.Clock.Now, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	w.api.Mount(w.app)
	from := func(address string) answer {
		r := ask(http.MethodPost, "/v1/device/nonce", nil)
		r.header.Set("X-Forwarded-For", address)
		return w.send(t, r)
	}
	from("2001:db8:1:2::1").into(t, nil)
	from("2001:db8:1:2:ffff::9").want(t, fault.SlowDown)
	from("2001:db8:1:3::1").into(t, nil)
}

func TestAT038EarlyChecksComeInOrder(t *testing.T) {
	t.Parallel()
	limits := mobileapi.DefaultLimits()
	limits.Address = httpx.Rate{Name: "address", Count: 2, Per: time.Hour}
	w := newWorld(t, limits)
	good := object{"handle": theHandle, "n": 1, "mac": theMAC}
	// Each request fails at its check and at every later one.
	r := ask(http.MethodPost, "/v1/claims", "{}")
	r.header.Del(httpx.IdempotencyKey)
	w.send(t, r).want(t, fault.BadRequest) // 1: strict JSON
	r = ask(http.MethodPost, "/v1/claims", good)
	r.header.Del(httpx.IdempotencyKey)
	w.send(t, r).want(t, fault.Unauthorized) // 3: proof
	w.prove(t, w.agent, r)
	w.send(t, r).want(t, fault.IdempotencyMissing) // 4
	w.send(t, r).want(t, fault.SlowDown)           // 2: the address has used its allowance, before the nonce is looked at
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	for accept, want := range map[string]string{"": "没有", "en-GB,zh;q=0.5": "nothing", "fr": "没有"} {
		r := ask(http.MethodGet, "/v1/nothing", nil)
		r.header.Set("Accept-Language", accept)
		if got := w.send(t, r); !strings.Contains(string(got.body), want) || got.code() != fault.RouteUnknown.Code {
			t.Errorf("%q: %s", accept, got.body)
		}
	}
	r := ask(http.MethodPost, "/v1/organizations/"+w.legal.Org+"/agreement/draft", nil)
	r.header.Set("Accept-Language", "en")
	w.prove(t, w.legal, r)
	got := w.send(t, r)
	if got.into(t, nil); !strings.Contains(string(got.body), `"label":"Organization"`) || got.header.Get("Content-Language") != "en" {
		t.Errorf("%s", got.body)
	}
}

func TestNewRefusesHalfADeps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	d := mobileapi.Deps{
		Authz: w.Service, Work: w.DB, Seals: w.seals, Claims: w.seals, Scans: w.scans, Seconds: seconds{w}, Applications: apps{}, History: history{},
		Idempotency: &httpxtest.Shelf{}, Now: w.Clock.Now, Agreement: mobileapi.Agreement{ID: "a", Text: "t"},
	}
	for name, spoil := range map[string]func(*mobileapi.Deps){
		"authz":     func(d *mobileapi.Deps) { d.Authz = nil },
		"port":      func(d *mobileapi.Deps) { d.Scans = nil },
		"agreement": func(d *mobileapi.Deps) { d.Agreement.Text = "" },
		"version":   func(d *mobileapi.Deps) { d.Agreement.ID = "a\nb" },
	} {
		half := d
		spoil(&half)
		if _, err := mobileapi.New(half); err == nil {
			t.Errorf("without %s", name)
		}
	}
}
