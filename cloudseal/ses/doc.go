// Package ses owns the bytes of electronic seals and seal signatures: GB/T
// 38540-2020 (v4), which it reads and writes, and GM/T 0031-2014 (v1) and GM/T
// 0031-2025 (v5), which it reads.
//
//	SESeal        what the maker signed: code, name, permitted signers, period, picture
//	SES_Signature what the signer signed: the whole seal, time, digest of the document
//
// Three rules carry the package.
//
// The structure decides, never the version number: there are seals in the world
// that say 4 and are built as in 2014 (Shape).
//
// Signatures are verified over the bytes that came in. Nothing is encoded again
// before it is verified, so a variant in the encoding cannot change the answer.
//
// Reading is tolerant of the variants that other makers are known to write (the
// list is in reader.go); writing knows exactly one form, and CheckOwn holds what
// we are about to publish against it.
//
// The package checks signatures under the certificates enclosed. Whether those
// certificates may be trusted is cloudseal/ca, what a document's verdict is
// cloudseal/verify; where the bytes lie in a file is cloudseal/pdf and ofd.
package ses

import "errors"

// Limits of what is read and written. They bound memory: everything parsed is a
// view into one copy of the input.
const (
	// MaxSignature is the size of a SES_Signature: a picture, two certificates,
	// some list entries; real ones have 5 to 50 KiB.
	MaxSignature = 4 << 20
	// MaxSeal is the size of a SESeal, which must fit a signature.
	MaxSeal = 3 << 20
	// MaxPicture is the size of the picture's data; 45 mm at 600 dpi without
	// compression to one bit needs about half of it.
	MaxPicture = 2 << 20
	// MaxCertificate is the size of one certificate.
	MaxCertificate = 64 << 10
	// MaxListed is the number of permitted signers in one seal.
	MaxListed = 256
	// MaxExtensions is the number of extensions in one place.
	MaxExtensions = 64
	// MaxText is the length in bytes of any text field.
	MaxText = 4 << 10
	// MaxSide is the largest display side of a picture: meant are millimetres,
	// a few makers write pixels.
	MaxSide = 1<<16 - 1
)

// What can be wrong. Parse errors wrap ErrMalformed or ErrTooLarge and name the
// field; checks wrap one of the others.
var (
	ErrMalformed   = errors.New("ses: malformed")
	ErrTooLarge    = errors.New("ses: over a limit")
	ErrCertificate = errors.New("ses: certificate without a usable SM2 key")
	ErrAlgorithm   = errors.New("ses: signature algorithm is not SM2 with SM3")
	ErrSignature   = errors.New("ses: signature does not verify")
	ErrProfile     = errors.New("ses: not of the published profile")
)

// Shape is how a structure is built, whatever version it claims.
type Shape int

const (
	// Flat is GB/T 38540-2020 and GM/T 0031-2025: certificate, algorithm and
	// value follow what is signed, which is one element alone.
	Flat Shape = iota + 1
	// Nested is GM/T 0031-2014: a seal holds a signInfo, a signature holds its
	// certificate inside the signed part.
	Nested
)

// String names the shape by its standard.
func (s Shape) String() string {
	switch s {
	case Flat:
		return "GB/T 38540-2020"
	case Nested:
		return "GM/T 0031-2014"
	}
	return "unknown"
}
