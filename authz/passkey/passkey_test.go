package passkey_test

import (
	"testing"

	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/passkey"
)

const (
	rpid   = "app.example.gov.cn"
	origin = "https://app.example.gov.cn"
)

func checker() passkey.Checker { return passkey.Checker{RPID: rpid, Origins: []string{origin}} }

func authenticator(t *testing.T) *authztest.Authenticator {
	t.Helper()
	a, err := authztest.NewAuthenticator(rpid, origin)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAssertionCoversTheStatement(t *testing.T) {
	t.Parallel()
	a := authenticator(t)
	response, err := a.Register(passkey.EnrolChallenge([]byte("key"), []byte("request key")))
	if err != nil {
		t.Fatal(err)
	}
	key, err := checker().Register([]byte("key"), []byte("request key"), response)
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := a.Assert(passkey.Challenge([]byte("statement")))
	if err != nil {
		t.Fatal(err)
	}
	count, err := checker().Assert(key, []byte("statement"), assertion)
	if err != nil || count != 1 {
		t.Fatalf("Assert: %d, %v", count, err)
	}
	if _, err := checker().Assert(key, []byte("another statement"), assertion); fault.CodeOf(err) != "signature-hw" {
		t.Errorf("over another statement: %v", err)
	}
	if err := checker().Verify(key.Key, key.Credential, []byte("statement"), assertion); err != nil {
		t.Errorf("Verify: %v", err)
	}
}

func TestAssertionRefused(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name string
		bad  func(*authztest.Authenticator)
	}{
		{"user not verified", func(a *authztest.Authenticator) { a.UserVerified = false }},
		{"another origin", func(a *authztest.Authenticator) { a.Origin = "https://app.example.gov.cn.evil.example" }},
		{"another relying party", func(a *authztest.Authenticator) { a.RPID = "evil.example" }},
		{"cross-origin frame", func(a *authztest.Authenticator) { a.CrossOrigin = true }},
		{"another credential", func(a *authztest.Authenticator) { a.Credential = append([]byte{1}, a.Credential[1:]...) }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			a := authenticator(t)
			a.Credential[0] = 0
			response, err := a.Register(passkey.EnrolChallenge(nil, nil))
			if err != nil {
				t.Fatal(err)
			}
			key, err := checker().Register(nil, nil, response)
			if err != nil {
				t.Fatal(err)
			}
			row.bad(a)
			assertion, err := a.Assert(passkey.Challenge([]byte("s")))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := checker().Assert(key, []byte("s"), assertion); fault.CodeOf(err) != "signature-hw" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRegistrationBelongsToItsDevice(t *testing.T) {
	t.Parallel()
	a := authenticator(t)
	response, err := a.Register(passkey.EnrolChallenge([]byte("key"), []byte("request key")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checker().Register([]byte("another key"), []byte("request key"), response); fault.CodeOf(err) != "signature-hw" {
		t.Errorf("for another device: %v", err)
	}
}

func FuzzResponses(f *testing.F) {
	f.Add([]byte(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := checker()
		if _, err := c.Register(nil, nil, b); err == nil {
			t.Error("registered")
		}
		if _, err := c.Assert(authzKey, nil, b); err == nil {
			t.Error("accepted")
		}
	})
}
