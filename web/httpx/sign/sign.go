package sign

import (
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// Tag says what the signature is for, so that it means nothing elsewhere.
const Tag = "cseal-s2s-1"

const label = "cseal"

// Signer makes signatures of one key.
type Signer interface {
	// Sign signs a signature base.
	Sign(base []byte) ([]byte, error)
}

// Params are the parameters of one signature.
type Params struct {
	KeyID   string
	Nonce   string // 22 to 64 letters, digits, "-" or "_"; fresh for each request
	Created time.Time
	Expires time.Time
}

// String writes them as they stand behind the covered components. Times are
// whole seconds.
func (p Params) String() string {
	return fmt.Sprintf(`;created=%d;expires=%d;nonce="%s";keyid="%s";tag="%s"`,
		p.Created.Unix(), p.Expires.Unix(), p.Nonce, p.KeyID, Tag)
}

// Lifetime is the usual time between Created and Expires. A server accepts 60 s
// of difference between the clocks, so more would never be used.
const Lifetime = time.Minute

// NewParams makes parameters for a request that is sent now.
func NewParams(keyID string, now time.Time) Params {
	nonce := base64.RawURLEncoding.EncodeToString(gm.Random(24))
	return Params{KeyID: keyID, Nonce: nonce, Created: now, Expires: now.Add(Lifetime)}
}

var (
	errParams  = errors.New("sign: key id or nonce has letters that are not allowed")
	errRequest = errors.New("sign: a covered part of the request is not printable ASCII")
)

// Sign gives the fields to add to the request.
func Sign(r Request, key Signer, p Params) (Headers, error) {
	if !word(p.KeyID, 1, maxKeyID) || !word(p.Nonce, minNonce, maxNonce) {
		return Headers{}, errParams
	}
	digest := ContentDigest(r.Body)
	list := r.components(digest)
	if !signable(list) {
		return Headers{}, errRequest
	}
	params := covered(list) + p.String()
	sig, err := key.Sign(base(list, params))
	if err != nil {
		return Headers{}, fmt.Errorf("sign request: %w", err)
	}
	return Headers{
		ContentDigest:  digest,
		SignatureInput: label + "=" + params,
		Signature:      label + "=" + binary(sig),
	}, nil
}

// SM2 signs with an SM2 key.
type SM2 struct{ Key *gm.PrivateKey }

// Sign gives r ‖ s, 64 bytes.
func (s SM2) Sign(base []byte) ([]byte, error) {
	der, err := s.Key.Sign(base)
	if err != nil {
		return nil, err
	}
	var v struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		return nil, fmt.Errorf("read own signature: %w", err)
	}
	raw := make([]byte, 64)
	v.R.FillBytes(raw[:32])
	v.S.FillBytes(raw[32:])
	return raw, nil
}

// SM2Key verifies for an SM2 key.
type SM2Key struct{ Key gm.PublicKey }

// Verify checks r ‖ s over a signature base.
func (k SM2Key) Verify(base, sig []byte) bool { return k.Key.VerifyRaw(base, sig) }
