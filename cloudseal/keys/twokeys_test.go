package keys_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	"yunzhang.dev/authz/passkey"
	"yunzhang.dev/authz/passkey/softkey"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/keys"
)

// AT-020, the signer's part: an approval to log in is evidence for nothing, as it
// is or with "stamp" written over its second line.
func TestAT020ApprovalToLogInSignsNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	login := s.approval("tk_1", jobs)
	login.Purpose, login.Account, login.Docs, login.Limits = statement.Login, "zhang", nil, nil
	login.DocsRoot = statement.Approval{}.DocsRoot
	ev := s.evidence("tk_1", jobs)
	ev.Approval = s.agent.SignApproval(t, login)
	s.refused(ev, jobs, "signer-refused")
	ev.Approval.Bytes = bytes.Replace(ev.Approval.Bytes, []byte("purpose: login"), []byte("purpose: stamp"), 1)
	s.refused(ev, jobs, "statement")
	// And with the documents written into it, so that it is a statement.
	good := s.evidence("tk_1", jobs)
	good.Approval.Sig = s.agent.SignApproval(t, login).Sig
	s.refused(good, jobs, "signature")
}

// withPasskey enrols a device of the agent that has a passkey.
func (s *stage) withPasskey(id string) (cloudsealtest.Device, *softkey.Authenticator) {
	s.t.Helper()
	a, err := softkey.New(checker.RPID, checker.Origins[0])
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := a.Register(passkey.EnrolChallenge(nil, nil))
	if err != nil {
		s.t.Fatal(err)
	}
	credential, err := checker.Register(nil, nil, response)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.pki.Enrol(s.t, s.agent.Person, func(e *statement.Enrolment) {
		e.ID, e.Passkey, e.PasskeyKey = id, base64.RawURLEncoding.EncodeToString(a.Credential), credential.Key
	}), a
}

var checker = passkey.Checker{RPID: "app.example.gov.cn", Origins: []string{"https://app.example.gov.cn"}}

// AT-047, the signer's part: both signatures are over the very statement and both
// devices are the agent's, but they are two.
func TestAT047SignerWantsOneDevice(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(d *keys.Deps) { d.Second = checker })
	one, first := s.withPasskey("es_one")
	two, second := s.withPasskey("es_two")
	jobs := s.jobs(1)
	s.agent = one
	good := s.evidence("tk_1", jobs)
	assert := func(a *softkey.Authenticator) []byte {
		b, err := a.Assert(passkey.Challenge(good.Approval.Bytes))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	mixed := good
	mixed.Second = assert(second)
	s.refused(mixed, jobs, "signature-hw")
	mixed.Enrolment = two.Enrolment // who signs with the second key signs with the first
	s.refused(mixed, jobs, "device-unknown")
	mixed = good
	mixed.Second, mixed.Approval.Sig = assert(first), two.Sign(t, good.Approval.Bytes).Sig
	s.refused(mixed, jobs, "signature")
	good.Second = assert(first)
	s.sign(good, jobs)
}
