package ses

import (
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"yunzhang.dev/cloudseal/gm"
)

// written is the version that is written (GB/T 38540-2020).
const written = 4

// maxName bounds what goes into names and codes that we write.
const maxName = 256

// SealSpec is what a seal is made of. Times are cut to the second, the
// resolution of GeneralizedTime.
type SealSpec struct {
	Vendor string // ASCII
	Code   string // ASCII, the 14 digits
	Type   int
	Name   string
	// Signers are the DER certificates that may sign with the seal; they are
	// listed whole (certListType 1), so that the seal alone tells who they are.
	Signers   [][]byte
	Created   time.Time
	ValidFrom time.Time
	ValidTo   time.Time
	Picture   Picture
	Exts      []Ext
}

// SealInfo builds SES_SealInfo, the message that the maker signs.
func SealInfo(spec SealSpec) ([]byte, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, spec.add)
	})
}

func (spec *SealSpec) add(b *cryptobyte.Builder) {
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		addText(b, tags.IA5String, "ES")
		b.AddASN1Int64(written)
		addText(b, tags.IA5String, spec.Vendor)
	})
	addText(b, tags.IA5String, spec.Code)
	b.AddASN1(tags.SEQUENCE, spec.addProperty)
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		addText(b, tags.IA5String, spec.Picture.Type)
		b.AddASN1OctetString(spec.Picture.Data)
		b.AddASN1Int64(int64(spec.Picture.Width))
		b.AddASN1Int64(int64(spec.Picture.Height))
	})
	if len(spec.Exts) > 0 {
		addExtensions(b, spec.Exts)
	}
}

func (spec *SealSpec) addProperty(b *cryptobyte.Builder) {
	b.AddASN1Int64(int64(spec.Type))
	addText(b, tags.UTF8String, spec.Name)
	b.AddASN1Int64(ListCertificates)
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, cert := range spec.Signers {
			b.AddASN1OctetString(cert)
		}
	})
	b.AddASN1GeneralizedTime(spec.Created.UTC())
	b.AddASN1GeneralizedTime(spec.ValidFrom.UTC())
	b.AddASN1GeneralizedTime(spec.ValidTo.UTC())
}

func (spec *SealSpec) check() error {
	p := spec.Picture
	switch {
	case !plainASCII(spec.Vendor, maxName), !plainASCII(spec.Code, maxName), !plainASCII(p.Type, maxName):
		return fmt.Errorf("%w: vendor, code and picture type are short ASCII texts", ErrProfile)
	case !plainText(spec.Name):
		return fmt.Errorf("%w: name is not a short plain text", ErrProfile)
	case spec.Type < 0 || spec.Type > 99:
		return fmt.Errorf("%w: type %d", ErrProfile, spec.Type)
	case len(spec.Signers) == 0:
		return fmt.Errorf("%w: nobody may sign", ErrProfile)
	case len(spec.Signers) > MaxListed:
		return fmt.Errorf("%w: %d signers", ErrTooLarge, len(spec.Signers))
	case !spec.ValidFrom.Before(spec.ValidTo) || spec.Created.After(spec.ValidTo):
		return fmt.Errorf("%w: times are not in order", ErrProfile)
	case len(p.Data) == 0 || p.Width < 1 || p.Height < 1:
		return fmt.Errorf("%w: no picture", ErrProfile)
	case len(p.Data) > MaxPicture || p.Width > MaxSide || p.Height > MaxSide:
		return fmt.Errorf("%w: picture", ErrTooLarge)
	}
	for _, cert := range spec.Signers {
		if _, err := KeyOf(cert); err != nil {
			return fmt.Errorf("permitted signer: %w", err)
		}
	}
	return checkExts(spec.Exts)
}

// AssembleSeal puts the signed info, the maker's certificate and his signature
// (DER) together. It gives a seal that verifies or an error.
func AssembleSeal(info, makerCert, sig []byte) ([]byte, error) {
	der, err := assemble(info, makerCert, sig)
	if err != nil {
		return nil, err
	}
	seal, err := ParseSeal(der)
	if err != nil {
		return nil, fmt.Errorf("assemble seal: %w", err)
	}
	if err := CheckOwnSeal(seal); err != nil {
		return nil, fmt.Errorf("assemble seal: %w", err)
	}
	return der, nil
}

// TBSSpec is what a signature is made of.
type TBSSpec struct {
	Seal     []byte    // the whole SESeal, v4
	Time     time.Time // cut to the second
	DataHash gm.Digest // SM3 of what the container protects
	Property string    // ASCII; what is protected
	Exts     []Ext
}

// TBS builds TBS_Sign, the message that the signer signs. The seal goes in byte
// for byte.
func TBS(spec TBSSpec) ([]byte, error) {
	seal, err := ParseSeal(spec.Seal)
	if err != nil {
		return nil, fmt.Errorf("seal of the signature: %w", err)
	}
	switch {
	case seal.Shape != Flat || seal.Version != written:
		return nil, fmt.Errorf("%w: version %d of the seal", ErrProfile, seal.Version)
	case !plainASCII(spec.Property, maxName):
		return nil, fmt.Errorf("%w: property is not a short ASCII text", ErrProfile)
	case spec.DataHash.IsZero():
		return nil, fmt.Errorf("%w: no data hash", ErrProfile)
	}
	if err := checkExts(spec.Exts); err != nil {
		return nil, err
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, spec.add)
	})
}

func (spec *TBSSpec) add(b *cryptobyte.Builder) {
	b.AddASN1Int64(written)
	b.AddBytes(spec.Seal)
	b.AddASN1GeneralizedTime(spec.Time.UTC())
	b.AddASN1BitString(spec.DataHash[:])
	addText(b, tags.IA5String, spec.Property)
	if len(spec.Exts) > 0 {
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { addExtensions(b, spec.Exts) })
	}
}

// AssembleSignature puts the signed part, the signer's certificate and his
// signature (DER) together. It gives a signature that passes CheckOwn or an
// error.
func AssembleSignature(tbs, signerCert, sig []byte) ([]byte, error) {
	der, err := assemble(tbs, signerCert, sig)
	if err != nil {
		return nil, err
	}
	parsed, err := ParseSignature(der)
	if err != nil {
		return nil, fmt.Errorf("assemble signature: %w", err)
	}
	if err := CheckOwn(parsed); err != nil {
		return nil, fmt.Errorf("assemble signature: %w", err)
	}
	return der, nil
}

// assemble puts behind what is signed the certificate, the algorithm and the
// value: seals and signatures have the same outer form.
func assemble(message, certificate, value []byte) ([]byte, error) {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(message)
			b.AddASN1OctetString(certificate)
			b.AddASN1ObjectIdentifier(oidSM2WithSM3)
			b.AddASN1BitString(value)
		})
	})
}

func addText(b *cryptobyte.Builder, tag tags.Tag, s string) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
}

func build(f func(b *cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	f(&b)
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("ses: encode: %w", err)
	}
	return der, nil
}

// wrap puts the header of a SEQUENCE in front of received bytes, which stay as
// they are.
func wrap(parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, p := range parts {
			b.AddBytes(p)
		}
	})
	return b.BytesOrPanic() // only lengths over 4 GiB fail
}

func plainASCII(s string, limit int) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return s != "" && len(s) <= limit
}

// plainText refuses what could make a name look like another: control and
// formatting characters such as the bidirectional ones.
func plainText(s string) bool {
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return false
		}
	}
	return s != "" && len(s) <= maxName && utf8.ValidString(s)
}
