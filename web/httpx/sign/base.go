package sign

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"yunzhang.dev/cloudseal/gm"
)

// component is one covered part: its name and its line in the signature base.
type component struct{ name, value string }

// components lists what is covered, in order (RFC 9421 §2).
func (r Request) components(digest string) []component {
	list := []component{
		{"@method", r.Method},
		{"@authority", r.authority()},
		{"@path", r.path()},
		{"@query", "?" + r.Query},
		{"content-digest", digest},
	}
	if r.ContentType != "" {
		list = append(list, component{"content-type", r.ContentType})
	}
	if r.IdempotencyKey != "" {
		list = append(list, component{"idempotency-key", r.IdempotencyKey})
	}
	return list
}

// authority is lower case and without the default port (RFC 9421 §2.2.3).
func (r Request) authority() string {
	port := ":80"
	if r.TLS {
		port = ":443"
	}
	return strings.TrimSuffix(strings.ToLower(r.Authority), port)
}

// path of nothing is "/" (RFC 9421 §2.2.6).
func (r Request) path() string {
	if r.Path == "" {
		return "/"
	}
	return r.Path
}

// covered writes the inner list of names.
func covered(list []component) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = `"` + c.name + `"`
	}
	return "(" + strings.Join(names, " ") + ")"
}

// base is the text that is signed (RFC 9421 §2.5): a line for each component and
// the parameters last, no line end behind them.
func base(list []component, params string) []byte {
	var b strings.Builder
	for _, c := range list {
		b.WriteString(`"` + c.name + `": ` + c.value + "\n")
	}
	b.WriteString(`"@signature-params": ` + params)
	return []byte(b.String())
}

// signable reports whether every component fits on its line. A line end inside a
// value would let one request be read as another.
func signable(list []component) bool {
	for _, c := range list {
		for i := range len(c.value) {
			if c.value[i] < 0x20 || c.value[i] > 0x7e {
				return false
			}
		}
	}
	return true
}

// ContentDigest gives the value of the field for a body: SHA-256 as registered
// for RFC 9530, and SM3 by agreement.
func ContentDigest(body []byte) string {
	sha, sm := sha256.Sum256(body), gm.SM3(body)
	return "sha-256=" + binary(sha[:]) + ", sm3=" + binary(sm[:])
}

func binary(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }
