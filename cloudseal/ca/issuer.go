package ca

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"fmt"
	"math/big"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/gm"
)

// Name is the subject of an authority.
type Name struct{ Organization, CommonName string }

// Points are the addresses at which an authority publishes, written into every
// certificate that it issues; empty ones are left out.
type Points struct {
	CRL  string // revocation list
	OCSP string // status service
}

// Issuer is an authority: a certificate and its key.
type Issuer struct {
	// Publish may be set before the first use.
	Publish Points

	cert *smx509.Certificate
	key  *gm.PrivateKey
}

// NewRoot makes a self-signed root. Below it stands one level of issuing
// authorities.
func NewRoot(key *gm.PrivateKey, name Name, p Period) (*Issuer, error) {
	template, err := authority(name, p.utc(), 1)
	if err != nil {
		return nil, err
	}
	cert, err := create(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &Issuer{cert: cert, key: key}, nil
}

// NewIssuing makes an authority below root that issues end certificates only.
func NewIssuing(root *Issuer, key *gm.PrivateKey, name Name, p Period) (*Issuer, error) {
	template, err := authority(name, p.utc(), 0)
	if err != nil {
		return nil, err
	}
	cert, err := root.issue(template, key.Public())
	if err != nil {
		return nil, err
	}
	return &Issuer{cert: cert, key: key}, nil
}

// OpenIssuer takes up an authority made before; the key must be the
// certificate's.
func OpenIssuer(certificate []byte, key *gm.PrivateKey) (*Issuer, error) {
	cert, err := parse(certificate)
	if err != nil {
		return nil, err
	}
	public, err := gm.PublicKeyOf(cert)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !public.Equal(key.Public()) || !cert.IsCA {
		return nil, fmt.Errorf("%w: certificate and key are not one authority", ErrProfile)
	}
	return &Issuer{cert: cert, key: key}, nil
}

// Certificate gives the authority's own certificate.
func (i *Issuer) Certificate() []byte { return i.cert.Raw }

func (i *Issuer) period() Period { return Period{i.cert.NotBefore, i.cert.NotAfter} }

// issue signs a template. A certificate that outlives its issuer could not be
// verified in its last days, so it is refused.
func (i *Issuer) issue(template *smx509.Certificate, key gm.PublicKey) (*smx509.Certificate, error) {
	if p := (Period{template.NotBefore, template.NotAfter}); !p.within(i.period()) {
		return nil, fmt.Errorf("%w: period outside the issuer's", ErrProfile)
	}
	if i.Publish.CRL != "" {
		template.CRLDistributionPoints = []string{i.Publish.CRL}
	}
	if i.Publish.OCSP != "" {
		template.OCSPServer = []string{i.Publish.OCSP}
	}
	return create(template, i.cert, key, i.key)
}

// create signs, reads the result back and verifies it under the parent, so that
// a fault while signing never leaves the house.
func create(template, parent *smx509.Certificate, key gm.PublicKey, by *gm.PrivateKey) (*smx509.Certificate, error) {
	if key.IsZero() {
		return nil, fmt.Errorf("%w: no key", ErrProfile)
	}
	template.SerialNumber = serial()
	template.SubjectKeyId = keyID(key)
	der, err := smx509.CreateCertificate(rand.Reader, template, parent, key.Crypto(), by.Signer())
	if err != nil {
		return nil, fmt.Errorf("ca: create certificate: %w", err)
	}
	cert, err := parse(der)
	if err != nil {
		return nil, err
	}
	if !by.Public().Verify(cert.RawTBSCertificate, cert.Signature) {
		return nil, fmt.Errorf("ca: the new certificate does not verify")
	}
	return cert, nil
}

// serial gives 126 random bits behind a fixed one: positive, unlike any other,
// and of one length (RFC 5280 §4.1.2.2 allows up to 20 octets).
func serial() *big.Int {
	b := gm.Random(16)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

// keyID is the key identifier: the first 160 bits of SM3 over the point, after
// RFC 7093 §2 method 1.
func keyID(key gm.PublicKey) []byte {
	d := gm.SM3(key.Point())
	return d[:20]
}

func authority(name Name, p Period, pathLen int) (*smx509.Certificate, error) {
	if err := checkNames(name.Organization, name.CommonName); err != nil {
		return nil, err
	}
	if !p.From.Before(p.To) {
		return nil, fmt.Errorf("%w: period", ErrProfile)
	}
	return &smx509.Certificate{
		Subject:               subject(name.Organization, name.CommonName),
		NotBefore:             p.From,
		NotAfter:              p.To,
		KeyUsage:              smx509.KeyUsageCertSign | smx509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            pathLen,
		MaxPathLenZero:        pathLen == 0,
	}, nil
}

func subject(organization, commonName string) pkix.Name {
	return pkix.Name{Country: []string{"CN"}, Organization: []string{organization}, CommonName: commonName}
}

// parse reads exactly one certificate.
func parse(der []byte) (*smx509.Certificate, error) {
	if len(der) > MaxCertificate {
		return nil, fmt.Errorf("%w: certificate of %d bytes", ErrMalformed, len(der))
	}
	cert, err := smx509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrMalformed, err)
	}
	return cert, nil
}
