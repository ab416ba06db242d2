package mobileapi

import (
	"yunzhang.dev/authz"
	"yunzhang.dev/web/httpx/deviceproof"
)

const (
	// ProofScheme is the authentication scheme of the Authorization header.
	ProofScheme = deviceproof.Scheme
	// NonceHeader carries the server nonce for the next request.
	NonceHeader = deviceproof.NonceHeader

	proofLetters = deviceproof.Letters
)

// ParseProof reads the value of an Authorization header in the one form that
// deviceproof gives; everything else is fault.Unauthorized.
func ParseProof(header string) (authz.Proof, error) {
	p, err := deviceproof.Parse(header)
	return authz.Proof(p), err
}

// FormatProof writes the header that ParseProof reads.
func FormatProof(p authz.Proof) string { return deviceproof.Format(deviceproof.Proof(p)) }
