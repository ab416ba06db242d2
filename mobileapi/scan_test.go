package mobileapi_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
)

// claimed is the wire's answer to a scan.
type claimed struct {
	ID        string `json:"claim_id"`
	Head      string
	HeadSM3   string `json:"head_sm3"`
	Display   string
	Count     int
	Manifest  bool
	Summary   []struct{ Label, Value string }
	Documents []struct {
		Index int
		Title string
		Pages int
		SM3   string
		Seal  string
		X     float64 `json:"x_mm"`
	}
}

func (w *world) scanned(t *testing.T) (c claimed, head []byte) {
	t.Helper()
	w.post(t, w.agent, "/v1/claims", object{"handle": theHandle, "n": 1, "mac": theMAC}).into(t, &c)
	head, err := base64.RawURLEncoding.DecodeString(c.Head)
	if err != nil {
		t.Fatal(err)
	}
	return c, head
}

func TestScanShowsWhatIsSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	c, head := w.scanned(t)
	a, err := statement.ParseHead(head)
	if err != nil || gm.SM3(head).Hex() != c.HeadSM3 || c.ID != theClaim {
		t.Fatalf("%+v, %v", c, err)
	}
	shown, err := base64.RawURLEncoding.DecodeString(c.Display)
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.Shows(shown)
	if err != nil || len(d.Lines) != len(c.Summary) || d.Lines[0].Value != c.Summary[0].Value || c.Manifest || c.Count != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	w.get(t, w.agent, "/v1/claims/"+c.ID+"/manifest").want(t, fault.Absent)
	if len(c.Documents) != 2 || c.Documents[1].Title != "文件2.pdf" || c.Documents[1].Seal != "35010000000001" || c.Documents[0].X != 120 {
		t.Errorf("%+v", c.Documents)
	}
	for i, want := range w.scans.docs {
		got := w.get(t, w.agent, "/v1/claims/"+c.ID+"/documents/"+string(rune('1'+i)))
		if got.status != http.StatusOK || !bytes.Equal(got.body, want) || got.header.Get("Content-Type") != "application/pdf" ||
			gm.SM3(got.body).Hex() != c.Documents[i].SM3 || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("document %d: %d %v", i+1, got.status, got.header)
		}
	}
	for _, i := range []string{"0", "-1", "501", "x", "1e1"} {
		w.get(t, w.agent, "/v1/claims/"+c.ID+"/documents/"+i).want(t, fault.Absent)
	}
}

func TestApprove(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	c, head := w.scanned(t)
	approve := func(match string) object {
		sig, err := w.agent.Key.Sign(statement.Complete(head, match))
		if err != nil {
			t.Fatal(err)
		}
		return object{"head_sm3": c.HeadSM3, "match": match, "sig_sm2": b64(sig)}
	}
	path := "/v1/claims/" + c.ID + "/approve"
	w.post(t, w.agent, path, approve("418")).want(t, fault.MatchWrong)
	bad := approve(theMatch)
	bad["head_sm3"] = gm.SM3([]byte("other")).Hex()
	w.post(t, w.agent, path, bad).want(t, fault.StatementChanged)
	bad = approve(theMatch)
	bad["sig_sm2"] = b64([]byte("no signature"))
	w.post(t, w.agent, path, bad).want(t, fault.Signature)
	for _, match := range []string{"41", "4177", "４１７", "41 "} {
		bad = approve(theMatch)
		bad["match"] = match
		w.post(t, w.agent, path, bad).want(t, fault.BadRequest)
	}
	good := approve(theMatch)
	good["sig_hw"] = b64([]byte(`{"id":"x"}`))
	got := w.post(t, w.agent, path, good)
	var s struct {
		ID    string `json:"claim_id"`
		State string
	}
	if got.into(t, &s); got.status != http.StatusAccepted || s.State != "approved" || s.ID != c.ID {
		t.Errorf("%d %s", got.status, got.body)
	}
	if string(w.scans.got.Second) != `{"id":"x"}` || w.scans.got.Match != theMatch {
		t.Errorf("%+v", w.scans.got)
	}
	w.post(t, w.agent, path, good).want(t, fault.WrongState)
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]string{"reject": "rejected", "report": "blocked"} {
		w := newWorld(t, mobileapi.Limits{})
		c, _ := w.scanned(t)
		var s struct{ State string }
		w.post(t, w.agent, "/v1/claims/"+c.ID+"/"+action, object{"reason": "文件有误"}).into(t, &s)
		if s.State != want || w.scans.reason != (mobileapi.Refusal{Reason: "文件有误", Report: action == "report"}) {
			t.Errorf("%s: %s, %+v", action, s.State, w.scans.reason)
		}
	}
}

func TestRegisterAndApps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	var uses struct {
		Items []struct {
			Title   string
			Stamped string `json:"stamped_sm3"`
		}
	}
	w.get(t, w.legal, "/v1/organizations/"+w.legal.Org+"/register?limit=5").into(t, &uses)
	if len(uses.Items) != 1 || uses.Items[0].Title != uscc || uses.Items[0].Stamped != gm.SM3([]byte("s")).Hex() {
		t.Errorf("%+v", uses)
	}
	var apps struct {
		Items []struct {
			ID      string `json:"app_id"`
			Actions []string
		}
	}
	w.get(t, w.agent, "/v1/apps").into(t, &apps)
	if len(apps.Items) != 1 || apps.Items[0].ID != "app_1" || len(apps.Items[0].Actions) != 3 {
		t.Errorf("%+v", apps)
	}
}

// AT-039: neither algorithm nor tier is a word of the request, and a device's keys
// are on the curve of SM2 or no keys.
func TestAT039ClientChoosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	c, head := w.scanned(t)
	sig, err := w.agent.Key.Sign(statement.Complete(head, theMatch))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"alg", "tier", "algorithm", "key", "device", "Match", "SIG_SM2"} {
		body := object{"head_sm3": c.HeadSM3, "match": theMatch, "sig_sm2": b64(sig), word: "none"}
		w.post(t, w.agent, "/v1/claims/"+c.ID+"/approve", body).want(t, fault.BadRequest)
	}
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&p256.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	own := w.agent.Key.Public().SPKI()
	z := zhao()
	for name, keys := range map[string][2][]byte{"key": {spki, own}, "request key": {own, spki}, "one for both": {own, own}} {
		t.Log(name)
		w.post(t, nil, "/v1/enrolments", object{
			"kind": z.Kind, "uscc": z.USCC, "applicant": object{"name": z.Name, "id_number": z.IDNumber, "phone": z.Phone},
			"device": object{"name": "手机", "tier": "S", "key": b64(keys[0]), "request_key": b64(keys[1])},
		}).want(t, fault.BadRequest)
	}
	if w.scans.got.Claim != "" {
		t.Error("an approval went through")
	}
}
