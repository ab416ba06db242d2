package gm

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"

	"github.com/emmansun/gmsm/sm4"
	"golang.org/x/crypto/cryptobyte"
)

// Sizes of SM4-GCM (GB/T 32907, GB/T 36624): key, nonce in front, tag behind.
const (
	SealKeySize  = 16
	SealOverhead = nonceSize + tagSize

	nonceSize = 12
	tagSize   = 16
)

var (
	errSealKey = errors.New("gm: an SM4 key has 16 bytes")
	errOpen    = errors.New("gm: cannot open the sealed value")
)

// Sealer is an SM4 key that is ready for several values.
type Sealer struct{ gcm cipher.AEAD }

// NewSealer prepares a key of SealKeySize bytes.
func NewSealer(key []byte) (*Sealer, error) {
	if len(key) != SealKeySize {
		return nil, errSealKey
	}
	block, err := sm4.NewCipher(key)
	if err != nil {
		return nil, errSealKey
	}
	gcm, err := cipher.NewGCM(block)
	return &Sealer{gcm}, err
}

// Seal is Sealer.Seal for one value.
func Seal(key, plaintext, aad []byte) ([]byte, error) {
	s, err := NewSealer(key)
	if err != nil {
		return nil, err
	}
	return s.Seal(plaintext, aad)
}

// Open is Sealer.Open for one value.
func Open(key, sealed, aad []byte) ([]byte, error) {
	s, err := NewSealer(key)
	if err != nil {
		return nil, err
	}
	return s.Open(sealed, aad)
}

// Seal encrypts and authenticates with SM4-GCM. The answer is nonce ‖
// ciphertext ‖ tag with a random 96-bit nonce: one key must not seal more than
// 2³² values (NIST SP 800-38D §8.3), so long-lived keys wrap keys, not traffic.
// aad binds the value to its place (collection, id, field) and is not stored.
func (s *Sealer) Seal(plaintext, aad []byte) ([]byte, error) {
	out := make([]byte, nonceSize, SealOverhead+len(plaintext))
	if _, err := rand.Read(out); err != nil {
		return nil, err
	}
	return s.gcm.Seal(out, out, plaintext, aad), nil
}

// Open undoes Seal. Wrong key, wrong place and altered bytes give the same
// error, which says no more than that.
func (s *Sealer) Open(sealed, aad []byte) ([]byte, error) { return s.open(nil, sealed, aad) }

// OpenInPlace is Open for large values: the answer lies in the memory of the
// sealed value, which is lost, also when it does not open.
func (s *Sealer) OpenInPlace(sealed, aad []byte) ([]byte, error) {
	if len(sealed) < SealOverhead {
		return nil, errOpen
	}
	return s.open(sealed[nonceSize:nonceSize], sealed, aad)
}

// open appends what is sealed to dst.
func (s *Sealer) open(dst, sealed, aad []byte) ([]byte, error) {
	if len(sealed) < SealOverhead {
		return nil, errOpen
	}
	plaintext, err := s.gcm.Open(dst, sealed[:nonceSize], sealed[nonceSize:], aad)
	if err != nil {
		return nil, errOpen
	}
	return plaintext, nil
}

// Derive makes 32 bytes for one named use of a key: HMAC-SM3(key, label ‖ 0x00 ‖
// parts), each part behind its length in four big-endian bytes, so that no two
// lists of parts give the same input. Labels are constants without zero bytes.
func Derive(key []byte, label string, parts ...[]byte) []byte {
	input := append([]byte(label), 0)
	for _, p := range parts {
		input = binary.BigEndian.AppendUint32(input, uint32(len(p)))
		input = append(input, p...)
	}
	d := HMAC(key, input)
	return d[:]
}

// Random gives n bytes of the system's randomness. It panics when there is
// none: nothing in this system may go on without.
func Random(n int) []byte {
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		panic("gm: the system has no randomness: " + err.Error())
	}
	return b
}

// wholeElement reports that der is exactly one DER element.
func wholeElement(der []byte) bool {
	in := cryptobyte.String(der)
	var element cryptobyte.String
	return in.ReadAnyASN1Element(&element, nil) && in.Empty()
}
