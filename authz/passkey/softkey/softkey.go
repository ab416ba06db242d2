// Package softkey is a WebAuthn authenticator in software: the second key of the
// sandbox's command-line phone, and what tests break a check with. It promises
// nothing about hardware or about who touches it.
package softkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Authenticator is a software WebAuthn authenticator with one ES256 credential.
// Its fields may be changed between calls to make it misbehave.
type Authenticator struct {
	RPID, Origin string
	Credential   []byte
	Count        uint32
	UserVerified bool
	CrossOrigin  bool

	key *ecdsa.PrivateKey
}

// New makes one for a relying party and origin.
func New(rpid, origin string) (*Authenticator, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	id := make([]byte, 32)
	if _, err := rand.Read(id); err != nil {
		return nil, err
	}
	return &Authenticator{RPID: rpid, Origin: origin, Credential: id, UserVerified: true, key: key}, nil
}

// Register answers navigator.credentials.create: the JSON of a
// PublicKeyCredential with attestation "none".
func (a *Authenticator) Register(challenge []byte) ([]byte, error) {
	cose, err := a.cose()
	if err != nil {
		return nil, err
	}
	auth := a.authData(0x40) // attested credential data included
	auth = append(auth, make([]byte, 16)...)
	auth = binary.BigEndian.AppendUint16(auth, uint16(len(a.Credential)))
	auth = append(append(auth, a.Credential...), cose...)
	object, err := webauthncbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": auth})
	if err != nil {
		return nil, err
	}
	return a.credential(map[string]string{
		"clientDataJSON": b64(a.clientData("webauthn.create", challenge)), "attestationObject": b64(object),
	})
}

// Assert answers navigator.credentials.get and counts.
func (a *Authenticator) Assert(challenge []byte) ([]byte, error) {
	a.Count++
	client, auth := a.clientData("webauthn.get", challenge), a.authData(0)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(append([]byte(nil), auth...), hash[:]...))
	sig, err := ecdsa.SignASN1(rand.Reader, a.key, signed[:])
	if err != nil {
		return nil, err
	}
	return a.credential(map[string]string{
		"clientDataJSON": b64(client), "authenticatorData": b64(auth), "signature": b64(sig),
	})
}

// kept is an authenticator in a file.
type kept struct {
	RPID       string `json:"rp_id"`
	Origin     string `json:"origin"`
	Credential []byte `json:"credential"`
	Key        []byte `json:"key"` // PKCS #8
	Count      uint32 `json:"count"`
}

// Bytes gives the authenticator, its private key included, for a file that only
// its owner reads.
func (a *Authenticator) Bytes() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, err
	}
	return json.Marshal(kept{a.RPID, a.Origin, a.Credential, key, a.Count})
}

// Parse reads what Bytes gave.
func Parse(b []byte) (*Authenticator, error) {
	var k kept
	if err := json.Unmarshal(b, &k); err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(k.Key)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || len(k.Credential) == 0 {
		return nil, errors.New("softkey: not a passkey")
	}
	return &Authenticator{RPID: k.RPID, Origin: k.Origin, Credential: k.Credential, Count: k.Count, UserVerified: true, key: key}, nil
}

func (a *Authenticator) clientData(kind string, challenge []byte) []byte {
	b, err := json.Marshal(map[string]any{
		"type": kind, "challenge": b64(challenge), "origin": a.Origin, "crossOrigin": a.CrossOrigin,
	})
	if err != nil {
		panic(err) // strings and a bool always marshal
	}
	return b
}

func (a *Authenticator) authData(flags byte) []byte {
	flags |= 0x01 // user present
	if a.UserVerified {
		flags |= 0x04
	}
	rp := sha256.Sum256([]byte(a.RPID))
	return binary.BigEndian.AppendUint32(append(rp[:], flags), a.Count)
}

func (a *Authenticator) cose() ([]byte, error) {
	public, err := a.key.PublicKey.Bytes()
	if err != nil {
		return nil, err
	}
	return webauthncbor.Marshal(webauthncose.EC2PublicKeyData{
		PublicKeyData: webauthncose.PublicKeyData{KeyType: int64(webauthncose.EllipticKey), Algorithm: int64(webauthncose.AlgES256)},
		Curve:         int64(webauthncose.P256), XCoord: public[1:33], YCoord: public[33:],
	})
}

func (a *Authenticator) credential(response map[string]string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"id": b64(a.Credential), "rawId": b64(a.Credential), "type": "public-key", "response": response,
	})
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
