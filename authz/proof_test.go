package authz_test

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

func prove(t *testing.T, a *authztest.Actor, r authz.Request, nonce string) authz.Proof {
	t.Helper()
	sig, err := a.RequestKey.Sign(authz.ProofLines(r, a.Device.ID, nonce))
	if err != nil {
		t.Fatal(err)
	}
	return authz.Proof{Device: a.Device.ID, Nonce: nonce, Signature: sig}
}

func TestProof(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	request := authz.Request{Method: "POST", Path: "/v1/claims", Body: gm.SM3([]byte("{}")), Idempotency: "key"}
	p := prove(t, legal, request, w.Service.NewNonce())
	who, err := w.Service.Identify(t.Context(), p, request, true)
	if err != nil || who.Person.ID != legal.Person.ID {
		t.Fatalf("%v, %v", who, err)
	}
	_, err = w.Service.Identify(t.Context(), p, request, true)
	want(t, err, fault.NonceRequired) // replayed

	changes := map[string]func(*authz.Request){
		"method":      func(r *authz.Request) { r.Method = "GET" },
		"path":        func(r *authz.Request) { r.Path = "/v1/claims?x=1" },
		"body":        func(r *authz.Request) { r.Body = gm.SM3(nil) },
		"idempotency": func(r *authz.Request) { r.Idempotency = "other" },
	}
	for name, change := range changes {
		p := prove(t, legal, request, w.Service.NewNonce())
		changed := request
		change(&changed)
		if _, err := w.Service.Identify(t.Context(), p, changed, true); fault.CodeOf(err) != "auth" {
			t.Errorf("changed %s: %v", name, err)
		}
	}
	p = prove(t, legal, request, w.Service.NewNonce())
	p.Device = agent.Device.ID
	_, err = w.Service.Identify(t.Context(), p, request, true)
	want(t, err, fault.Unauthorized)
	p.Device = "dv_unknown"
	_, err = w.Service.Identify(t.Context(), p, request, true)
	want(t, err, fault.Unauthorized)
}

func TestNonces(t *testing.T) {
	t.Parallel()
	w, legal, _ := company(t)
	request := authz.Request{Method: "GET", Path: "/v1/me"}
	nonce := w.Service.NewNonce()
	for _, bad := range []string{"", "x", nonce[:len(nonce)-2], nonce + "A", "A" + nonce[1:]} {
		if bad == nonce {
			continue
		}
		_, err := w.Service.Identify(t.Context(), prove(t, legal, request, bad), request, false)
		want(t, err, fault.NonceRequired)
	}
	if _, err := w.Service.Identify(t.Context(), prove(t, legal, request, nonce), request, false); err != nil {
		t.Error(err)
	}
	w.Clock.Add(6 * time.Minute)
	_, err := w.Service.Identify(t.Context(), prove(t, legal, request, nonce), request, false)
	want(t, err, fault.NonceRequired)
}

func TestRevokedDeviceIsNobody(t *testing.T) {
	t.Parallel()
	w, legal, _ := company(t)
	act, err := w.Service.DraftRevocation(t.Context(), legal.Caller, authz.KindDevice, legal.Device.ID, "丢失")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(t.Context(), legal, act); err != nil {
		t.Fatal(err)
	}
	if !w.Stops.Has("device", legal.Device.KeyHash) {
		t.Error("the signer was not told")
	}
	request := authz.Request{Method: "GET", Path: "/v1/me"}
	_, err = w.Service.Identify(t.Context(), prove(t, legal, request, w.Service.NewNonce()), request, false)
	want(t, err, fault.DeviceRevoked)
	_, err = w.Service.Unlock(t.Context(), legal.Caller, authztest.PIN)
	want(t, err, fault.DeviceRevoked)
}

func TestFurtherDeviceCoolsUnlessTheOldOneApproves(t *testing.T) {
	t.Parallel()
	w, legal, _ := company(t)
	further := authztest.Zhang
	further.Kind = authz.EnrolDevice
	second, err := w.Enrol(t.Context(), further)
	if err != nil {
		t.Fatal(err)
	}
	if second.Person.ID != legal.Person.ID {
		t.Fatal("another person")
	}
	want(t, decide(t, w, second, legal.Org), fault.DeviceCooling)
	if until := coolsUntil(t, w, second); !until.Equal(w.Clock.Now().Add(authz.DefaultLimits().Cooling).Truncate(time.Second)) {
		t.Errorf("the enrolment says it cools until %v", until)
	}
	_, err = w.Service.DraftDeviceApproval(t.Context(), second.Caller, second.Device.ID)
	want(t, err, fault.Absent) // not by itself
	act, err := w.Service.DraftDeviceApproval(t.Context(), legal.Caller, second.Device.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(t.Context(), legal, act); err != nil {
		t.Fatal(err)
	}
	if err := decide(t, w, second, legal.Org); err != nil {
		t.Errorf("after the old device approved: %v", err)
	}
	if until := coolsUntil(t, w, second); !until.IsZero() {
		t.Errorf("after that the enrolment says it cools until %v", until)
	}
}

// coolsUntil is what the authority has signed of a device.
func coolsUntil(t *testing.T, w *authztest.World, a *authztest.Actor) (until time.Time) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx unit.Tx) error {
		d, err := w.Service.Device(tx, a.Device.ID)
		if err != nil {
			return err
		}
		e, err := statement.ParseEnrolment(d.Enrolment.Bytes)
		until = e.CoolsUntil
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return until
}

func TestSecondSignature(t *testing.T) {
	t.Parallel()
	w := authztest.NewWorld(t)
	key, err := authztest.NewAuthenticator("app.example.gov.cn", "https://app.example.gov.cn")
	if err != nil {
		t.Fatal(err)
	}
	w.Registry.Put(registryOf(authztest.Zhang))
	zhang := authztest.Zhang
	zhang.Passkey = key
	legal, err := w.Enrol(t.Context(), zhang)
	if err != nil {
		t.Fatal(err)
	}
	draft := func() *authz.Act {
		act, err := w.Service.DraftAgreement(t.Context(), legal.Caller, legal.Org, theSeals[0])
		if err != nil {
			t.Fatal(err)
		}
		return act
	}
	act := draft()
	if _, err := w.Sign(t.Context(), legal, act); err != nil {
		t.Fatalf("with both signatures: %v", err)
	}
	legal.Passkey = nil
	_, err = w.Sign(t.Context(), legal, draft())
	want(t, err, fault.SignatureHW)
	legal.Passkey, key.Count = key, 0
	_, err = w.Sign(t.Context(), legal, draft()) // counter goes back: a copy
	want(t, err, fault.SignatureHW)
}

func TestOperators(t *testing.T) {
	t.Parallel()
	w := authztest.NewWorld(t)
	code, err := w.Service.Invite(t.Context(), "", []string{authz.RoleBusiness})
	if err != nil {
		t.Fatal(err)
	}
	first := authztest.Applicant{Kind: authz.EnrolOperator, Name: "赵六", IDNumber: "110101198003074333", Phone: "13600136000", Invitation: code}
	admin, err := w.Enrol(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	first.IDNumber = "440524188001010014"
	_, err = w.Enrol(t.Context(), first)
	want(t, err, fault.CodeWrong) // used up
	_, err = w.Service.Invite(t.Context(), "", []string{authz.RoleBusiness})
	want(t, err, fault.RoleMissing) // only the first comes from nowhere
	if _, err := w.Service.Invite(t.Context(), admin.Person.ID, []string{authz.RoleClerk}); err != nil {
		t.Errorf("the administrator invites: %v", err)
	}
	_, err = w.Service.Invite(t.Context(), admin.Person.ID, []string{authz.RoleAuditor, authz.RoleClerk})
	want(t, err, fault.BadRequest) // audit stands alone
	if _, err := w.Service.Operator(t.Context(), admin.Caller, authz.RoleBusiness); err != nil {
		t.Error(err)
	}
	_, err = w.Service.Operator(t.Context(), admin.Caller, authz.RoleAuditor)
	want(t, err, fault.RoleMissing)
}

// An invitation is used up by whoever finishes with it, not by a beginning that
// came to nothing, and once.
func TestAnInvitationOutlivesAFailedBeginning(t *testing.T) {
	t.Parallel()
	w := authztest.NewWorld(t)
	code, err := w.Service.Invite(t.Context(), "", []string{authz.RoleBusiness})
	if err != nil {
		t.Fatal(err)
	}
	one := authztest.Applicant{Kind: authz.EnrolOperator, Name: "赵六", IDNumber: "110101198003074333", Phone: "13600136000", Invitation: code}
	w.Faces.Know(realperson.Identity{Name: one.Name, IDNumber: one.IDNumber})
	late := &authztest.Actor{}
	for _, key := range []**gm.PrivateKey{&late.Key, &late.RequestKey} {
		if *key, err = gm.GenerateKey(); err != nil {
			t.Fatal(err)
		}
	}
	begun, err := w.Service.BeginEnrol(t.Context(), authz.EnrolRequest{ // its answer is lost, at first
		Kind: one.Kind, Invitation: code, Applicant: authz.Applicant{Name: one.Name, IDNumber: one.IDNumber, Phone: one.Phone},
		Device: authz.NewDevice{Name: "测试手机", Tier: authz.TierW, Key: late.Key.Public().SPKI(), RequestKey: late.RequestKey.Public().SPKI()},
	})
	if err != nil {
		t.Fatal(err)
	}
	other := one
	other.Name, other.IDNumber, other.Phone = "李四", "440524188001010014", "13900139000"
	if _, err := w.Enrol(t.Context(), other); err != nil {
		t.Errorf("the second beginning: %v", err)
	}
	late.Enrolment = begun.ID
	want(t, w.Finish(t.Context(), late), fault.CodeWrong)
}

// away is a table that cannot be reached.
type away[T any] struct{ unit.Table[T] }

var errAway = errors.New("the store is away")

func (away[T]) Get(unit.Tx, string) (*T, error) { return nil, errAway }

// A store in trouble says nothing about the device: its owner must not be told
// that he is unknown, or his phone would forget who it is.
func TestTroubleIsNoRefusalOfAProof(t *testing.T) {
	t.Parallel()
	w, legal, _ := company(t)
	request := authz.Request{Method: "POST", Path: "/v1/claims", Body: gm.SM3(nil)}
	p := prove(t, legal, request, w.Service.NewNonce())
	d := w.Deps
	d.Tables.Devices = away[authz.Device]{d.Tables.Devices}
	s, err := authz.New(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Identify(t.Context(), p, request, true); !errors.Is(err, errAway) || errors.Is(err, fault.Unauthorized) {
		t.Errorf("%v", err)
	}
}
