package mobileapi_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/passkey"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// newcomer is somebody who enrols over HTTP.
type newcomer struct {
	authztest.Applicant
	key, requestKey *gm.PrivateKey
	passkey         *authztest.Authenticator
}

func newNewcomer(t *testing.T, w *world, a authztest.Applicant) *newcomer {
	t.Helper()
	w.Faces.Know(realperson.Identity{Name: a.Name, IDNumber: a.IDNumber})
	n := &newcomer{Applicant: a}
	var err error
	if n.key, err = gm.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	if n.requestKey, err = gm.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *newcomer) begin(t *testing.T, w *world) answer {
	t.Helper()
	key, request := n.key.Public().SPKI(), n.requestKey.Public().SPKI()
	body := object{
		"kind": n.Kind, "applicant": object{"name": n.Name, "id_number": n.IDNumber, "phone": n.Phone},
		"device": object{"name": "手机", "tier": "S", "key": b64(key), "request_key": b64(request)},
	}
	if n.USCC != "" {
		body["uscc"] = n.USCC
	}
	if n.Invitation != "" {
		body["invitation"] = n.Invitation
	}
	if n.passkey != nil {
		response, err := n.passkey.Register(passkey.EnrolChallenge(key, request))
		if err != nil {
			t.Fatal(err)
		}
		body["passkey"] = b64(response)
	}
	return w.post(t, nil, "/v1/enrolments", body)
}

func (n *newcomer) finish(t *testing.T, w *world, begun answer, change func(object)) answer {
	t.Helper()
	var e struct {
		ID string `json:"enrolment_id"`
	}
	begun.into(t, &e)
	lines := authz.EnrolProof(e.ID, n.key.Public().SPKI(), n.requestKey.Public().SPKI())
	sig, err := n.key.Sign(lines)
	if err != nil {
		t.Fatal(err)
	}
	request, err := n.requestKey.Sign(lines)
	if err != nil {
		t.Fatal(err)
	}
	body := object{"phone_code": "000000", "pin": authztest.PIN, "key_proof": b64(sig), "request_proof": b64(request)}
	if n.Kind == authz.EnrolAgent {
		body["authorization"] = "000000"
	}
	if change != nil {
		change(body)
	}
	return w.post(t, nil, "/v1/enrolments/"+e.ID+"/finish", body)
}

// enrolled is the wire's answer.
type enrolled struct {
	PersonID  string `json:"person_id"`
	DeviceID  string `json:"device_id"`
	Org       string `json:"organization_id"`
	Share     string
	Enrolment struct{ Statement, Signature string }
	CoolUntil *time.Time `json:"cool_until"`
}

func (n *newcomer) actor(t *testing.T, got answer) *authztest.Actor {
	t.Helper()
	var e enrolled
	got.into(t, &e)
	a := &authztest.Actor{Key: n.key, RequestKey: n.requestKey, Passkey: n.passkey, Org: e.Org}
	a.Person.ID, a.Device.ID = e.PersonID, e.DeviceID
	return a
}

// zhao has no organization yet.
func zhao() authztest.Applicant {
	return authztest.Applicant{Kind: authz.EnrolAgent, USCC: uscc, Name: "赵六", IDNumber: "110101198001010010", Phone: "13600136000"}
}

func TestEnrolment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	n := newNewcomer(t, w, zhao())
	begun := n.begin(t, w)
	n.finish(t, w, begun, func(b object) { b["pin"] = "short" }).want(t, fault.PINWeak)
	n.finish(t, w, begun, func(b object) { b["phone_code"] = "111111" }).want(t, fault.CodeWrong)
	n.finish(t, w, begun, func(b object) { b["key_proof"] = b["request_proof"] }).want(t, fault.Signature)
	got := n.finish(t, w, begun, nil)
	var e enrolled
	got.into(t, &e)
	bytes, _ := base64.RawURLEncoding.DecodeString(e.Enrolment.Statement)
	sig, _ := base64.RawURLEncoding.DecodeString(e.Enrolment.Signature)
	es, err := statement.ParseEnrolment(bytes)
	if err != nil || !w.Authority.Public().Verify(bytes, sig) || es.Person.ID != e.PersonID || gm.SM3(es.Key) != n.key.Public().Hash() {
		t.Errorf("enrolment statement %q: %v", bytes, err)
	}
	if len(e.Share) != 43 || e.CoolUntil != nil || e.Org != w.legal.Org {
		t.Errorf("%+v", e)
	}
	var repeated enrolled
	n.finish(t, w, begun, nil).into(t, &repeated) // the answer may have been lost
	if repeated.DeviceID != e.DeviceID || repeated.Share != e.Share {
		t.Errorf("asked again: %+v", repeated)
	}
	n.finish(t, w, begun, func(b object) { b["pin"] = "another-pin-1" }).want(t, fault.Absent)

	bad := zhao()
	bad.IDNumber = "110101198001010011"
	newNewcomer(t, w, bad).begin(t, w).want(t, fault.IDNumberBad)
	bad = zhao()
	bad.Phone = "123"
	newNewcomer(t, w, bad).begin(t, w).want(t, fault.PhoneBad)
	bad = zhao()
	bad.USCC = "91350100M000100Y44"
	newNewcomer(t, w, bad).begin(t, w).want(t, fault.USCCBad)
	again := newNewcomer(t, w, zhao())
	again.finish(t, w, again.begin(t, w), nil).want(t, fault.PersonExists)
}

func TestFurtherDeviceCoolsUntilApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	z := authztest.Zhang
	z.Kind, z.USCC = authz.EnrolDevice, ""
	n := newNewcomer(t, w, z)
	n.passkey, _ = authztest.NewAuthenticator("app.example.gov.cn", "https://app.example.gov.cn")
	got := n.finish(t, w, n.begin(t, w), nil)
	fresh := n.actor(t, got)
	var e enrolled
	if got.into(t, &e); e.CoolUntil == nil {
		t.Fatal("a further device does not cool")
	}
	claim := object{"kind": "statutory"}
	w.post(t, fresh, "/v1/organizations/"+w.legal.Org+"/seals/draft", claim).want(t, fault.DeviceCooling)
	draft := w.post(t, w.legal, "/v1/devices/"+e.DeviceID+"/approve/draft", nil)
	w.sign(t, w.legal, draft).into(t, nil)

	draft = w.post(t, fresh, "/v1/organizations/"+w.legal.Org+"/seals/draft", claim)
	w.sign(t, fresh, draft).want(t, fault.SignatureHW) // the device has a second key
	var d struct {
		ActID     string `json:"act_id"`
		Statement string
	}
	draft.into(t, &d)
	b, _ := base64.RawURLEncoding.DecodeString(d.Statement)
	sig, _ := fresh.Key.Sign(b)
	second, err := n.passkey.Assert(passkey.Challenge(b))
	if err != nil {
		t.Fatal(err)
	}
	w.post(t, fresh, "/v1/acts/"+d.ActID+"/sign", object{"sig_sm2": b64(sig), "sig_hw": b64(second)}).into(t, nil)

	var list struct {
		Items []struct {
			ID        string `json:"device_id"`
			Current   bool
			Passkey   bool
			CoolUntil *time.Time `json:"cool_until"`
		}
	}
	w.get(t, fresh, "/v1/me/devices").into(t, &list)
	if len(list.Items) != 2 {
		t.Fatalf("%+v", list)
	}
	for _, it := range list.Items {
		if it.Current != (it.ID == e.DeviceID) || it.Passkey != it.Current {
			t.Errorf("%+v", it)
		}
	}
}

func TestPIN(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	var s struct{ Share string }
	w.post(t, w.agent, "/v1/device/unlock", object{"pin": authztest.PIN}).into(t, &s)
	if s.Share != b64(w.agent.Share) {
		t.Error("another share than at the registration")
	}
	got := w.post(t, w.agent, "/v1/device/unlock", object{"pin": "wrong0000"})
	if got.want(t, fault.PINWrong); !strings.Contains(string(got.body), `"tries_left":4`) {
		t.Errorf("%s", got.body)
	}
	for range 4 {
		got = w.post(t, w.agent, "/v1/device/unlock", object{"pin": "wrong0000"})
	}
	got.want(t, fault.PINLocked)
	w.post(t, w.agent, "/v1/device/unlock", object{"pin": authztest.PIN}).want(t, fault.PINLocked)

	session := w.session(t, w.agent)
	w.post(t, w.legal, "/v1/device/pin", object{"session_id": session, "pin": "other12345"}).want(t, fault.Absent)
	w.post(t, w.agent, "/v1/device/pin", object{"session_id": session, "pin": "other12345"}).into(t, nil)
	w.post(t, w.agent, "/v1/device/unlock", object{"pin": authztest.PIN}).want(t, fault.PINWrong)
	w.post(t, w.agent, "/v1/device/unlock", object{"pin": "other12345"}).into(t, &s)
	if s.Share != b64(w.agent.Share) {
		t.Error("a new PIN gives another share")
	}
}

// session begins a real-person session; the sandbox completes it at once.
func (w *world) session(t *testing.T, a *authztest.Actor) string {
	t.Helper()
	var s struct {
		ID string `json:"session_id"`
	}
	w.post(t, a, "/v1/me/real-person", object{"purpose": "unlock"}).into(t, &s)
	return s.ID
}

func TestRealPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	w.Clock.Add(time.Hour)
	path := "/v1/organizations/" + w.legal.Org + "/seals/draft"
	w.post(t, w.legal, path, object{"kind": "statutory"}).want(t, fault.StepUpNeeded)
	session := w.session(t, w.legal)
	w.post(t, w.agent, "/v1/me/real-person/finish", object{"session_id": session}).want(t, fault.Absent)
	w.post(t, w.legal, "/v1/me/real-person/finish", object{"session_id": session}).into(t, nil)
	w.post(t, w.legal, path, object{"kind": "statutory"}).into(t, nil)
	w.post(t, w.legal, "/v1/me/real-person/finish", object{"session_id": session}).want(t, fault.RealPersonFails)
	w.Faces.SetDown(true)
	w.post(t, w.legal, "/v1/me/real-person", object{"purpose": "claim"}).want(t, fault.RealPersonDown)
}

func TestMe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	code, err := w.Service.Invite(t.Context(), "", []string{authz.RoleClerk, authz.RoleBusiness})
	if err != nil {
		t.Fatal(err)
	}
	z := zhao()
	z.Kind, z.USCC, z.Invitation = authz.EnrolOperator, "", code
	n := newNewcomer(t, w, z)
	operator := n.actor(t, n.finish(t, w, n.begin(t, w), nil))
	var me struct {
		Name     string
		IDNumber string `json:"id_number"`
		Phone    string
		DeviceID string `json:"device_id"`
		Places   []struct {
			Organization, Role, State, USCC string
		}
		Devices []json.RawMessage
		Roles   []string
	}
	w.get(t, operator, "/v1/me").into(t, &me)
	if me.Name != z.Name || strings.Contains(me.IDNumber, "1980") || strings.Contains(me.Phone, "0013") ||
		strings.Join(me.Roles, " ") != "clerk business" || len(me.Places) != 0 || len(me.Devices) != 1 || me.DeviceID != operator.Device.ID {
		t.Errorf("%+v", me)
	}
	w.get(t, w.agent, "/v1/me").into(t, &me)
	if len(me.Places) != 1 || me.Places[0].Role != "agent" || me.Places[0].Organization != authztest.OrgName || len(me.Roles) != 0 {
		t.Errorf("%+v", me)
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	w.post(t, w.agent, "/v1/organizations/authorization-code", object{"uscc": "x"}).want(t, fault.USCCBad)
	w.post(t, w.agent, "/v1/organizations/authorization-code", object{"uscc": otherUSCC}).into(t, nil)
	join := object{"role": "agent", "uscc": otherUSCC, "authorization": "111111"}
	w.post(t, w.agent, "/v1/organizations/join", join).want(t, fault.CodeWrong)
	join["authorization"] = "000000"
	var joined struct {
		Org        string `json:"organization_id"`
		Membership string `json:"membership_id"`
		State      string
	}
	w.post(t, w.agent, "/v1/organizations/join", join).into(t, &joined)
	if joined.Org != w.stranger.Org || joined.State != "pending" {
		t.Errorf("%+v", joined)
	}
	w.post(t, w.agent, "/v1/organizations/join", join).want(t, fault.MemberExists)
	draft := w.post(t, w.stranger, "/v1/memberships/"+joined.Membership+"/approve/draft", nil)
	w.sign(t, w.stranger, draft).into(t, nil)

	var members struct {
		Items []struct{ Person, Role, State string }
	}
	w.get(t, w.stranger, "/v1/organizations/"+w.stranger.Org+"/members").into(t, &members)
	if len(members.Items) != 2 || !strings.Contains(string(w.get(t, w.stranger, "/v1/organizations/"+w.stranger.Org+"/members").body), "李四") {
		t.Errorf("%+v", members)
	}
	const third = "91110000802100433B"
	w.post(t, w.legal, "/v1/organizations/join", object{"role": "legal", "uscc": third}).want(t, fault.NotLegalRep)
	z := authztest.Zhang
	w.Registry.Put(registry.Organization{USCC: third, Name: "第三公司", Legal: registry.Identity{Name: z.Name, IDNumber: z.IDNumber}})
	w.post(t, w.legal, "/v1/organizations/join", object{"role": "legal", "uscc": third}).into(t, &joined)
	if joined.State != "active" {
		t.Errorf("%+v", joined)
	}
	w.Registry.SetDown(true)
	w.post(t, w.legal, "/v1/organizations/join", object{"role": "legal", "uscc": "91350100M000100Y43"}).want(t, fault.RegistrySilent)
}
