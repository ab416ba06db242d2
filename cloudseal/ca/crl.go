package ca

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/gm"
)

// Reason is why a certificate was revoked (RFC 5280 §5.3.1).
type Reason int

// The reasons that are used. Hold is the only one that can be taken back.
const (
	Unspecified        Reason = 0
	KeyCompromise      Reason = 1
	CACompromise       Reason = 2
	AffiliationChanged Reason = 3
	Superseded         Reason = 4
	Cessation          Reason = 5
	Hold               Reason = 6
	PrivilegeWithdrawn Reason = 9
)

// Revoked is one entry of a list.
type Revoked struct {
	Serial string    // lower-case hexadecimal, as in Facts
	At     time.Time // from when the certificate is not to be relied on, UTC
	Reason Reason
}

// CRLSpec is what a revocation list is made of.
type CRLSpec struct {
	Number     int64 // grows with every list of an issuer
	ThisUpdate time.Time
	NextUpdate time.Time // by when the next one appears
	Entries    []Revoked
}

// CreateCRL signs a version 2 list of everything that is revoked (RFC 5280 §5).
func (i *Issuer) CreateCRL(spec CRLSpec) ([]byte, error) {
	if spec.Number < 1 || !spec.ThisUpdate.Before(spec.NextUpdate) {
		return nil, fmt.Errorf("%w: number or times of the list", ErrProfile)
	}
	template := &smx509.RevocationList{
		Number:     big.NewInt(spec.Number),
		ThisUpdate: spec.ThisUpdate.UTC().Truncate(time.Second),
		NextUpdate: spec.NextUpdate.UTC().Truncate(time.Second),
	}
	for _, e := range spec.Entries {
		serial, err := hex.DecodeString(e.Serial)
		if err != nil || len(serial) == 0 {
			return nil, fmt.Errorf("%w: serial of an entry", ErrProfile)
		}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, smx509.RevocationListEntry{
			SerialNumber: new(big.Int).SetBytes(serial), RevocationTime: e.At.UTC().Truncate(time.Second), ReasonCode: int(e.Reason),
		})
	}
	der, err := smx509.CreateRevocationList(rand.Reader, template, i.cert, i.key.Signer())
	if err != nil {
		return nil, fmt.Errorf("ca: create list: %w", err)
	}
	if _, err := ParseCRL(der, i.cert.Raw); err != nil {
		return nil, fmt.Errorf("ca: the new list: %w", err)
	}
	return der, nil
}

// CRL is a revocation list whose signature was verified.
type CRL struct {
	Number     *big.Int // nil when the list has none
	ThisUpdate time.Time
	NextUpdate time.Time // zero when the list does not say

	issuer  []byte // raw name
	entries map[string]Revoked
}

// ParseCRL reads a list and verifies it under its issuer's certificate. Lists
// that speak for only some certificates (critical extensions: partial, delta,
// indirect) are refused, since silence in them would mean nothing.
//
// Errors: ErrMalformed, ErrOtherIssuer.
func ParseCRL(der, issuer []byte) (*CRL, error) {
	if len(der) > MaxCRL {
		return nil, fmt.Errorf("%w: list of %d bytes", ErrMalformed, len(der))
	}
	parent, err := parse(issuer)
	if err != nil {
		return nil, err
	}
	list, err := smx509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("%w: list: %w", ErrMalformed, err)
	}
	if len(list.Raw) != len(der) {
		return nil, fmt.Errorf("%w: bytes after the list", ErrMalformed)
	}
	if err := signedBy(list, parent); err != nil {
		return nil, err
	}
	return readCRL(list)
}

func signedBy(list *smx509.RevocationList, issuer *smx509.Certificate) error {
	key, err := gm.PublicKeyOf(issuer)
	switch {
	case err != nil:
		return fmt.Errorf("%w: issuer: %w", ErrMalformed, err)
	case !bytes.Equal(list.RawIssuer, issuer.RawSubject),
		!issuer.IsCA || issuer.KeyUsage&smx509.KeyUsageCRLSign == 0,
		!key.Verify(list.RawTBSRevocationList, list.Signature):
		return ErrOtherIssuer
	}
	return nil
}

func readCRL(list *smx509.RevocationList) (*CRL, error) {
	if critical(list.Extensions) {
		return nil, fmt.Errorf("%w: list with a critical extension", ErrMalformed)
	}
	c := &CRL{
		Number: list.Number, ThisUpdate: list.ThisUpdate.UTC(), NextUpdate: list.NextUpdate.UTC(),
		issuer: list.RawIssuer, entries: make(map[string]Revoked, len(list.RevokedCertificateEntries)),
	}
	for _, e := range list.RevokedCertificateEntries {
		if critical(e.Extensions) {
			return nil, fmt.Errorf("%w: entry with a critical extension", ErrMalformed)
		}
		serial := hex.EncodeToString(e.SerialNumber.Bytes())
		c.entries[serial] = Revoked{Serial: serial, At: e.RevocationTime.UTC(), Reason: Reason(e.ReasonCode)}
	}
	return c, nil
}

func critical(list []pkix.Extension) bool {
	for _, e := range list {
		if e.Critical {
			return true
		}
	}
	return false
}

// Lookup says whether and since when a certificate is revoked. A certificate of
// another issuer gives ErrOtherIssuer: the list knows nothing of it.
func (c *CRL) Lookup(certificate []byte) (Revoked, bool, error) {
	cert, err := parse(certificate)
	if err != nil {
		return Revoked{}, false, err
	}
	if !bytes.Equal(cert.RawIssuer, c.issuer) {
		return Revoked{}, false, ErrOtherIssuer
	}
	e, found := c.entries[serialText(cert)]
	return e, found, nil
}

// Current reports that the list was published by then and that the next one was
// not yet due.
func (c *CRL) Current(at time.Time) bool {
	return !at.Before(c.ThisUpdate) && (c.NextUpdate.IsZero() || !at.After(c.NextUpdate))
}

// Len is the number of entries.
func (c *CRL) Len() int { return len(c.entries) }
