package authz

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Nonce is a server nonce that was used, kept until it would be too old
// anyway.
type Nonce struct {
	unit.Row `bson:",inline"`
	Expires  time.Time `bson:"expires"`
}

// Caller is who makes a phone request, as proved by its device.
type Caller struct {
	Person Person
	Device Device
	From   netip.Addr // where the request came from; not valid when nobody knows
}

// Proof is the one proof a phone request carries: canonical lines over the
// request, signed by the device's request key.
type Proof struct {
	Device    string
	Nonce     string // from NewNonce
	Signature []byte // SM2, DER, over ProofLines
}

// Request is what a proof covers.
type Request struct {
	Method      string
	Path        string // with the query, as sent
	Body        gm.Digest
	Idempotency string // Idempotency-Key, "" when there is none
}

// ProofLines are the bytes a device signs for a request.
func ProofLines(r Request, device, nonce string) []byte {
	return fmt.Appendf(nil, "yunzhang-request/1\nmethod: %s\npath: %s\nbody: %s\nidempotency: %s\ndevice: %s\nnonce: %s\n",
		r.Method, r.Path, r.Body.Hex(), r.Idempotency, device, nonce)
}

const nonceMAC = 16 // bytes of the MAC kept: forging needs 2^128 online tries

// NewNonce makes a server nonce: time, randomness and a MAC. Nothing is stored
// until it is used.
func (s *Service) NewNonce() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.now().UnixMilli()))
	b = append(b, gm.Random(16)...)
	return base64.RawURLEncoding.EncodeToString(append(b, s.nonceTag(b)...))
}

func (s *Service) nonceTag(b []byte) []byte {
	tag := gm.HMAC(s.nonceKey, []byte("yunzhang-nonce/1\x00"), b)
	return tag[:nonceMAC]
}

// nonceTime checks a nonce and gives when it was made.
func (s *Service) nonceTime(nonce string) (time.Time, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != 8+16+nonceMAC {
		return time.Time{}, fault.NonceRequired
	}
	if !hmac.Equal(b[24:], s.nonceTag(b[:24])) {
		return time.Time{}, fault.NonceRequired
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))), nil
}

// Identify checks a proof and says who is calling. A nonce is good for
// NonceLife; what changes something must use it up: here with burn, or by Burn.
func (s *Service) Identify(ctx context.Context, p Proof, r Request, burn bool) (Caller, error) {
	made, err := s.nonceTime(p.Nonce)
	if err != nil {
		return Caller{}, err
	}
	if age := s.now().Sub(made); age > s.limits.NonceLife || age < -s.limits.NonceLife {
		return Caller{}, fault.NonceRequired
	}
	var who Caller
	err = s.work.View(ctx, func(tx unit.Tx) error {
		var f Facts
		err := s.identify(tx, &f, p.Device)
		if errors.Is(err, fault.DeviceUnknown) {
			return fault.Unauthorized.Because(err)
		}
		if err != nil {
			return err // a store in trouble says nothing about the device
		}
		who = Caller{Person: f.Person, Device: f.Device}
		return nil
	})
	if err != nil {
		return Caller{}, err
	}
	if err := s.checkProof(who.Device, p, r); err != nil {
		return Caller{}, err
	}
	if !burn {
		return who, nil
	}
	return who, s.work.Update(ctx, func(tx unit.Tx) error { return s.Burn(tx, p) })
}

func (s *Service) checkProof(d Device, p Proof, r Request) error {
	key, err := gm.ParsePublicKey(d.RequestKey)
	if err != nil {
		return fmt.Errorf("request key of device %s: %w", d.ID, err)
	}
	if !key.Verify(ProofLines(r, p.Device, p.Nonce), p.Signature) {
		return fault.Unauthorized
	}
	return d.standing()
}

// Burn uses up the nonce of a proof that Identify checked without burn, in the
// transaction by which its request begins to act; fault.NonceRequired when it
// was used before.
func (s *Service) Burn(tx unit.Tx, p Proof) error {
	made, err := s.nonceTime(p.Nonce)
	if err != nil {
		return err
	}
	return takenAs(s.t.Nonces.Insert(tx, &Nonce{
		Row: unit.Row{ID: gm.SM3([]byte(p.Nonce)).Hex()}, Expires: made.Add(2 * s.limits.NonceLife),
	}), fault.NonceRequired)
}
