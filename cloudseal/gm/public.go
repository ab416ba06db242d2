package gm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"errors"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const (
	pointSize  = 65 // 04 ‖ x ‖ y
	scalarSize = 32
)

// spkiHead is everything of a SubjectPublicKeyInfo before the point:
// id-ecPublicKey, the SM2 curve 1.2.156.10197.1.301, BIT STRING with no unused
// bits (GM/T 0015). An SM2 key has exactly this one encoding.
const spkiHead = "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01" +
	"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d\x03\x42\x00"

var errPublicKey = errors.New("gm: not an uncompressed SM2 public key")

// PublicKey is a point of the SM2 curve. The zero value is no key: it verifies
// nothing. Compare with Equal; == is refused by the compiler because it would
// compare addresses.
type PublicKey struct {
	_     [0]func()
	key   *ecdsa.PublicKey // shared by copies: the library caches Z and tables by this address
	point [pointSize]byte
}

// ParsePublicKey reads a DER SubjectPublicKeyInfo: the SM2 curve by name, an
// uncompressed point that lies on it, nothing behind.
func ParsePublicKey(spki []byte) (PublicKey, error) {
	point, ok := bytes.CutPrefix(spki, []byte(spkiHead))
	if !ok {
		return PublicKey{}, errPublicKey
	}
	return ParsePoint(point)
}

// ParsePoint reads the 65 bytes 04 ‖ x ‖ y and checks that they lie on the curve.
func ParsePoint(point []byte) (PublicKey, error) {
	if len(point) != pointSize || point[0] != 4 {
		return PublicKey{}, errPublicKey
	}
	key, err := sm2.NewPublicKey(point)
	if err != nil {
		return PublicKey{}, errPublicKey
	}
	return PublicKey{key: key, point: [pointSize]byte(point)}, nil
}

// PublicKeyOf gives the key of a certificate, or an error when it is not SM2.
func PublicKeyOf(cert *smx509.Certificate) (PublicKey, error) {
	key, ok := cert.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return PublicKey{}, errPublicKey
	}
	return publicKey(key)
}

func publicKey(key *ecdsa.PublicKey) (PublicKey, error) {
	if !sm2.IsSM2PublicKey(key) {
		return PublicKey{}, errPublicKey
	}
	checked, err := sm2.PublicKeyToECDH(key)
	if err != nil {
		return PublicKey{}, errPublicKey
	}
	return PublicKey{key: key, point: [pointSize]byte(checked.Bytes())}, nil
}

// IsZero reports that there is no key.
func (p PublicKey) IsZero() bool { return p.key == nil }

// SPKI gives the DER SubjectPublicKeyInfo, nil for the zero value.
func (p PublicKey) SPKI() []byte {
	if p.IsZero() {
		return nil
	}
	return append([]byte(spkiHead), p.point[:]...)
}

// Point gives 04 ‖ x ‖ y, nil for the zero value.
func (p PublicKey) Point() []byte {
	if p.IsZero() {
		return nil
	}
	return bytes.Clone(p.point[:])
}

// Crypto gives the key in the form smx509 takes, nil for the zero value. The
// result is shared: it must not be written to.
func (p PublicKey) Crypto() crypto.PublicKey {
	if p.IsZero() {
		return nil
	}
	return p.key
}

// Hash names the key: SM3 of its SPKI.
func (p PublicKey) Hash() Digest { return SM3(p.SPKI()) }

// Equal reports whether both are the same key.
func (p PublicKey) Equal(other PublicKey) bool { return p.point == other.point }

// Verify checks an SM2 signature with SM3 over message under the default user
// id (GB/T 32918.2 §7, GM/T 0009). sig is DER SEQUENCE{r, s} in its one strict
// form: no trailing byte, no long lengths, no needless zero, 1 ≤ r, s < n.
func (p PublicKey) Verify(message, sig []byte) bool {
	if p.IsZero() || len(message) == 0 {
		return false
	}
	return sm2.VerifyASN1WithSM2(p.key, nil, message, sig)
}

// VerifyRaw is Verify for the 64 bytes r ‖ s, which HTTP message signatures and
// some makers of seals use.
func (p PublicKey) VerifyRaw(message, rs []byte) bool {
	sig, ok := derOf(rs)
	return ok && p.Verify(message, sig)
}

// derOf gives r ‖ s in DER.
func derOf(rs []byte) ([]byte, bool) {
	if len(rs) != 2*scalarSize {
		return nil, false
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addUnsigned(b, rs[:scalarSize])
		addUnsigned(b, rs[scalarSize:])
	})
	sig, err := b.Bytes()
	return sig, err == nil
}

// addUnsigned writes big-endian bytes as a positive INTEGER.
func addUnsigned(b *cryptobyte.Builder, v []byte) {
	v = bytes.TrimLeft(v, "\x00")
	b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) {
		if len(v) == 0 || v[0]&0x80 != 0 {
			b.AddUint8(0)
		}
		b.AddBytes(v)
	})
}
