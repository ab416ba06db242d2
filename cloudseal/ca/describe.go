package ca

import (
	"encoding/hex"
	"fmt"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/gm"
)

// Facts is what a certificate says, for records and for people. It says nothing
// about whether it is true: see Trust.
type Facts struct {
	Serial       string // lower-case hexadecimal, no leading zeros beyond a byte
	CommonName   string
	Organization string
	// USCC and Name are the two halves of Organization where it has the form of
	// national seal certificates; otherwise USCC is empty and Name all of it.
	USCC, Name string
	Issuer     string // the issuer's distinguished name
	Period     Period
	Key        gm.PublicKey
	Hash       gm.Digest // SM3 of the certificate
}

// Describe reads a certificate with an SM2 key.
func Describe(certificate []byte) (Facts, error) {
	cert, err := parse(certificate)
	if err != nil {
		return Facts{}, err
	}
	key, err := gm.PublicKeyOf(cert)
	if err != nil {
		return Facts{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	f := Facts{
		Serial:       serialText(cert),
		CommonName:   cert.Subject.CommonName,
		Organization: first(cert.Subject.Organization),
		Issuer:       cert.Issuer.String(),
		Period:       Period{cert.NotBefore.UTC(), cert.NotAfter.UTC()},
		Key:          key,
		Hash:         gm.SM3(certificate),
	}
	f.USCC, f.Name = splitOrganization(f.Organization)
	return f, nil
}

func splitOrganization(o string) (uscc, name string) {
	if len(o) > uscLength && usccShaped(o[:uscLength]) {
		return o[:uscLength], o[uscLength:]
	}
	return "", o
}

func serialText(cert *smx509.Certificate) string {
	return hex.EncodeToString(cert.SerialNumber.Bytes())
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}
