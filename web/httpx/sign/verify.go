package sign

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
)

// Key is a registered public key with its one algorithm.
type Key interface {
	Verify(base, sig []byte) bool
}

// Keys finds keys by their id.
type Keys interface {
	// Key gives the key that may sign now; fault.Unauthorized when there is none or
	// it is withdrawn, and the caller of Verify never learns which. Any other error is
	// trouble of its own: a client whose key is good must not be told that it is bad.
	Key(ctx context.Context, keyID string) (Key, error)
}

// Nonces remembers what was used.
type Nonces interface {
	// Spend records the nonce of a key, durably and for all nodes, at least until
	// the given time; fault.Unauthorized when it is recorded already, any other error
	// is trouble of its own. Of several callers at once one succeeds.
	Spend(ctx context.Context, keyID, nonce string, until time.Time) error
}

const (
	// MaxSkew is how far created may lie from now, in both directions.
	MaxSkew = 60 * time.Second
	// MaxLifetime bounds expires − created: a signature that lives longer is a
	// mistake of its maker.
	MaxLifetime = 5 * time.Minute
	// NonceMemory is how long a nonce is remembered; it must exceed 2 × MaxSkew.
	NonceMemory = 10 * time.Minute
)

// Verifier checks requests.
type Verifier struct {
	Keys   Keys
	Nonces Nonces
	Now    func() time.Time
}

// Nonce is the right to act once on a signature that was checked.
type Nonce struct {
	KeyID, Value string
	Until        time.Time // it must be remembered until then
}

// Verify gives the id of the key that signed the request, or
// fault.Unauthorized. The nonce is spent last, so that only the owner of a key
// can spend one.
func (v Verifier) Verify(ctx context.Context, r Request, h Headers) (keyID string, err error) {
	n, err := v.Check(ctx, r, h)
	if err != nil {
		return "", err
	}
	if err := v.Nonces.Spend(ctx, n.KeyID, n.Value, n.Until); err != nil {
		return "", fmt.Errorf("sign: nonce: %w", err)
	}
	return n.KeyID, nil
}

// Check is Verify for a caller that spends the nonce himself, in the transaction
// by which he begins to act. Until it is spent the request may be a replay.
func (v Verifier) Check(ctx context.Context, r Request, h Headers) (Nonce, error) {
	p, signed, sig, err := v.read(r, h)
	if err != nil {
		return Nonce{}, fault.Unauthorized.Because(err)
	}
	key, err := v.Keys.Key(ctx, p.KeyID)
	if err != nil {
		return Nonce{}, fmt.Errorf("sign: key: %w", err)
	}
	if !key.Verify(signed, sig) {
		return Nonce{}, fault.Unauthorized.Becausef("sign: signature does not verify")
	}
	return Nonce{p.KeyID, p.Nonce, v.Now().Add(NonceMemory)}, nil
}

// read gives what is claimed to be signed, and everything that can be told
// without a key.
func (v Verifier) read(r Request, h Headers) (p Params, signed, sig []byte, err error) {
	if err := checkDigest(h.ContentDigest, r); err != nil {
		return p, nil, nil, err
	}
	list := r.components(h.ContentDigest)
	if !signable(list) {
		return p, nil, nil, errRequest
	}
	text, p, err := readInput(h.SignatureInput, covered(list))
	if err != nil {
		return p, nil, nil, err
	}
	if err := v.checkTimes(p); err != nil {
		return p, nil, nil, err
	}
	sig, err = readSignature(h.Signature)
	return p, base(list, text), sig, err
}

// readInput reads the parameters of our label. text is what the signer wrote
// behind the label; list is what he must have covered.
func readInput(field, list string) (text string, p Params, err error) {
	all, err := members(field)
	if err != nil {
		return "", p, err
	}
	text = all[label]
	behind, ok := strings.CutPrefix(text, list)
	if !ok {
		return "", p, errors.New("sign: covered components are not the required ones")
	}
	ints, strs, err := parameters(behind)
	if err != nil {
		return "", p, err
	}
	if len(ints) != 2 || len(strs) != 3 || !known(ints, "created") || !known(ints, "expires") || strs["tag"] != Tag {
		return "", p, errors.New("sign: parameters are not created, expires, nonce, keyid and our tag")
	}
	p = Params{
		KeyID: strs["keyid"], Nonce: strs["nonce"],
		Created: time.Unix(ints["created"], 0), Expires: time.Unix(ints["expires"], 0),
	}
	if !word(p.KeyID, 1, maxKeyID) || !word(p.Nonce, minNonce, maxNonce) {
		return "", p, errParams
	}
	return text, p, nil
}

func (v Verifier) checkTimes(p Params) error {
	now := v.Now()
	skew := now.Sub(p.Created)
	switch {
	case skew > MaxSkew || skew < -MaxSkew:
		return errors.New("sign: created is too far from now")
	case !now.Before(p.Expires):
		return errors.New("sign: expired")
	case !p.Created.Before(p.Expires) || p.Expires.Sub(p.Created) > MaxLifetime:
		return errors.New("sign: lifetime out of bounds")
	default:
		return nil
	}
}

func readSignature(field string) ([]byte, error) {
	all, err := members(field)
	if err != nil {
		return nil, err
	}
	return byteSequence(all[label])
}

// checkDigest wants both digests of the body: partners without SM3 have SHA-256,
// assessors want SM3, and a request that carries both satisfies each.
func checkDigest(field string, r Request) error {
	all, err := members(field)
	if err != nil {
		return err
	}
	sha, sm := sha256.Sum256(r.Body), r.BodySM3
	if sm.IsZero() {
		sm = gm.SM3(r.Body)
	}
	for name, want := range map[string][]byte{"sha-256": sha[:], "sm3": sm[:]} {
		got, err := byteSequence(all[name])
		if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
			return fmt.Errorf("sign: content-digest: %s missing or not of this body", name)
		}
	}
	return nil
}
