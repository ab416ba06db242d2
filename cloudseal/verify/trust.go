package verify

import (
	"time"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/status"
)

// Trust is everything a verdict stands on. The zero value trusts nobody: such a
// verdict is never genuine.
type Trust struct {
	// Chains holds the trusted roots, and authorities below them that stamps do
	// not carry; nil trusts nobody.
	Chains *ca.Trust
	// Authorities are the keys of enrolment authorities; Issuer is the host
	// name their statements carry, "" for any.
	Authorities []gm.PublicKey
	Issuer      string

	Histories   Histories   // nil: status is not checked
	Revocations Revocations // nil: revocation is not checked
	Source      Source      // nil: evidence is not checked
	Second      SecondFactor

	// Now bounds claimed times from above; zero: it does not.
	Now time.Time
}

// Histories says what state a seal was in at a time. maker is SM3 of the
// maker's certificate, because codes of different makers may be the same.
// known is false when it does not know. An error leaves the status unchecked.
type Histories interface {
	StateAt(seal string, maker gm.Digest, at time.Time) (s status.State, known bool, err error)
}

// Revocations says whether a certificate (DER) was revoked at a time, by CRL or
// OCSP. known is false when it does not know this certificate's issuer or that
// time. An error leaves the revocation unchecked.
type Revocations interface {
	Revoked(certificate []byte, at time.Time) (revoked, known bool, err error)
}

// Source gives the evidence for an approval, nil when it has none.
type Source interface {
	Evidence(approval gm.Digest) (*Statements, error)
}

// SecondFactor verifies the passkey assertion of a device that has one, as the
// signer does. Without it the second signature is taken as given: the first
// one and the enrolment prove the device.
type SecondFactor interface {
	Verify(key []byte, credential string, statement, assertion []byte) error
}
