package ses

import (
	"bytes"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"yunzhang.dev/cloudseal/gm"
)

var (
	oidPublicKey  = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidCurve      = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}
	oidSM2WithSM3 = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 501}
	oidSM2Sign    = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301, 1}
)

// KeyOf gives the SM2 key of a certificate by walking TBSCertificate (RFC 5280
// §4.1) as far as the key and looking at nothing else. Certificates with
// forbidden characters in a name are in use, certificate libraries refuse them,
// and a signature under one is no less a signature; whether the certificate is
// to be trusted is another question.
func KeyOf(certificate []byte) (gm.PublicKey, error) {
	in := cryptobyte.String(certificate)
	var cert, tbs, spki cryptobyte.String
	ok := len(certificate) <= MaxCertificate &&
		in.ReadASN1(&cert, tags.SEQUENCE) && in.Empty() &&
		cert.ReadASN1(&tbs, tags.SEQUENCE) &&
		tbs.SkipOptionalASN1(tagExplicit0) && // version
		tbs.SkipASN1(tags.INTEGER) && // serial number
		tbs.SkipASN1(tags.SEQUENCE) && // signature algorithm, parameters NULL or absent
		tbs.SkipASN1(tags.SEQUENCE) && // issuer
		tbs.SkipASN1(tags.SEQUENCE) && // validity
		tbs.SkipASN1(tags.SEQUENCE) && // subject
		tbs.ReadASN1(&spki, tags.SEQUENCE)
	if !ok {
		return gm.PublicKey{}, ErrCertificate
	}
	return keyOfSPKI(spki)
}

// keyOfSPKI reads the content of a SubjectPublicKeyInfo. The curve stands in the
// parameters or, with some old makers, in the place of the algorithm.
func keyOfSPKI(spki cryptobyte.String) (gm.PublicKey, error) {
	var algorithm cryptobyte.String
	var name, curve asn1.ObjectIdentifier
	var point []byte
	if !spki.ReadASN1(&algorithm, tags.SEQUENCE) ||
		!algorithm.ReadASN1ObjectIdentifier(&name) ||
		!spki.ReadASN1BitStringAsBytes(&point) || !spki.Empty() {
		return gm.PublicKey{}, ErrCertificate
	}
	named := name.Equal(oidCurve) ||
		name.Equal(oidPublicKey) && algorithm.ReadASN1ObjectIdentifier(&curve) && curve.Equal(oidCurve)
	if !named {
		return gm.PublicKey{}, ErrCertificate
	}
	key, err := gm.ParsePoint(point)
	if err != nil {
		return gm.PublicKey{}, ErrCertificate
	}
	return key, nil
}

// checkValue verifies a signature value as it comes in the world.
func checkValue(certificate []byte, algorithm asn1.ObjectIdentifier, message, value []byte) error {
	if !algorithm.Equal(oidSM2WithSM3) && !algorithm.Equal(oidSM2Sign) {
		return ErrAlgorithm
	}
	key, err := KeyOf(certificate)
	if err != nil {
		return err
	}
	if key.Verify(message, value) || key.VerifyRaw(message, value) || key.VerifyRaw(message, unsigned(value)) {
		return nil
	}
	return ErrSignature
}

// unsigned gives r ‖ s of a SEQUENCE whose INTEGERs lack the leading zero that
// keeps them positive, which some makers forget; nil for anything else.
func unsigned(value []byte) []byte {
	in := cryptobyte.String(value)
	var pair, r, s cryptobyte.String
	if !in.ReadASN1(&pair, tags.SEQUENCE) || !in.Empty() ||
		!pair.ReadASN1(&r, tags.INTEGER) || !pair.ReadASN1(&s, tags.INTEGER) || !pair.Empty() {
		return nil
	}
	out := make([]byte, 64)
	if !fill(out[:32], r) || !fill(out[32:], s) {
		return nil
	}
	return out
}

func fill(out, integer []byte) bool {
	integer = bytes.TrimLeft(integer, "\x00")
	if len(integer) > len(out) {
		return false
	}
	copy(out[len(out)-len(integer):], integer)
	return true
}
