// Package deviceproof owns the form of the Authorization header by which a
// device proves its requests, for phones (mobileapi) and operators
// (web/console) alike:
//
//	Authorization: Yunzhang-Device device="dv_…", nonce="…", sig="<base64url>"
//
// What is signed, and whether the signature is good, is authz's matter; a Proof
// converts to an authz.Proof.
package deviceproof

import (
	"encoding/base64"
	"strings"

	"yunzhang.dev/authz/fault"
)

const (
	// Scheme is the authentication scheme.
	Scheme = "Yunzhang-Device"
	// NonceHeader carries, in every answer, the server nonce for the next request.
	NonceHeader = "Device-Nonce"
	// Letters are those of the values.
	Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

const (
	// maxHeader bounds the header: 32 characters of device, 54 of nonce and at
	// most 96 of signature, with room for longer names of devices.
	maxHeader = 512
	// maxValue bounds one value in it.
	maxValue = 128
)

// Proof is what the header says.
type Proof struct {
	Device    string
	Nonce     string
	Signature []byte
}

// Parse reads the header's value. The three parameters come in any order, each
// exactly once and in quotes, with nothing else beside them (a profile of RFC
// 9110 §11.4); there are no escapes. Everything else is fault.Unauthorized.
func Parse(header string) (Proof, error) {
	if len(header) > maxHeader {
		return Proof{}, fault.Unauthorized.Becausef("proof is too long")
	}
	scheme, list, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, Scheme) {
		return Proof{}, fault.Unauthorized.Becausef("no device proof")
	}
	values, ok := parameters(list)
	if !ok {
		return Proof{}, fault.Unauthorized.Becausef("proof is not of its form")
	}
	sig, err := base64.RawURLEncoding.Strict().DecodeString(values["sig"])
	if err != nil {
		return Proof{}, fault.Unauthorized.Becausef("signature is not base64url")
	}
	return Proof{Device: values["device"], Nonce: values["nonce"], Signature: sig}, nil
}

// parameters splits the list; false unless exactly the three are there.
func parameters(list string) (map[string]string, bool) {
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

func unquote(quoted string) (string, bool) {
	rest, opened := strings.CutPrefix(quoted, `"`)
	value, closed := strings.CutSuffix(rest, `"`)
	bare := value != "" && len(value) <= maxValue && strings.Trim(value, Letters) == ""
	return value, opened && closed && bare
}

// Format writes the value that Parse reads.
func Format(p Proof) string {
	return Scheme + ` device="` + p.Device + `", nonce="` + p.Nonce + `", sig="` +
		base64.RawURLEncoding.EncodeToString(p.Signature) + `"`
}
