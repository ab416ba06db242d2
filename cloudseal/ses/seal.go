package ses

import (
	"bytes"
	"encoding/asn1"
	"slices"
	"time"

	tags "golang.org/x/crypto/cryptobyte/asn1"

	"yunzhang.dev/cloudseal/gm"
)

// Kinds of SES_CertList (GB/T 38540 §6.1).
const (
	ListCertificates = 1
	ListDigests      = 2
)

// Seal is a SESeal. Its byte slices are views into Raw's memory and must not be
// written to.
type Seal struct {
	// Raw is the whole structure as it came in: the bytes that stand in every
	// signature made with the seal.
	Raw []byte
	// Info is SES_SealInfo, header included.
	Info  []byte
	Shape Shape
	// Version is header.version as it says: 1, 4, 5.
	Version int

	Vendor string // header.Vid
	Code   string // esID, the seal's unique code
	Type   int    // business-defined kind of seal
	Name   string
	// CertList names the certificates that may sign with the seal.
	CertList CertList
	// Created, ValidFrom and ValidTo are UTC; the seal may be used from ValidFrom
	// to ValidTo, both included.
	Created   time.Time
	ValidFrom time.Time
	ValidTo   time.Time
	Picture   Picture
	Exts      []Ext

	// MakerCert is the DER certificate of the maker (制章者).
	MakerCert []byte
	Algorithm asn1.ObjectIdentifier
	// Value is the maker's signature as it came in.
	Value []byte
	// TimeStamp is a token over Value (v5), nil when there is none.
	TimeStamp []byte

	signInfo []byte // certificate and algorithm with their headers: signed too in a Nested seal
}

// CertList is SES_CertList. Entries that are neither certificate nor digest,
// which 2014 seals have, permit nobody and are left out.
type CertList struct {
	Type    int // ListCertificates or ListDigests; 0 where the structure has none (2014)
	Certs   [][]byte
	Digests []CertDigest
}

// CertDigest is CertDigestObj: a label in the maker's own words and the digest
// of a DER certificate.
type CertDigest struct {
	Label string
	Value []byte
}

// Picture is SES_ESPictureInfo: the impression and the size it is shown in.
type Picture struct {
	Type   string // "PNG", "GIF", "ofd" …, in the maker's case
	Data   []byte
	Width  int // millimetres
	Height int // millimetres
}

// ParseSeal reads one SESeal of any version and nothing behind it. It judges
// form only: call CheckMaker.
func ParseSeal(der []byte) (*Seal, error) {
	var s *Seal
	err := parse(der, MaxSeal, func(r *reader) { s = r.seal() })
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (r *reader) seal() *Seal {
	s := &Seal{Raw: r.element("SESeal")}
	if len(s.Raw) > MaxSeal {
		r.tooLarge("SESeal")
	}
	in := r.inside(s.Raw).sequence("SESeal")
	elements := in.count()
	s.Info = in.element("eSealInfo")
	r.inside(s.Info).sealInfo(s)
	switch elements {
	case 2: // GM/T 0031-2014
		s.Shape = Nested
		in.nestedSignInfo(s)
	case 4, 5: // GB/T 38540; GM/T 0031-2025 adds a time stamp
		s.Shape = Flat
		in.signInfo(s)
		s.TimeStamp = in.timeStamp()
	default:
		in.fail("SESeal")
	}
	in.end("SESeal")
	return s
}

func (r *reader) signInfo(s *Seal) {
	start := r.in
	s.MakerCert = r.octets("cert", MaxCertificate)
	s.Algorithm = r.oid("signAlgID")
	s.signInfo = view(start[:len(start)-len(r.in)])
	s.Value = r.bits("signedValue")
}

func (r *reader) nestedSignInfo(s *Seal) {
	if r.next() == tags.BIT_STRING {
		outer := r.inside(r.bits("signInfo"))
		outer.nestedSignInfo(s)
		outer.end("signInfo")
		return
	}
	in := r.sequence("signInfo")
	in.signInfo(s)
	in.end("signInfo")
}

func (r *reader) sealInfo(s *Seal) {
	in := r.sequence("eSealInfo")
	header := in.sequence("header")
	if header.text("ID") != "ES" {
		header.fail("header ID")
	}
	s.Version = header.integer("version", 99)
	s.Vendor = header.text("Vid")
	header.end("header")
	s.Code = in.text("esID")
	in.property(s)
	s.Picture = in.picture()
	s.Exts = in.extensions()
	in.end("eSealInfo")
}

func (r *reader) property(s *Seal) {
	in := r.sequence("property")
	s.Type = in.integer("type", 1<<30)
	s.Name = in.text("name")
	if in.next() == tags.INTEGER {
		s.CertList.Type = in.integer("certListType", 99)
	}
	in.sequence("certList").certList(&s.CertList)
	s.Created = in.time("createDate")
	s.ValidFrom = in.time("validStart")
	s.ValidTo = in.time("validEnd")
	in.end("property")
}

func (r *reader) certList(list *CertList) {
	for n := 0; r.more(); n++ {
		if n == MaxListed {
			r.tooLarge("certList")
			return
		}
		switch r.next() {
		case tags.OCTET_STRING:
			list.Certs = append(list.Certs, r.octets("certificate", MaxCertificate))
		case tags.SEQUENCE:
			in := r.sequence("CertDigestObj")
			list.Digests = append(list.Digests, CertDigest{in.text("digest type"), in.octets("digest", MaxText)})
			in.end("CertDigestObj")
		default:
			r.element("certList")
		}
	}
}

func (r *reader) picture() Picture {
	in := r.sequence("picture")
	p := Picture{
		Type:   in.text("picture type"),
		Data:   in.octets("picture data", MaxPicture),
		Width:  in.integer("picture width", MaxSide),
		Height: in.integer("picture height", MaxSide),
	}
	in.end("picture")
	return p
}

// SignedBytes is what the maker signed: SES_SealInfo alone, or, in a 2014 seal, a
// sequence of it, the certificate and the algorithm, which stands nowhere in the
// file; it is put together from the received pieces (standards.md §1.3).
func (s *Seal) SignedBytes() []byte {
	if s.Shape == Flat {
		return s.Info
	}
	return wrap(s.Info, s.signInfo)
}

// CheckMaker verifies the maker's signature under the enclosed certificate: the
// seal is as that key signed it. Errors: ErrSignature, ErrCertificate,
// ErrAlgorithm.
func (s *Seal) CheckMaker() error {
	return checkValue(s.MakerCert, s.Algorithm, s.SignedBytes(), s.Value)
}

// Allows reports that the seal names this certificate, whole or by its SM3
// digest (GB/T 38540 §7.3). A renewed certificate is another certificate: the
// seal must be made anew for it.
func (s *Seal) Allows(signerCert []byte) bool {
	if len(signerCert) == 0 {
		return false
	}
	digest := gm.SM3(signerCert)
	return slices.ContainsFunc(s.CertList.Certs, func(c []byte) bool { return bytes.Equal(c, signerCert) }) ||
		slices.ContainsFunc(s.CertList.Digests, func(d CertDigest) bool { return bytes.Equal(d.Value, digest[:]) })
}

// ValidAt reports that t lies in the seal's period, ends included.
func (s *Seal) ValidAt(t time.Time) bool {
	return !t.Before(s.ValidFrom) && !t.After(s.ValidTo)
}

// Hash names these exact bytes of the seal: SM3 of Raw.
func (s *Seal) Hash() gm.Digest { return gm.SM3(s.Raw) }
