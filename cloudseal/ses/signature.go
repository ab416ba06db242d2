package ses

import (
	"encoding/asn1"
	"strings"
	"time"

	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Signature is a SES_Signature. Its byte slices are views into Raw's memory and
// must not be written to.
type Signature struct {
	// Raw is the whole structure as it came in.
	Raw []byte
	// TBS is TBS_Sign, header included: what the signer signed.
	TBS     []byte
	Shape   Shape
	Version int
	Seal    *Seal
	// Time is timeInfo, the claimed time of signing, UTC; zero when a 2014
	// signature holds a time-stamp token there instead.
	Time time.Time
	// DataHash is the digest of what was stamped, SM3 of the bytes that the
	// container protects.
	DataHash []byte
	// Property says what is protected; in OFD the path of Signature.xml.
	Property string
	Exts     []Ext

	// SignerCert is the DER certificate of the signer (签章者).
	SignerCert []byte
	Algorithm  asn1.ObjectIdentifier
	// Value is the signature as it came in.
	Value []byte
	// TimeStamp is a token over Value (in a 2014 signature: from timeInfo), nil
	// when there is none.
	TimeStamp []byte
}

// ParseSignature reads one SES_Signature of any version and nothing behind it.
// It judges form only: call CheckSigner, Seal.CheckMaker and Seal.Allows.
func ParseSignature(der []byte) (*Signature, error) {
	s := &Signature{}
	err := parse(der, MaxSignature, func(r *reader) { r.signature(s) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (r *reader) signature(s *Signature) {
	s.Raw = r.element("SES_Signature")
	in := r.inside(s.Raw).sequence("SES_Signature")
	elements := in.count()
	s.TBS = in.element("toSign")
	tbs := r.inside(s.TBS).sequence("toSign")
	switch elements {
	case 2: // GM/T 0031-2014
		s.Shape = Nested
		tbs.nestedTBS(s)
		s.Value = in.bits("signature")
	case 4, 5:
		s.Shape = Flat
		tbs.flatTBS(s)
		s.SignerCert = in.octets("cert", MaxCertificate)
		s.Algorithm = in.oid("signatureAlgID")
		s.Value = in.bits("signature")
		s.TimeStamp = in.timeStamp()
	default:
		in.fail("SES_Signature")
	}
	tbs.end("toSign")
	in.end("SES_Signature")
}

func (r *reader) flatTBS(s *Signature) {
	s.Version = r.integer("version", 99)
	s.Seal = r.enclosedSeal()
	s.Time = r.time("timeInfo")
	s.DataHash = r.bits("dataHash")
	s.Property = r.text("propertyInfo")
	s.Exts = r.extensions()
}

func (r *reader) nestedTBS(s *Signature) {
	s.Version = r.integer("version", 99)
	s.Seal = r.enclosedSeal()
	r.nestedTime(s)
	s.DataHash = r.bits("dataHash")
	s.Property = r.text("propertyInfo")
	s.SignerCert = r.octets("cert", MaxCertificate)
	s.Algorithm = r.oid("signatureAlgorithm")
	s.Exts = r.extensions() // not in the standard
}

func (r *reader) enclosedSeal() *Seal {
	if r.next() != tags.OCTET_STRING {
		return r.seal()
	}
	in := r.inside(r.octets("eseal", MaxSeal))
	s := in.seal()
	in.end("eseal")
	return s
}

// nestedTime reads the timeInfo of 2014: a string of bytes that holds a
// time-stamp token or a text, or against the standard a time proper.
func (r *reader) nestedTime(s *Signature) {
	if tag := r.next(); tag == tags.UTCTime || tag == tags.GeneralizedTime {
		s.Time = r.time("timeInfo")
		return
	}
	info := r.bits("timeInfo")
	if len(info) > 0 && info[0] == byte(tags.SEQUENCE) {
		s.TimeStamp = info
		return
	}
	t, ok := timeText(string(info))
	if !ok {
		r.fail("timeInfo")
	}
	s.Time = t
}

// timeText reads the ways in which 2014 signatures write a time. Those without a
// zone are meant in China's.
func timeText(s string) (time.Time, bool) {
	china := time.FixedZone("UTC+8", 8*60*60)
	s = strings.TrimSpace(s)
	for _, layout := range []string{
		time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05",
		"20060102150405Z0700", "060102150405Z0700", "20060102150405",
	} {
		if t, err := time.ParseInLocation(layout, s, china); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// CheckSigner verifies the signature over TBS as received under the enclosed
// certificate. The value may be DER or 64 bytes r ‖ s. Errors: ErrSignature,
// ErrCertificate, ErrAlgorithm.
func (s *Signature) CheckSigner() error {
	return checkValue(s.SignerCert, s.Algorithm, s.TBS, s.Value)
}
