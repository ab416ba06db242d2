package ca

import (
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/gm"
)

// Chain is a verified path in DER: the end certificate first, the root last.
type Chain [][]byte

// Trust is a set of roots and of authorities below them, read once and used for
// many checks, by any number of goroutines.
type Trust struct {
	roots, intermediates *smx509.CertPool
}

// NewTrust reads roots and intermediate authorities. All must have SM2 keys: a
// chain is as good as its weakest signature.
func NewTrust(intermediates, roots [][]byte) (*Trust, error) {
	r, err := pool(roots)
	if err != nil {
		return nil, fmt.Errorf("roots: %w", err)
	}
	i, err := pool(intermediates)
	if err != nil {
		return nil, fmt.Errorf("intermediates: %w", err)
	}
	return &Trust{roots: r, intermediates: i}, nil
}

func pool(list [][]byte) (*smx509.CertPool, error) {
	p := smx509.NewCertPool()
	for _, der := range list {
		cert, err := parse(der)
		if err != nil {
			return nil, err
		}
		if _, err := gm.PublicKeyOf(cert); err != nil || !cert.IsCA {
			return nil, fmt.Errorf("%w: not an SM2 authority", ErrProfile)
		}
		p.AddCert(cert)
	}
	return p, nil
}

// Verify checks that certificate is one for signing and that a chain leads from
// it to a root with every certificate valid at that time (GB/T 38540 §6.3, RFC
// 5280 §6): signatures, names, constraints, authorities' key usage. Extended
// key usage is left alone: seal certificates have none or any. Revocation is not
// looked at: see CRL.
//
// Errors: ErrMalformed, ErrKeyUsage, ErrPeriod, ErrUnknownIssuer.
func (t *Trust) Verify(certificate []byte, at time.Time) (Chain, error) {
	cert, err := parse(certificate)
	if err != nil {
		return nil, err
	}
	if _, err := gm.PublicKeyOf(cert); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !forSigning(cert) {
		return nil, ErrKeyUsage
	}
	if at.IsZero() { // the library would take the clock's time
		return nil, ErrPeriod
	}
	chains, err := cert.Verify(smx509.VerifyOptions{
		Roots: t.roots, Intermediates: t.intermediates, CurrentTime: at,
		KeyUsages: []smx509.ExtKeyUsage{smx509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, classify(err)
	}
	var chain Chain
	for _, c := range chains[0] {
		chain = append(chain, c.Raw)
	}
	return chain, nil
}

// Verify is one check without a Trust kept.
func Verify(certificate []byte, intermediates, roots [][]byte, at time.Time) (Chain, error) {
	t, err := NewTrust(intermediates, roots)
	if err != nil {
		return nil, err
	}
	return t.Verify(certificate, at)
}

// forSigning wants digitalSignature or nonRepudiation said, and no authority.
func forSigning(cert *smx509.Certificate) bool {
	const wanted = smx509.KeyUsageDigitalSignature | smx509.KeyUsageContentCommitment
	return cert.KeyUsage&wanted != 0 && !cert.IsCA
}

func classify(err error) error {
	var invalid smx509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == smx509.Expired {
		return fmt.Errorf("%w: %w", ErrPeriod, err)
	}
	return fmt.Errorf("%w: %w", ErrUnknownIssuer, err)
}
