package mobileapi

import (
	"encoding/base64"
	"strings"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
)

// ProofScheme is the authentication scheme of the Authorization header.
const ProofScheme = "Yunzhang-Device"

// NonceHeader carries the server nonce for the next request.
const NonceHeader = "Device-Nonce"

const (
	// maxProof bounds the header: 32 characters of device, 54 of nonce and at
	// most 96 of signature, with room for longer names of devices.
	maxProof = 512
	// maxProofValue bounds one value in it.
	maxProofValue = 128
)

// ParseProof reads the value of an Authorization header:
//
//	Yunzhang-Device device="dv_…", nonce="…", sig="<base64url>"
//
// The three parameters come in any order, each exactly once and in quotes, with
// nothing else beside them (a profile of RFC 9110 §11.4). Their values are
// letters, digits, "-" and "_"; there are no escapes. Everything else is
// fault.Unauthorized.
func ParseProof(header string) (authz.Proof, error) {
	if len(header) > maxProof {
		return authz.Proof{}, fault.Unauthorized.Becausef("proof is too long")
	}
	scheme, list, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, ProofScheme) {
		return authz.Proof{}, fault.Unauthorized.Becausef("no device proof")
	}
	values, ok := proofValues(list)
	if !ok {
		return authz.Proof{}, fault.Unauthorized.Becausef("proof is not of its form")
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(values["sig"])
	if err != nil {
		return authz.Proof{}, fault.Unauthorized.Becausef("signature is not base64url")
	}
	return authz.Proof{Device: values["device"], Nonce: values["nonce"], Signature: sig}, nil
}

// proofValues splits the parameters; false unless exactly the three are there.
func proofValues(list string) (map[string]string, bool) {
	parts := strings.Split(list, ",")
	values := make(map[string]string, len(parts))
	for _, part := range parts {
		name, quoted, found := strings.Cut(strings.Trim(part, " "), "=")
		value, ok := unquote(quoted)
		if _, twice := values[name]; !found || !ok || twice {
			return nil, false
		}
		values[name] = value
	}
	for _, name := range []string{"device", "nonce", "sig"} {
		if _, there := values[name]; !there {
			return nil, false
		}
	}
	return values, len(values) == 3
}

const proofLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func unquote(quoted string) (string, bool) {
	rest, opened := strings.CutPrefix(quoted, `"`)
	value, closed := strings.CutSuffix(rest, `"`)
	bare := value != "" && len(value) <= maxProofValue && strings.Trim(value, proofLetters) == ""
	return value, opened && closed && bare
}

// FormatProof writes the header that ParseProof reads.
func FormatProof(p authz.Proof) string {
	return ProofScheme + ` device="` + p.Device + `", nonce="` + p.Nonce + `", sig="` +
		base64.RawURLEncoding.EncodeToString(p.Signature) + `"`
}
