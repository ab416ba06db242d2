package public_test

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
)

// The published bundle is all that an offline verifier needs to find a stamped
// document genuine.
func TestBundleVerifiesOffline(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a := s.call("GET", "/v1/trust", nil)
	b, err := verify.ParseBundle(a.body)
	if err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if len(b.Approvals) != 0 {
		t.Error("the public bundle holds evidence")
	}
	trust, err := b.Trust()
	if err != nil {
		t.Fatal(err)
	}
	r := verify.Document(s.stamped, trust)
	if r.Verdict != verify.Genuine || r.Stamps[0].Answer(verify.Status) != verify.Yes || r.Stamps[0].Answer(verify.Evidence) != verify.NotChecked {
		t.Errorf("%+v", r)
	}
}

func TestBundleIsKeptForItsLife(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	first := s.call("GET", "/v1/trust", nil)
	s.clock.Advance(59 * time.Second)
	s.call("GET", "/.well-known/cseal-keys", nil)
	if again := s.call("GET", "/v1/trust", nil); string(again.body) != string(first.body) || s.seals.bundles.Load() != 1 {
		t.Errorf("made %d bundles", s.seals.bundles.Load())
	}
	s.clock.Advance(time.Second)
	if again := s.call("GET", "/v1/trust", nil); string(again.body) == string(first.body) || s.seals.bundles.Load() != 2 {
		t.Errorf("made %d bundles after a minute", s.seals.bundles.Load())
	}
}

func TestFailureIsNotKept(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.seals.failing.Store(true)
	if got := s.problem(500, "GET", "/v1/trust", nil); got != "internal" {
		t.Error(got)
	}
	s.seals.failing.Store(false)
	if a := s.call("GET", "/v1/trust", nil); a.status != 200 {
		t.Errorf("then: %d", a.status)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	got := decode[struct {
		Issuer, Anchor string
		Certificates   []struct{ Use, Subject, SM3, Certificate string }
		Keys           []struct{ Use, Algorithm, SM3, SPKI string }
	}](t, s.call("GET", "/.well-known/cseal-keys", nil), 200)
	b, err := s.seals.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Issuer != cloudsealtest.Host || got.Anchor != b.Anchor().Hex() {
		t.Errorf("%+v", got)
	}
	if len(got.Certificates) != 2 || got.Certificates[0].Use != "root" || got.Certificates[0].SM3 != gm.SM3(b.Roots[0]).Hex() || got.Certificates[0].Subject != "示例根证书" {
		t.Errorf("%+v", got.Certificates)
	}
	for i, want := range [][]byte{b.Authorities[0], b.StatusKeys[0]} {
		k := got.Keys[i]
		if spki, err := base64.StdEncoding.DecodeString(k.SPKI); err != nil || string(spki) != string(want) || k.SM3 != gm.SM3(want).Hex() {
			t.Errorf("%+v: %v", k, err)
		}
	}
}

func TestStateAtATime(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.clock.Advance(48 * time.Hour)
	at := func(h int) string {
		return "?at=" + cloudsealtest.Start.Add(time.Duration(h)*time.Hour).Format(time.RFC3339)
	}
	type reply struct {
		Code      string
		Known     bool
		State     string
		StateName string `json:"state_name"`
		Usable    bool
	}
	for name, c := range map[string]struct {
		query string
		want  reply
	}{
		"before":        {at(-1), reply{Code: code}},
		"at first":      {at(0), reply{code, true, "usable", "正常", true}},
		"frozen":        {at(1), reply{code, true, "frozen", "已冻结", false}},
		"again":         {at(2), reply{code, true, "usable", "正常", true}},
		"expired":       {at(25), reply{code, true, "usable", "正常", false}},
		"now":           {"", reply{code, true, "usable", "正常", false}},
		"by local time": {"?at=2026-03-02T10:30:00%2B08:00", reply{code, true, "frozen", "已冻结", false}},
	} {
		if got := decode[reply](t, s.call("GET", "/v1/seals/"+code+"/status"+c.query, nil), 200); got != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for target, want := range map[string]int{
		"/v1/seals/33010600000002/status": 404, "/v1/seals/x/status": 404, "/v1/seals/" + code + "/status?at=soon": 400,
		"/v1/seals/" + code + "/status" + at(49): 400, "/v1/seals/111111111111111111111111111111111/status": 404,
	} {
		if a := s.call("GET", target, nil); a.status != want {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
}

func TestReasonsOfChangesAreNotTold(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.clock.Advance(48 * time.Hour)
	a := s.call("GET", "/v1/seals/"+code+"/status?at=2026-03-02T02:30:00Z", nil)
	if a.status != 200 || bytes.Contains(a.body, []byte("手机丢失")) {
		t.Errorf("%d %s", a.status, a.body)
	}
}
