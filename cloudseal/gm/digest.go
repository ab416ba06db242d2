package gm

import (
	"crypto/hmac"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/emmansun/gmsm/sm3"
)

// Digest is an SM3 value. It is comparable and may be a map key; where it
// stands for a secret, compare with Equal.
type Digest [sm3.Size]byte

var errDigest = errors.New("gm: a digest is 64 lower-case hexadecimal characters")

// SM3 hashes the parts as if they were one string of bytes (GB/T 32905). Callers
// that need the borders of the parts to count must put lengths between them.
func SM3(parts ...[]byte) Digest {
	return sumOf(sm3.New(), parts)
}

// NewSM3 starts a running hash. Sum does not disturb its state: one pass can
// give the digest of a prefix and then that of the whole.
func NewSM3() hash.Hash { return sm3.New() }

// HMAC is HMAC-SM3 (GB/T 15852.2, RFC 2104) over the parts as one string.
func HMAC(key []byte, parts ...[]byte) Digest {
	return sumOf(hmac.New(sm3.New, key), parts)
}

func sumOf(h hash.Hash, parts [][]byte) (d Digest) {
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(d[:0])
	return d
}

// ParseDigest reads 64 lower-case hexadecimal characters and nothing else: one
// digest has one spelling, so that texts holding it can be compared as bytes.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	if len(s) != 2*len(d) {
		return Digest{}, errDigest
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil || d.Hex() != s {
		return Digest{}, errDigest
	}
	return d, nil
}

// Hex gives 64 lower-case characters.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// String is Hex.
func (d Digest) String() string { return d.Hex() }

// Format prints Hex under every verb: %x would otherwise print the hexadecimal
// form of String.
func (d Digest) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.Hex()) }

// IsZero reports the zero value, which stands for "none": no known input hashes
// to it.
func (d Digest) IsZero() bool { return d == Digest{} }

// Equal compares in constant time.
func (d Digest) Equal(other Digest) bool {
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

// MarshalText gives Hex, for JSON and configuration.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.Hex()), nil }

// UnmarshalText is ParseDigest.
func (d *Digest) UnmarshalText(text []byte) error {
	parsed, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = parsed
	return nil
}
