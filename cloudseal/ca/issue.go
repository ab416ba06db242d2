package ca

import (
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/gm"
)

// Sizes of the two numbers that stand in subjects.
const (
	uscLength  = 18 // unified social credit code, GB 32100
	codeLength = 14 // seal code: division and serial (standards.md §5.1)
)

// SealSubject is whose seal a certificate is for.
type SealSubject struct {
	Code string // 14 digits of the seal
	USCC string // 18 characters of the organization
	Name string // the organization's name
}

// IssueSealCertificate issues the certificate that signs stamps with one seal:
// CN is the seal's code and O the USCC immediately followed by the name, as
// national seal certificates have it; critical key usage digitalSignature and
// nonRepudiation; not an authority (standards.md §6.1).
func (i *Issuer) IssueSealCertificate(s SealSubject, key gm.PublicKey, p Period) ([]byte, error) {
	if !digits(s.Code, codeLength) {
		return nil, fmt.Errorf("%w: a seal code has %d digits", ErrProfile, codeLength)
	}
	return i.issueSigning(s.USCC, s.Name, s.Code, key, p)
}

// MakerSubject is the organization that runs a system of its own: seal making
// (制章者), status publishing and the like.
type MakerSubject struct {
	USCC   string
	Name   string // the organization's name
	System string // the system's name, the subject's CN
}

// IssueMaker issues the organization certificate under which a making system
// signs seals. The standard wants the maker to be an organization.
func (i *Issuer) IssueMaker(s MakerSubject, key gm.PublicKey, p Period) ([]byte, error) {
	return i.issueSigning(s.USCC, s.Name, s.System, key, p)
}

func (i *Issuer) issueSigning(uscc, name, commonName string, key gm.PublicKey, p Period) ([]byte, error) {
	if !usccShaped(uscc) {
		return nil, fmt.Errorf("%w: USCC", ErrProfile)
	}
	if err := checkNames(name, uscc+name, commonName); err != nil {
		return nil, err
	}
	p = p.utc()
	cert, err := i.issue(&smx509.Certificate{
		Subject:               subject(uscc+name, commonName),
		NotBefore:             p.From,
		NotAfter:              p.To,
		KeyUsage:              smx509.KeyUsageDigitalSignature | smx509.KeyUsageContentCommitment,
		BasicConstraintsValid: true,
	}, key)
	if err != nil {
		return nil, err
	}
	return cert.Raw, nil
}

// usccShaped looks at length and alphabet. Whether the number is right was
// decided by who identified the organization.
func usccShaped(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return len(s) == uscLength
}

func digits(s string, n int) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(s) == n
}

// checkNames refuses empty and overlong names and those with characters that
// could make one look like another.
func checkNames(names ...string) error {
	for _, s := range names {
		n := utf8.RuneCountInString(s)
		if n == 0 || n > MaxName || !utf8.ValidString(s) {
			return fmt.Errorf("%w: name of %d characters", ErrProfile, n)
		}
		for _, c := range s {
			if !unicode.IsPrint(c) {
				return fmt.Errorf("%w: character %U in a name", ErrProfile, c)
			}
		}
	}
	return nil
}
