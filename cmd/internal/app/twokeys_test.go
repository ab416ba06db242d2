package app_test

import (
	"net/url"
	"path/filepath"
	"testing"

	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/passkey"
	"yunzhang.dev/authz/passkey/softkey"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// badKey is the passkey of a phone, as its owner's enemy would have it answer.
type badKey struct {
	*softkey.Authenticator
	assert func(challenge []byte) ([]byte, error) // nil: as it should
}

func (k *badKey) Assert(challenge []byte) ([]byte, error) {
	if k.assert != nil {
		return k.assert(challenge)
	}
	return k.Authenticator.Assert(challenge)
}

// twoKeyed enrols a further phone of the agent, which has a passkey, and
// releases it on his first one.
func (p *party) twoKeyed(t *testing.T, name string) (*client.Phone, *badKey) {
	t.Helper()
	site, err := url.Parse(p.Config.Sites.App)
	check(t, err)
	soft, err := softkey.New(site.Hostname(), p.Config.Sites.App)
	check(t, err)
	key := &badKey{Authenticator: soft}
	phone, err := client.New(client.Config{
		Server: p.Config.Sites.App, Issuer: p.Config.Sites.Issuer, QRBase: p.Config.Sites.Verify + "/q",
		Dir: filepath.Join(p.Dir, name), HTTP: p.Net.Client(), Passkey: key,
	})
	check(t, err)
	who := drive.Agent()
	e, err := phone.BeginEnrol(t.Context(), client.Applicant{
		Kind: "device", Name: who.Name, IDNumber: who.IDNumber, Phone: who.Phone, DeviceName: name,
	})
	check(t, err)
	_, err = e.Finish(t.Context(), client.Codes{Phone: p.Code(who.Phone, string(notify.PhoneCode)), PIN: drive.PIN})
	check(t, err)
	devices, err := p.agent.Devices(t.Context())
	check(t, err)
	for _, d := range devices {
		if d.DeviceID == phone.Device() {
			draft, err := p.agent.DraftDeviceApproval(t.Context(), d)
			_, err = drive.Sign(t.Context(), p.agent, draft, err)
			check(t, err)
		}
	}
	return phone, key
}

// AT-039: a device that has a passkey signs with both keys or not at all: an
// assertion cannot be left out, nor be one without user verification, of another
// place, over something else, or of a counter that stands still.
func TestAT039SecondSignatureIsNoChoice(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	phone, key := p.twoKeyed(t, "two-keyed")
	r, doc := p.ask(t, p.system, "two")
	scan, err := drive.Claim(t.Context(), phone, r)
	check(t, err)
	check(t, phone.Look(t.Context(), scan))
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := phone.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	with := func(change func(a *softkey.Authenticator)) func([]byte) ([]byte, error) {
		return func(challenge []byte) ([]byte, error) {
			a := *key.Authenticator
			change(&a)
			return a.Assert(challenge)
		}
	}
	for name, assert := range map[string]func([]byte) ([]byte, error){
		"left out":            func([]byte) ([]byte, error) { return nil, nil },
		"no user":             with(func(a *softkey.Authenticator) { a.UserVerified = false }),
		"another origin":      with(func(a *softkey.Authenticator) { a.Origin = "http://app.localhost.evil.example" }),
		"another party":       with(func(a *softkey.Authenticator) { a.RPID = "localhost" }),
		"in a foreign frame":  with(func(a *softkey.Authenticator) { a.CrossOrigin = true }),
		"over something else": func([]byte) ([]byte, error) { return key.Authenticator.Assert(passkey.Challenge([]byte("x"))) },
		"no assertion":        func([]byte) ([]byte, error) { return []byte(`{"id":"x"}`), nil },
	} {
		key.assert = assert
		_, err = u.Approve(t.Context(), scan, number)
		t.Logf("%s: %v", name, err)
		wantCode(t, err, "signature-hw")
		p.untouched(t, p.system, doc, 5)
	}
	key.assert = nil
	_, err = u.Approve(t.Context(), scan, number)
	check(t, err)
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	p.provedByBoth(t, r, doc)
	// A copy of the key counts from where it was copied.
	r, _ = p.ask(t, p.system, "copy")
	scan, err = drive.Claim(t.Context(), phone, r)
	check(t, err)
	key.assert = with(func(a *softkey.Authenticator) { a.Count-- })
	wantCode(t, p.approveNow(t, phone, r, scan), "signature-hw")
	key.assert = nil
	check(t, p.approveNow(t, phone, r, scan))
}

// provedByBoth verifies offline that both signatures stand behind a stamp.
func (p *party) provedByBoth(t *testing.T, r *drive.Request, doc string) {
	t.Helper()
	stamped, err := p.system.Stamped(t.Context(), doc)
	check(t, err)
	data, err := p.system.Evidence(t.Context(), r.Ticket)
	check(t, err)
	for name, spoil := range map[string]func(s *verify.Statements){
		"": func(*verify.Statements) {}, "left out": func(s *verify.Statements) { s.Second = nil },
		"another": func(s *verify.Statements) { s.Second[len(s.Second)/2] ^= 1 },
	} {
		b, err := verify.ParseBundle(data)
		check(t, err)
		for hash, s := range b.Approvals {
			spoil(&s)
			b.Approvals[hash] = s
		}
		trust, err := b.Trust()
		check(t, err)
		trust.Second = passkey.Checker{RPID: b.Passkeys.RPID, Origins: b.Passkeys.Origins}
		report := verify.Document(stamped, trust)
		want := map[bool]verify.Verdict{true: verify.Genuine, false: verify.Invalid}[name == ""]
		if report.Verdict != want || len(report.Stamps) != 1 {
			t.Errorf("second signature %q: %s", name, report.Verdict)
		}
	}
}

// AT-047: the SM2 signature of one device and the passkey of another, both the
// agent's own and both over the very statement.
func TestAT047TwoSignaturesOfOneDevice(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	one, first := p.twoKeyed(t, "one")
	_, second := p.twoKeyed(t, "two")
	r, doc := p.ask(t, p.system, "two")
	scan, err := drive.Claim(t.Context(), one, r)
	check(t, err)
	first.assert = second.Assert
	err = p.approveNow(t, one, r, scan)
	t.Log(err)
	wantCode(t, err, "signature-hw")
	// The other way round: a device without a passkey cannot lend another's.
	p.untouched(t, p.system, doc, 5)
	first.assert = nil
	check(t, p.approveNow(t, one, r, scan))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}
