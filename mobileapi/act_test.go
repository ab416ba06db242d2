package mobileapi_test

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
)

// draft is the wire's answer to every draft.
type draft struct {
	ActID     string `json:"act_id"`
	Kind      string
	Statement string
	SM3       string `json:"statement_sm3"`
	Summary   []struct{ Label, Value string }
	ExpiresAt time.Time `json:"expires_at"`
}

func (d draft) bytes(t *testing.T) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(d.Statement)
	if err != nil {
		t.Fatal(err)
	}
	if sum := gm.SM3(b); hex.EncodeToString(sum[:]) != d.SM3 {
		t.Error("statement_sm3 is not the statement's")
	}
	return b
}

// result is the wire's answer to every signature.
type result struct {
	Kind        string
	Done        bool
	SubjectKind string `json:"subject_kind"`
	SubjectID   string `json:"subject_id"`
	Application *struct {
		ID      string `json:"application_id"`
		State   string
		Seal    string     `json:"seal_code"`
		By      *time.Time `json:"decide_by"`
		Defects []struct{ Code, Text string }
	}
}

func (w *world) delegation() object {
	return object{
		"agent_id": w.agent.Person.ID, "app_id": "app_1", "actions": []string{"stamp", "login"}, "seals": []string{"35010000000001"},
		"not_after": w.Clock.Now().Add(30 * 24 * time.Hour), "max": 10,
	}
}

func TestDelegation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	path := "/v1/organizations/" + w.legal.Org + "/delegations/draft"
	got := w.post(t, w.legal, path, w.delegation())
	var d draft
	got.into(t, &d)
	s, err := statement.ParseDelegation(d.bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	seal, _ := w.seals.Seal(t.Context(), "35010000000001")
	if s.Agent.ID != w.agent.Person.ID || s.App.Name != "社保网报" || !slices.Equal(s.Seals, []statement.Ref{seal.Ref()}) || s.Max != 10 {
		t.Errorf("%+v", s)
	}
	lines := s.Summary(statement.Chinese)
	if d.Kind != authz.ActDelegation || len(d.Summary) != len(lines) || d.Summary[0].Value != lines[0].Value {
		t.Errorf("%+v", d)
	}
	var r result
	signed := w.sign(t, w.legal, got)
	if signed.into(t, &r); !r.Done || r.SubjectKind != "delegation" || r.SubjectID != s.ID {
		t.Errorf("%s", signed.body)
	}
	var again result
	if w.sign(t, w.legal, got).into(t, &again); again.SubjectID != r.SubjectID {
		t.Errorf("signed again: %+v", again)
	}
	for path, who := range map[string]*authztest.Actor{
		"/v1/me/delegations": w.agent, "/v1/organizations/" + w.legal.Org + "/delegations": w.legal,
	} {
		var list struct {
			Items []struct {
				ID    string `json:"delegation_id"`
				Agent string
				Seals []string
				Left  int
				State string
			}
		}
		w.get(t, who, path).into(t, &list)
		if len(list.Items) != 1 || list.Items[0].ID != s.ID || list.Items[0].Left != 10 || list.Items[0].Seals[0] != "35010000000001" {
			t.Errorf("%s: %+v", path, list)
		}
	}
	w.revoke(t, s.ID)
}

// revoke ends the delegation and sees that the signer was told.
func (w *world) revoke(t *testing.T, id string) {
	t.Helper()
	got := w.post(t, w.legal, "/v1/revocations/draft", object{"kind": "delegation", "id": id, "reason": "离职"})
	var r result
	w.sign(t, w.legal, got).into(t, &r)
	if r.SubjectKind != "delegation" || r.SubjectID != id || !r.Done || !w.Stops.Has(authz.KindDelegation, id) {
		t.Errorf("%+v, signer told: %t", r, w.Stops.Has(authz.KindDelegation, id))
	}
}

func TestDelegationIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	w.seals.put("35010000000003", uscc)
	w.seals.change("35010000000003", func(s *mobileapi.SealInfo) { s.Usable = false })
	w.seals.put("35010000000004", uscc)
	w.seals.change("35010000000004", func(s *mobileapi.SealInfo) { s.Delegable = false })
	w.seals.put("35010000000005", uscc)
	w.seals.change("35010000000005", func(s *mobileapi.SealInfo) { s.Kind = "finance" })
	path := "/v1/organizations/" + w.legal.Org + "/delegations/draft"
	for _, c := range []struct {
		name   string
		change func(object)
		want   *fault.Error
	}{
		{"not an agent", func(o object) { o["agent_id"] = w.stranger.Person.ID }, fault.AgentNotAllowed},
		{"unknown application", func(o object) { o["app_id"] = "app_2" }, fault.AppInactive},
		{"action", func(o object) { o["actions"] = []string{"seal"} }, fault.BadRequest},
		{"no action", func(o object) { o["actions"] = []string{} }, fault.BadRequest},
		{"action twice", func(o object) { o["actions"] = []string{"stamp", "stamp"} }, fault.DelegationBad},
		{"foreign seal", func(o object) { o["seals"] = []string{"44030000000002"} }, fault.SealUnusable},
		{"unknown seal", func(o object) { o["seals"] = []string{"1"} }, fault.SealUnusable},
		{"frozen seal", func(o object) { o["seals"] = []string{"35010000000003"} }, fault.SealUnusable},
		{"own signature", func(o object) { o["seals"] = []string{"35010000000004"} }, fault.SealNotForAction},
		{"other kind", func(o object) { o["seals"] = []string{"35010000000005"} }, fault.SealNotForAction},
		{"seal twice", func(o object) { o["seals"] = []string{"35010000000001", "35010000000001"} }, fault.DelegationBad},
		{"no seal", func(o object) { delete(o, "seals") }, fault.DelegationBad},
		{"no limit", func(o object) { delete(o, "max") }, fault.DelegationBad},
		{"over", func(o object) { o["not_after"] = w.Clock.Now().Add(-time.Hour) }, fault.DelegationBad},
		{"too long", func(o object) { o["not_after"] = w.Clock.Now().AddDate(3, 0, 0) }, fault.DelegationBad},
	} {
		body := w.delegation()
		c.change(body)
		if got := w.post(t, w.legal, path, body); got.code() != c.want.Code {
			t.Errorf("%s: %d %s, want %s", c.name, got.status, got.body, c.want.Code)
		}
	}
	login := w.delegation()
	login["actions"] = []string{"login"}
	delete(login, "seals")
	delete(login, "max")
	w.post(t, w.legal, path, login).into(t, nil)
}

func TestFormerLegalRepresentative(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	got := w.post(t, w.legal, "/v1/organizations/"+w.legal.Org+"/delegations/draft", w.delegation())
	other := wang()
	w.name(other.Name, other.IDNumber)
	w.Clock.Add(25 * time.Hour)
	w.post(t, w.legal, "/v1/me/real-person/finish", object{"session_id": w.session(t, w.legal)}).into(t, nil)
	w.post(t, w.legal, "/v1/organizations/"+w.legal.Org+"/delegations/draft", w.delegation()).want(t, fault.Absent)
	w.sign(t, w.legal, got).want(t, fault.Expired)
}

func TestClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	path := "/v1/organizations/" + w.legal.Org + "/seals/draft"
	w.post(t, w.legal, path, object{"kind": "crown"}).want(t, fault.SealKindBad)
	picture := make([]byte, 1<<20)
	got := w.post(t, w.legal, path, object{"kind": "statutory", "picture": b64(picture)})
	var d draft
	got.into(t, &d)
	r, err := statement.ParseReview(d.bytes(t))
	if err != nil || r.Act != mobileapi.ActClaimSeal || r.Subject != (statement.Ref{ID: "statutory", Hash: gm.SM3(picture)}) || r.Org.USCC != uscc {
		t.Errorf("%+v, %v", r, err)
	}
	var done result
	w.sign(t, w.legal, got).into(t, &done)
	if !done.Done || done.SubjectKind != "application" || done.Application == nil || done.Application.State != "issued" || done.Application.Seal == "" {
		t.Errorf("%+v", done)
	}
	var again result
	w.sign(t, w.legal, got).into(t, &again) // the answer was lost
	if !again.Done || again.Application == nil || again.Application.Seal != done.Application.Seal {
		t.Errorf("again: %+v", again)
	}

	w.seals.defects = []mobileapi.Defect{{Code: "name-differs", Text: mobileapi.Words{ZH: "不一致", EN: "differs"}}}
	done = result{}
	w.sign(t, w.legal, w.post(t, w.legal, path, object{"kind": "statutory"})).into(t, &done)
	if done.Application.State != "waiting" || done.Application.Seal != "" || done.Application.By == nil || done.Application.Defects[0].Text != "不一致" {
		t.Errorf("%+v", done.Application)
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	path := "/v1/organizations/" + w.legal.Org + "/agreement/draft"
	got := w.post(t, w.legal, path, nil)
	var d draft
	got.into(t, &d)
	sign := func(key *gm.PrivateKey, b []byte) object {
		sig, err := key.Sign(b)
		if err != nil {
			t.Fatal(err)
		}
		return object{"sig_sm2": b64(sig)}
	}
	act := "/v1/acts/" + d.ActID + "/sign"
	w.post(t, w.legal, act, sign(w.legal.RequestKey, d.bytes(t))).want(t, fault.Signature)
	w.post(t, w.legal, act, sign(w.legal.Key, append(d.bytes(t), '\n'))).want(t, fault.Signature)
	w.post(t, w.agent, act, sign(w.legal.Key, d.bytes(t))).want(t, fault.Absent)
	w.post(t, w.legal, "/v1/acts/ac_unknown/sign", sign(w.legal.Key, d.bytes(t))).want(t, fault.Absent)
	var r result
	w.post(t, w.legal, act, sign(w.legal.Key, d.bytes(t))).into(t, &r)
	if r.SubjectKind != "agreement" || r.SubjectID != "agreement-1" || !r.Done {
		t.Errorf("%+v", r)
	}
	var text struct{ Text, SM3 string }
	w.get(t, nil, "/v1/agreement").into(t, &text)
	review, err := statement.ParseReview(d.bytes(t))
	if sum := gm.SM3([]byte(text.Text)); err != nil || review.Subject.Hash != sum || text.SM3 != sum.Hex() {
		t.Errorf("what was accepted is not the text: %v", err)
	}

	late := w.post(t, w.legal, path, nil)
	w.Clock.Add(11 * time.Minute)
	w.sign(t, w.legal, late).want(t, fault.Expired)
}
