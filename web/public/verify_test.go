package public_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/public"
)

func TestGenuine(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	r := s.report(s.stamped)
	if !r.Genuine || r.Verdict != verify.Genuine || r.Kind != "document" || r.Title != "真实有效" || len(r.Notes) != 1 {
		t.Fatalf("%+v", r)
	}
	if r.SM3 != gm.SM3(s.stamped) || r.Size != len(s.stamped) || !r.CheckedAt.Equal(s.clock.Now()) || len(r.Stamps) != 1 {
		t.Fatalf("%+v", r)
	}
	st := r.Stamps[0]
	if st.Seal.Code != code || st.Page != 1 || len(st.Checks) != len(verify.Names()) {
		t.Errorf("%+v", st)
	}
	if st.Evidence == nil || st.Evidence.Proved == nil || st.Evidence.Proved.Principal == "" {
		t.Fatalf("evidence %+v", st.Evidence)
	}
}

// Who approved and who allowed it is nobody's business but theirs.
func TestReportsNameNobody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a := s.call("POST", "/v1/verify", s.stamped, "Content-Type", "application/pdf")
	for _, name := range []string{agentName, "张三", "us_agent"} {
		if bytes.Contains(a.body, []byte(name)) {
			t.Errorf("%s is in the report", name)
		}
	}
}

func TestWordsFollowTheLanguage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	en := s.report(s.stamped, "Accept-Language", "en-GB,zh;q=0.5")
	zh := s.report(s.stamped)
	if en.Title != "Genuine" || zh.Title != "真实有效" {
		t.Errorf("titles %q and %q", en.Title, zh.Title)
	}
	for i, c := range en.Stamps[0].Checks {
		other := zh.Stamps[0].Checks[i]
		if c.Title == "" || c.Reason == "" || c.Title == other.Title || c.Reason == other.Reason || c.Code != other.Code {
			t.Errorf("%s: %+v, %+v", c.Name, c, other)
		}
	}
}

func TestEveryVerdictAndCheckHasWords(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"zh", "en"} {
		for _, v := range []verify.Verdict{verify.Genuine, verify.Unsealed, verify.UnknownIssuer, verify.Invalid, verify.Altered} {
			if public.VerdictTitle(v, lang) == "" {
				t.Errorf("%s has no %s title", v, lang)
			}
		}
		for _, n := range verify.Names() {
			if public.CheckTitle(n, lang) == "" {
				t.Errorf("%s has no %s title", n, lang)
			}
		}
	}
}

func TestOtherVerdicts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	altered := bytes.Replace(s.stamped, []byte("page 1)"), []byte("page 7)"), 1)
	for name, c := range map[string]struct {
		file []byte
		want verify.Verdict
	}{
		"altered":  {altered, verify.Altered},
		"unsealed": {cloudsealtest.PDF(1, 1000), verify.Unsealed},
		"garbage":  {[]byte("this is no document at all"), verify.Invalid},
		"cut":      {s.stamped[:len(s.stamped)/2], verify.Invalid},
	} {
		r := s.report(c.file)
		if r.Genuine || r.Verdict != c.want || r.Title == "" || r.Words == "" || len(r.Notes) != 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
	if a := s.call("POST", "/v1/verify", cloudsealtest.PDF(1, 1000), "Content-Type", "application/pdf"); !bytes.Contains(a.body, []byte(`"stamps":[]`)) {
		t.Errorf("no list of stamps: %s", a.body)
	}
	s.seals.chains.Chains = cloudsealtest.NewPKI(t).Chains(t)
	if r := s.report(s.stamped); r.Genuine || r.Verdict != verify.UnknownIssuer {
		t.Errorf("under another root: %+v", r)
	}
}

func TestSealByItself(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	file := []string{"Content-Type", "application/octet-stream"}
	r := decode[public.Report](t, s.call("POST", "/v1/verify", s.seal, file...), 200)
	if r.Kind != "seal" || !r.Genuine || r.Seal == nil || r.Seal.Code != code || len(r.Checks) == 0 || r.Stamps != nil {
		t.Fatalf("%+v", r)
	}
	broken := bytes.Clone(s.seal)
	broken[len(broken)-1] ^= 1
	if r := decode[public.Report](t, s.call("POST", "/v1/verify", broken, file...), 200); r.Genuine || r.Verdict != verify.Invalid {
		t.Errorf("a broken seal: %+v", r)
	}
	samples, err := filepath.Glob("../../../shared/samples/seal/*.esl")
	if err != nil || len(samples) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	for _, name := range samples {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		r := decode[public.Report](t, s.call("POST", "/v1/verify", b, file...), 200)
		if r.Kind != "seal" || r.Genuine || r.Checks[0].Code != "made" || r.Checks[1].Answer != verify.No {
			t.Errorf("%s: %+v", filepath.Base(name), r)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(d *public.Deps) { d.Limits = public.Limits{Document: 5000, Seal: 300} })
	pdf := []string{"Content-Type", "application/pdf"}
	big := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("a"), 5000)...)
	seal := append([]byte{0x30, 0x82, 0x01, 0x2a}, make([]byte, 298)...)
	for name, c := range map[string]struct {
		body    []byte
		headers []string
		status  int
		code    string
	}{
		"empty":          {nil, pdf, 400, "bad-request"},
		"too large":      {big, pdf, 413, "too-large"},
		"seal too large": {seal, []string{"Content-Type", "application/octet-stream"}, 413, "too-large"},
		"form":           {[]byte("x"), []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "media-type"},
		"nothing said":   {[]byte("x"), nil, 415, "media-type"},
		"packed":         {[]byte("x"), append(pdf, "Content-Encoding", "gzip"), 415, "media-type"},
	} {
		if got := s.problem(c.status, "POST", "/v1/verify", c.body, c.headers...); got != c.code {
			t.Errorf("%s: %s", name, got)
		}
	}
	if rules := (public.Limits{Document: 5000}).BodyRules(); len(rules) != 1 || rules[0].Max != 5000 || rules[0].Prefix != "/v1/verify" {
		t.Errorf("rules of the server: %+v", rules)
	}
	limits := decode[struct{ Document, Seal int }](t, s.call("GET", "/v1/verify", nil), 200)
	if limits.Document != 5000 || limits.Seal != 300 {
		t.Errorf("limits told: %+v", limits)
	}
}

func TestFloodsAreSlowed(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(d *public.Deps) {
		d.Limits = public.Limits{
			Files:     httpx.Rate{Name: "files", Count: 2, Per: time.Minute},
			Questions: httpx.Rate{Name: "questions", Count: 2, Per: time.Minute},
		}
	})
	s.report(s.seal)
	s.report(s.seal)
	if got := s.problem(429, "POST", "/v1/verify", s.seal, "Content-Type", "application/pdf"); got != "slow-down" {
		t.Error(got)
	}
	s.call("GET", "/v1/trust", nil)
	s.call("GET", "/v1/trust", nil)
	if got := s.problem(429, "GET", "/v1/seals/"+code+"/status", nil); got != "slow-down" {
		t.Error(got)
	}
	s.clock.Advance(time.Minute)
	if a := s.call("GET", "/v1/trust", nil); a.status != 200 {
		t.Errorf("a minute later: %d", a.status)
	}
}

func TestPageIsStrictAndSelfContained(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	a := s.call("GET", "/", nil)
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Fatalf("%d %s", a.status, a.header)
	}
	if policy := a.header.Get("Content-Security-Policy"); policy != (httpx.Policy{}).String() {
		t.Errorf("policy %s", policy)
	}
	for _, target := range []string{"/q", "/verify.js", "/words.js", "/verify.css", "/ui/ui.css", "/ui/mark.svg"} {
		a := s.call("GET", target, nil)
		if a.status != 200 {
			t.Errorf("%s: %d", target, a.status)
		}
		for _, bad := range []string{"http://", "https://", "innerHTML", "//cdn"} {
			if bytes.Contains(bytes.ReplaceAll(a.body, []byte("http://www.w3.org/2000/svg"), nil), []byte(bad)) {
				t.Errorf("%s holds %q", target, bad)
			}
		}
	}
}
