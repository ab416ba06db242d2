// Package ca owns SM2 certificates: root and issuing authorities, seal and maker
// certificates (GM/T 0015, standards.md §6.1), the check of a chain at a given
// time, and revocation lists (RFC 5280).
//
//	root ─► issuing ─► seal certificate    signs stamps; CN is the seal's code
//	               └─► maker certificate   signs seals; an organization's
//
// Certificates are DER at the edges. Keys come in; where they are kept, which
// serial numbers were given out and when a list is published belongs to the
// callers. What a certificate's trouble means for a document is
// cloudseal/verify.
package ca

import (
	"errors"
	"time"
)

// Limits, and what they are for.
const (
	// MaxCRL is the size of a revocation list that is read: about 400 000 entries.
	MaxCRL = 16 << 20
	// MaxCertificate is the size of one certificate that is read.
	MaxCertificate = 64 << 10
	// MaxName is the number of characters in a name. X.520 has 64; the USCC in
	// front of an organization's name and long names of branches need more, and
	// no reader enforces it.
	MaxName = 128
)

// What can be wrong with certificates and lists.
var (
	ErrMalformed     = errors.New("ca: malformed")
	ErrProfile       = errors.New("ca: not of the profile")
	ErrUnknownIssuer = errors.New("ca: no chain to a trusted root")
	ErrPeriod        = errors.New("ca: a certificate of the chain is not valid at that time")
	ErrKeyUsage      = errors.New("ca: the certificate is not for signing")
	ErrOtherIssuer   = errors.New("ca: the list is by another issuer")
)

// Period is the validity of a certificate, both ends included, cut to the
// second.
type Period struct{ From, To time.Time }

func (p Period) utc() Period {
	return Period{p.From.UTC().Truncate(time.Second), p.To.UTC().Truncate(time.Second)}
}

func (p Period) within(outer Period) bool {
	return p.From.Before(p.To) && !p.From.Before(outer.From) && !p.To.After(outer.To)
}
