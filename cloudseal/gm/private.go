package gm

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

const redacted = "[redacted]"

var (
	errPrivateKey = errors.New("gm: not an SM2 private key")
	errDestroyed  = errors.New("gm: the private key was destroyed")
	errMessage    = errors.New("gm: nothing to sign")
	errNotMessage = errors.New("gm: this signer takes the message with SM2 options, never a digest")
)

// PrivateKey is an SM2 key pair. It signs messages; it never signs what it is
// given as a digest, and it prints [redacted] whatever it is asked.
type PrivateKey struct {
	key    *sm2.PrivateKey
	public PublicKey
}

// GenerateKey makes a key pair from the system's randomness.
func GenerateKey() (*PrivateKey, error) {
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("gm: generate key: %w", err)
	}
	return privateKey(key)
}

// ParsePrivateKey reads DER PKCS #8 (RFC 5208) holding an SM2 key, and nothing
// behind it.
func ParsePrivateKey(pkcs8 []byte) (*PrivateKey, error) {
	if !wholeElement(pkcs8) {
		return nil, errPrivateKey
	}
	parsed, err := smx509.ParsePKCS8PrivateKey(pkcs8)
	if err != nil {
		return nil, errPrivateKey // the cause could quote the key's bytes
	}
	key, ok := parsed.(*sm2.PrivateKey)
	if !ok {
		return nil, errPrivateKey
	}
	return privateKey(key)
}

// PrivateKeyFromScalar takes the 32 bytes of d, 1 ≤ d ≤ n-2.
func PrivateKeyFromScalar(d []byte) (*PrivateKey, error) {
	if len(d) != scalarSize {
		return nil, errPrivateKey
	}
	key, err := sm2.NewPrivateKey(d)
	if err != nil {
		return nil, errPrivateKey
	}
	return privateKey(key)
}

func privateKey(key *sm2.PrivateKey) (*PrivateKey, error) {
	public, err := publicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &PrivateKey{key: key, public: public}, nil
}

// PKCS8 gives the key as DER PKCS #8, nil after Destroy. The result is secret.
func (k *PrivateKey) PKCS8() []byte {
	if k.destroyed() {
		return nil
	}
	der, err := smx509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil // cannot happen for a key on the SM2 curve
	}
	return der
}

// Scalar gives the 32 bytes of d, nil after Destroy. The result is secret.
func (k *PrivateKey) Scalar() []byte {
	if k.destroyed() {
		return nil
	}
	return k.key.D.FillBytes(make([]byte, scalarSize))
}

// Public gives the public half; it stays available after Destroy.
func (k *PrivateKey) Public() PublicKey { return k.public }

// Sign signs the message itself (Z ‖ message goes through SM3 inside) with the
// default user id and fresh randomness, and gives strict DER. An empty message
// is refused: no part of this system signs nothing.
func (k *PrivateKey) Sign(message []byte) ([]byte, error) {
	if k.destroyed() {
		return nil, errDestroyed
	}
	if len(message) == 0 {
		return nil, errMessage
	}
	sig, err := k.key.Sign(rand.Reader, message, sm2.DefaultSM2SignerOpts)
	if err != nil {
		return nil, fmt.Errorf("gm: sign: %w", err)
	}
	return sig, nil
}

// Signer lends the key to smx509, which asks for a crypto.Signer. What such a
// signer is called with is the message; a call in the manner of other
// algorithms, with a hash named in the options or with none, is refused,
// because the library would take the digest as it is and the result would
// verify nowhere.
func (k *PrivateKey) Signer() crypto.Signer { return signer{k} }

type signer struct{ key *PrivateKey }

func (s signer) Public() crypto.PublicKey { return s.key.public.Crypto() }

func (s signer) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, ok := opts.(*sm2.SM2SignerOption); !ok {
		return nil, errNotMessage
	}
	return s.key.Sign(message)
}

// Destroy overwrites d and makes the key useless. The library keeps a copy of
// its own until the garbage collector takes it: Destroy shortens the life of a
// secret, it is no proof of its absence from memory.
func (k *PrivateKey) Destroy() {
	if k.destroyed() {
		return
	}
	clear(k.key.D.Bits())
	k.key.D.SetInt64(0)
}

func (k *PrivateKey) destroyed() bool {
	return k == nil || k.key == nil || k.key.D.Sign() == 0
}

// String prints [redacted], as Format, GoString, LogValue and MarshalText do.
func (PrivateKey) String() string { return redacted }

// GoString covers %#v.
func (PrivateKey) GoString() string { return redacted }

// Format covers every verb.
func (PrivateKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue covers log/slog.
func (PrivateKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText covers JSON and its relatives: a key leaves only through PKCS8
// and Scalar.
func (PrivateKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// String covers the signer, which holds a key.
func (signer) String() string { return redacted }

// Format covers every verb.
func (signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue covers log/slog.
func (signer) LogValue() slog.Value { return slog.StringValue(redacted) }

// Equal reports whether both hold the same key, by their public halves.
func (k *PrivateKey) Equal(other *PrivateKey) bool {
	return k != nil && other != nil && bytes.Equal(k.public.point[:], other.public.point[:])
}
