package ses_test

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

// What follows builds structures by hand, element by element, so that every
// tolerated variant (standards.md §1.1–1.7) can be written and signed.

var (
	sm2WithSM3 = asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 501}
	explicit0  = tags.Tag(0).ContextSpecific().Constructed()
	implicit0  = tags.Tag(0).ContextSpecific()
)

func tlv(tag tags.Tag, parts ...[]byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(parts, nil)) })
	return b.BytesOrPanic()
}

func seq(parts ...[]byte) []byte { return tlv(tags.SEQUENCE, parts...) }
func ia5(s string) []byte        { return tlv(tags.IA5String, []byte(s)) }
func utf(s string) []byte        { return tlv(tags.UTF8String, []byte(s)) }
func octets(b []byte) []byte     { return tlv(tags.OCTET_STRING, b) }
func bits(b []byte) []byte       { return tlv(tags.BIT_STRING, []byte{0}, b) }
func generalized(s string) []byte {
	return tlv(tags.GeneralizedTime, []byte(s))
}
func utc(s string) []byte { return tlv(tags.UTCTime, []byte(s)) }

func number(n int64) []byte {
	var b cryptobyte.Builder
	b.AddASN1Int64(n)
	return b.BytesOrPanic()
}

func oid(id asn1.ObjectIdentifier) []byte {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(id)
	return b.BytesOrPanic()
}

// parts are the pieces of a seal that variants replace.
type parts struct {
	version  int64
	name     []byte
	listType []byte
	list     []byte
	times    []byte
	exts     []byte
}

func (w world) parts() parts {
	return parts{
		version: 4, name: utf("示例"), listType: number(1), list: seq(octets(w.signer.cert)),
		times: bytes.Repeat(generalized("20260101010203Z"), 3),
	}
}

func (p parts) info() []byte {
	return seq(
		seq(ia5("ES"), number(p.version), ia5("V")), ia5("33010600000001"),
		seq(number(1), p.name, p.listType, p.list, p.times),
		seq(ia5("PNG"), octets([]byte("png")), number(40), number(40)),
		p.exts,
	)
}

func (w world) flatSeal(t testing.TB, info, value []byte, rest ...[]byte) []byte {
	t.Helper()
	if value == nil {
		value = bits(w.maker.sign(t, info))
	}
	return seq(append([][]byte{info, octets(w.maker.cert), oid(sm2WithSM3), value}, rest...)...)
}

// nestedSeal is built and signed as in 2014; in gives the form of signInfo.
func (w world) nestedSeal(t testing.TB, info []byte, in func(signInfo []byte) []byte) []byte {
	t.Helper()
	head := append(octets(w.maker.cert), oid(sm2WithSM3)...)
	signInfo := seq(head, bits(w.maker.sign(t, seq(info, head))))
	if in != nil {
		signInfo = in(signInfo)
	}
	return seq(info, signInfo)
}

var anExt = []byte("\x06\x03\x2a\x03\x04") // OBJECT IDENTIFIER 1.2.3.4

func TestSealVariantsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := w.parts()
	with := func(change func(p *parts)) []byte {
		p := base
		change(&p)
		return w.flatSeal(t, p.info(), nil)
	}
	ext := func(middle ...[]byte) []byte { return seq(anExt, bytes.Join(middle, nil), octets([]byte("v"))) }
	no, yes := []byte{1, 1, 0}, []byte{1, 1, 0xff}
	digest := gm.SM3(w.signer.cert)
	for name, der := range map[string][]byte{
		"as prescribed":          with(func(p *parts) {}),
		"critical omitted":       with(func(p *parts) { p.exts = seq(ext()) }),
		"critical false written": with(func(p *parts) { p.exts = seq(ext(no)) }),
		"critical true":          with(func(p *parts) { p.exts = seq(ext(yes)) }),
		"no extension in list":   with(func(p *parts) { p.exts = seq() }),
		"extensions explicit":    with(func(p *parts) { p.exts = tlv(explicit0, seq(ext(no))) }),
		"extensions implicit":    with(func(p *parts) { p.exts = tlv(explicit0, ext(no)) }),
		"two implicit":           with(func(p *parts) { p.exts = tlv(explicit0, ext(no), ext(yes)) }),
		"extensions in octets":   with(func(p *parts) { p.exts = octets(seq(ext(yes))) }),
		"name as PrintableString": with(func(p *parts) {
			p.name = tlv(tags.PrintableString, []byte("Name"))
		}),
		"times as UTCTime":   with(func(p *parts) { p.times = bytes.Repeat(utc("260101010203Z"), 3) }),
		"fractional seconds": with(func(p *parts) { p.times = bytes.Repeat(generalized("20260101010203.5Z"), 3) }),
		"time with an offset": with(func(p *parts) {
			p.times = bytes.Repeat(generalized("20260101090203+0800"), 3)
		}),
		"list of digests": with(func(p *parts) {
			p.listType, p.list = number(2), seq(seq(tlv(tags.PrintableString, []byte("certificate SM3 digest")), octets(digest[:])))
		}),
		"value in an octet string": w.flatSeal(t, base.info(), octets(w.maker.sign(t, base.info()))),
		"raw value":                w.flatSeal(t, base.info(), bits(rawOf(w.maker.sign(t, base.info())))),
		"unsigned integers":        w.flatSeal(t, base.info(), bits(unsignedOf(t, w.maker, base.info()))),
		"time stamp explicit":      w.flatSeal(t, base.info(), nil, tlv(explicit0, bits([]byte("token")))),
		"time stamp implicit":      w.flatSeal(t, base.info(), nil, tlv(implicit0, []byte("\x00token"))),
		"time stamp untagged":      w.flatSeal(t, base.info(), nil, bits([]byte("token"))),
		"signInfo of 2014":         w.nestedSeal(t, base.info(), nil),
		"signInfo in a bit string": w.nestedSeal(t, base.info(), bits),
		"2014 without list type": w.nestedSeal(t, func() []byte {
			p := base
			p.version, p.listType, p.times = 1, nil, bytes.Repeat(utc("2601010102Z"), 3)
			return p.info()
		}(), nil),
		// Says 4, has a list of digests, UTCTime, and is signed as in 2014.
		"the hybrid of 2019": w.nestedSeal(t, func() []byte {
			p := base
			p.listType, p.list = number(2), seq(seq(tlv(tags.PrintableString, []byte("SM3")), octets(digest[:])))
			p.times = bytes.Repeat(utc("260101010203Z"), 3)
			return p.info()
		}(), nil),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ses.ParseSeal(der)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(s.Raw, der) {
				t.Error("Raw is not what came in")
			}
			if err := s.CheckMaker(); err != nil {
				t.Error(err)
			}
			if !s.Allows(w.signer.cert) || s.Allows(w.maker.cert) {
				t.Error("another list of signers")
			}
			if got := s.Created.Truncate(time.Minute); !got.Equal(time.Date(2026, 1, 1, 1, 2, 0, 0, time.UTC)) {
				t.Errorf("created %v", s.Created)
			}
		})
	}
}

func TestExtensionsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.parts()
	// The second identifier has an arc of 128 bits: no name for us, but kept.
	uuid := append([]byte{6, 20, 0x69}, append(bytes.Repeat([]byte{0xff}, 18), 0x7f)...)
	p.exts = seq(seq(anExt, []byte{1, 1, 0xff}, octets([]byte("one"))), seq(uuid, octets([]byte("two"))))
	s := parseSeal(t, w.flatSeal(t, p.info(), nil))
	if len(s.Exts) != 2 || s.Exts[0].OID.String() != "1.2.3.4" || !s.Exts[0].Critical || string(s.Exts[0].Value) != "one" {
		t.Errorf("extensions %+v", s.Exts)
	}
	if s.Exts[1].OID != nil || s.Exts[1].Critical || string(s.Exts[1].Value) != "two" {
		t.Errorf("the one with a long identifier: %+v", s.Exts[1])
	}
}

// newSmallWorld has certificates of no more than a key.
func newSmallWorld(t testing.TB) world {
	small := func() party {
		p := newParty(t, "x")
		p.cert = seq(seq(number(1), seq(), seq(), seq(), seq(), p.key.Public().SPKI()))
		return p
	}
	return world{small(), small()}
}

// rawOf gives r ‖ s of a DER signature.
func rawOf(sig []byte) []byte {
	in := cryptobyte.String(sig)
	var pair cryptobyte.String
	var r, s []byte
	if !in.ReadASN1(&pair, tags.SEQUENCE) || !pair.ReadASN1Integer(&r) || !pair.ReadASN1Integer(&s) {
		panic("not a signature")
	}
	out := make([]byte, 64)
	copy(out[32-len(r):], r)
	copy(out[64-len(s):], s)
	return out
}

// unsignedOf signs until an integer needs its leading zero, and leaves it out.
func unsignedOf(t *testing.T, p party, message []byte) []byte {
	for {
		raw := rawOf(p.sign(t, message))
		if raw[0] >= 0x80 && raw[32] != 0 {
			return seq(tlv(tags.INTEGER, raw[:32]), tlv(tags.INTEGER, raw[32:]))
		}
	}
}

func TestSignatureVariantsAreRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seal := w.seal(t)
	hash := gm.SM3([]byte("document"))
	when := generalized("20261122010203Z")
	tbs := func(pieces ...[]byte) []byte { return seq(append([][]byte{number(4)}, pieces...)...) }
	flat := func(tbs, value []byte, rest ...[]byte) []byte {
		if value == nil {
			value = bits(w.signer.sign(t, tbs))
		}
		return seq(append([][]byte{tbs, octets(w.signer.cert), oid(sm2WithSM3), value}, rest...)...)
	}
	nested := func(seal, when, hash []byte) []byte {
		tbs := seq(number(1), seal, when, hash, ia5("/p"), octets(w.signer.cert), oid(sm2WithSM3))
		return seq(tbs, bits(w.signer.sign(t, tbs)))
	}
	plain := tbs(seal, when, bits(hash[:]), ia5("/p"))
	exts := seq(seq(anExt, octets([]byte("v"))))
	for name, der := range map[string][]byte{
		"as prescribed":        flat(plain, nil),
		"raw value":            flat(plain, bits(rawOf(w.signer.sign(t, plain)))),
		"time as UTCTime":      flat(tbs(seal, utc("261122010203Z"), bits(hash[:]), ia5("/p")), nil),
		"hash in octets":       flat(tbs(seal, when, octets(hash[:]), ia5("/p")), nil),
		"property as UTF-8":    flat(tbs(seal, when, bits(hash[:]), utf("/p")), nil),
		"extensions explicit":  flat(tbs(seal, when, bits(hash[:]), ia5("/p"), tlv(explicit0, exts)), nil),
		"extensions implicit":  flat(tbs(seal, when, bits(hash[:]), ia5("/p"), tlv(explicit0, exts[2:])), nil),
		"extensions untagged":  flat(tbs(seal, when, bits(hash[:]), ia5("/p"), exts), nil),
		"time stamp explicit":  flat(plain, nil, tlv(explicit0, bits([]byte("token")))),
		"time stamp implicit":  flat(plain, nil, tlv(implicit0, []byte("\x00token"))),
		"time stamp untagged":  flat(plain, nil, bits([]byte("token"))),
		"seal in octets":       flat(tbs(octets(seal), when, bits(hash[:]), ia5("/p")), nil),
		"2014, RFC 3339":       nested(seal, bits([]byte("2026-11-22T01:02:03.377Z")), bits(hash[:])),
		"2014, Chinese time":   nested(seal, bits([]byte("2026-11-22 09:02:03")), bits(hash[:])),
		"2014, compact":        nested(seal, octets([]byte("20261122010203Z")), octets(hash[:])),
		"2014, time proper":    nested(octets(seal), when, bits(hash[:])),
		"2014, nested seal":    nested(w.nestedSeal(t, w.parts().info(), nil), when, bits(hash[:])),
		"2014, UTCTime proper": nested(seal, utc("261122010203Z"), bits(hash[:])),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ses.ParseSignature(der)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.CheckSigner(), s.Seal.CheckMaker()); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(s.Raw, der) || !bytes.Equal(s.DataHash, hash[:]) || s.Property != "/p" || !s.Seal.Allows(s.SignerCert) {
				t.Errorf("read as %x, %q", s.DataHash, s.Property)
			}
			if got := s.Time.Truncate(time.Second); !got.Equal(date(2026, 11, 22)) {
				t.Errorf("time %v", got)
			}
		})
	}
	// A token in the place of the time is handed on, not understood.
	s := parseSignature(t, nested(seal, bits(seq(number(1))), bits(hash[:])))
	if !s.Time.IsZero() || !bytes.Equal(s.TimeStamp, seq(number(1))) || s.CheckSigner() != nil {
		t.Errorf("token in timeInfo: time %v, token %x", s.Time, s.TimeStamp)
	}
}

// Certificates that libraries refuse still carry a key (standards.md §1.2).
func TestMalformedCertificateStillVerifies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signer.cert = bytes.ReplaceAll(w.signer.cert, []byte("mail@example.cn"), []byte("印章@example.cn")[:15])
	if _, err := parseCertificate(w.signer.cert); err == nil {
		t.Fatal("the test's certificate is not malformed")
	}
	s := parseSignature(t, w.signature(t))
	if err := s.CheckSigner(); err != nil {
		t.Error(err)
	}
	if key, err := ses.KeyOf(w.signer.cert); err != nil || !key.Equal(w.signer.key.Public()) {
		t.Errorf("key of the certificate: %v", err)
	}
}

// Old makers name the curve in the place of the algorithm; parameters of the
// certificate's signature algorithm are NULL or absent.
func TestCertificateVariants(t *testing.T) {
	t.Parallel()
	p := newParty(t, "x")
	curve := asn1.ObjectIdentifier{1, 2, 156, 10197, 1, 301}
	point := bits(p.key.Public().Point())
	cert := func(version, algorithm, spki []byte) []byte {
		return seq(seq(version, number(1), seq(oid(sm2WithSM3), algorithm), seq(), seq(), seq(), spki), seq(), bits([]byte{1}))
	}
	v3 := tlv(explicit0, number(2))
	null := []byte{5, 0}
	for name, der := range map[string][]byte{
		"absent parameters": cert(v3, nil, p.key.Public().SPKI()),
		"NULL parameters":   cert(v3, null, p.key.Public().SPKI()),
		"version 1":         cert(nil, nil, p.key.Public().SPKI()),
		"curve as name":     cert(v3, nil, seq(seq(oid(curve)), point)),
	} {
		if key, err := ses.KeyOf(der); err != nil || !key.Equal(p.key.Public()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p256 := asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	ec := asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	for name, der := range map[string][]byte{
		"nothing":       nil,
		"another curve": cert(v3, nil, seq(seq(oid(ec), oid(p256)), point)),
		"no point":      cert(v3, nil, seq(seq(oid(ec), oid(curve)), bits([]byte{4}))),
		"trailing byte": append(cert(v3, nil, p.key.Public().SPKI()), 0),
	} {
		if _, err := ses.KeyOf(der); !errors.Is(err, ses.ErrCertificate) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
