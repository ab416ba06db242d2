// Package passkey checks the second key of a device: WebAuthn credentials with
// user verification, behind go-webauthn. The challenge is always derived from
// the bytes that the SM2 key signs too, so that both signatures cover the same
// statement. It keeps nothing; counters are the caller's.
package passkey

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
)

// maxResponse bounds what a browser may send: an assertion is about 1 KiB, a
// registration without attestation about 2.
const maxResponse = 16 << 10

// Checker verifies responses made for one relying party.
type Checker struct {
	// RPID is the relying party: the host name of the app.
	RPID string
	// Origins are the exact web origins of the app.
	Origins []string
}

// Challenge is what the authenticator signs for a statement (protocol.md §2.6):
// SM3("cseal-webauthn/1" ‖ 0x00 ‖ statement).
func Challenge(statement []byte) []byte {
	d := gm.SM3([]byte("cseal-webauthn/1\x00"), statement)
	return d[:]
}

// EnrolChallenge is the challenge of a registration: it ties the new credential
// to the two keys of its device.
func EnrolChallenge(key, requestKey []byte) []byte {
	a, b := gm.SM3(key), gm.SM3(requestKey)
	d := gm.SM3([]byte("cseal-webauthn-enrol/1\x00"), a[:], b[:])
	return d[:]
}

// Register checks a registration response (the JSON of PublicKeyCredential) and
// gives the credential. No attestation is asked: tier W makes no promise about
// hardware.
func (c Checker) Register(key, requestKey, response []byte) (authz.Passkey, error) {
	if len(response) > maxResponse {
		return authz.Passkey{}, fault.SignatureHW
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return authz.Passkey{}, fault.SignatureHW.Because(err)
	}
	es256 := []protocol.CredentialParameter{{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256}}
	_, err = parsed.Verify(encode(EnrolChallenge(key, requestKey)), c.RPID, c.Origins, nil, nil,
		protocol.TopOriginDefaultVerificationMode, false, true, true, nil, es256,
		protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	if err != nil {
		return authz.Passkey{}, fault.SignatureHW.Because(err)
	}
	auth := parsed.Response.AttestationObject.AuthData
	return authz.Passkey{Credential: encode(auth.AttData.CredentialID), Key: auth.AttData.CredentialPublicKey, Count: auth.Counter}, nil
}

// Assert checks an assertion over a statement and gives the authenticator's
// counter: type, exact origin, relying party, user present and verified, not
// cross-origin, and the signature by the enrolled key.
func (c Checker) Assert(key authz.Passkey, statement, assertion []byte) (uint32, error) {
	if len(assertion) > maxResponse {
		return 0, fault.SignatureHW
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(assertion)
	if err != nil {
		return 0, fault.SignatureHW.Because(err)
	}
	if subtle.ConstantTimeCompare([]byte(encode(parsed.RawID)), []byte(key.Credential)) != 1 {
		return 0, fault.SignatureHW.Because(errors.New("another credential"))
	}
	err = parsed.Verify(encode(Challenge(statement)), c.RPID, "", c.Origins, nil, nil,
		protocol.TopOriginDefaultVerificationMode, false, true, true, key.Key, protocol.SignaturePolicy{})
	if err != nil {
		return 0, fault.SignatureHW.Because(err)
	}
	return parsed.Response.AuthenticatorData.Counter, nil
}

// Verify is Assert for the signer, which knows credentials by enrolment
// statements and keeps no counters.
func (c Checker) Verify(key []byte, credential string, statement, assertion []byte) error {
	_, err := c.Assert(authz.Passkey{Credential: credential, Key: key}, statement, assertion)
	return err
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
