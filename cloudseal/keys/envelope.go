package keys

import (
	"encoding/binary"
	"encoding/hex"
	"errors"

	"yunzhang.dev/cloudseal/gm"
)

// A seal key lies in two envelopes (protocol.md §2.16): d under a DEK of its
// own, the DEK under the KEK. Both are bound to owner, seal, version and
// public key, so that an envelope in another row does not open. A DEK wraps
// one value in its life, which keeps GCM far from its nonce bound.

var (
	errKEK      = errors.New("keys: the key was wrapped under another key-encryption key")
	errEnvelope = errors.New("keys: the envelope does not open")
	errMismatch = errors.New("keys: the opened key is not the one of the certificate")
)

// kekID names a KEK without telling anything about it.
func kekID(kek []byte) string {
	return hex.EncodeToString(gm.Derive(kek, "cseal-kek-id/1")[:8])
}

// wrap puts the key into k's envelopes.
func (s *Signer) wrap(k *Key, key *gm.PrivateKey) (err error) {
	dek := gm.Random(gm.SealKeySize)
	defer clear(dek)
	d := key.Scalar()
	defer clear(d)
	if k.Scalar, err = gm.Seal(dek, d, k.place("cseal-key/1")); err != nil {
		return err
	}
	k.KEK = s.kekID
	k.DEK, err = gm.Seal(s.kek, dek, k.place("cseal-dek/1"))
	return err
}

// unwrap opens the key and checks that it is the one k names: d·G equals the
// public key of the row, which Certify compared with the certificate's. The
// caller destroys it.
func (s *Signer) unwrap(k *Key) (*gm.PrivateKey, error) {
	if k.KEK != s.kekID {
		return nil, errKEK
	}
	dek, err := gm.Open(s.kek, k.DEK, k.place("cseal-dek/1"))
	if err != nil {
		return nil, errEnvelope
	}
	defer clear(dek)
	d, err := gm.Open(dek, k.Scalar, k.place("cseal-key/1"))
	if err != nil {
		return nil, errEnvelope
	}
	defer clear(d)
	key, err := gm.PrivateKeyFromScalar(d)
	if err != nil {
		return nil, errEnvelope
	}
	want, err := certificateKey(k.Certificate)
	if err != nil || !want.Equal(key.Public()) {
		key.Destroy()
		return nil, errMismatch
	}
	return key, nil
}

// place is the additional data of an envelope, each part behind its length.
func (k *Key) place(label string) []byte {
	public := gm.SM3(k.Public)
	var aad []byte
	for _, part := range [][]byte{[]byte(label), []byte(k.Org), []byte(k.Seal), number(k.Version), public[:]} {
		aad = binary.BigEndian.AppendUint32(aad, uint32(len(part)))
		aad = append(aad, part...)
	}
	return aad
}
