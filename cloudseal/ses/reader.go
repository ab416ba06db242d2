package ses

import (
	"encoding/asn1"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Variants that are read although no standard has them, each seen in real files
// or accepted by the reference implementation:
//
//   - text in another string type than prescribed, or not valid UTF-8;
//   - UTCTime for GeneralizedTime and the reverse, fractions of a second;
//   - BIT STRING and OCTET STRING in each other's place;
//   - critical left out or written as its default;
//   - extensions plain, explicitly or implicitly tagged, or in an OCTET STRING;
//   - the time stamp tagged explicitly, implicitly or not at all;
//   - signInfo in a BIT STRING, a seal in an OCTET STRING (2014).

var (
	tagExplicit0 = tags.Tag(0).ContextSpecific().Constructed()
	tagImplicit0 = tags.Tag(0).ContextSpecific()
)

// reader walks DER. All readers of one parse share one error: after the first
// failure every read gives a zero value, so that the structures read below like
// their ASN.1.
type reader struct {
	in  cryptobyte.String
	err *error
}

// parse reads exactly one element with f. The input is copied once; everything
// f takes out is a view into the copy.
func parse(der []byte, limit int, f func(r *reader)) error {
	if len(der) > limit {
		return fmt.Errorf("%w: %d bytes", ErrTooLarge, len(der))
	}
	var err error
	r := &reader{in: append(cryptobyte.String(nil), der...), err: &err}
	f(r)
	r.end("input")
	return err
}

func (r *reader) failed() bool { return *r.err != nil }

func (r *reader) fail(field string) {
	if !r.failed() {
		*r.err = fmt.Errorf("%w: %s", ErrMalformed, field)
	}
	r.in = nil
}

func (r *reader) tooLarge(field string) {
	if !r.failed() {
		*r.err = fmt.Errorf("%w: %s", ErrTooLarge, field)
	}
	r.in = nil
}

// end fails when something is left.
func (r *reader) end(field string) {
	if !r.failed() && !r.in.Empty() {
		r.fail("bytes after " + field)
	}
}

// more reports that another element follows.
func (r *reader) more() bool { return !r.failed() && !r.in.Empty() }

// next is the tag that follows, 0 at the end.
func (r *reader) next() tags.Tag {
	if !r.more() {
		return 0
	}
	return tags.Tag(r.in[0])
}

// count is the number of elements that follow, counted up to six: no structure
// here has more.
func (r *reader) count() (n int) {
	in := r.in
	var element cryptobyte.String
	for n < 6 && !in.Empty() && in.ReadAnyASN1Element(&element, nil) {
		n++
	}
	return n
}

// element takes the next element as it is, header included.
func (r *reader) element(field string) []byte {
	var out cryptobyte.String
	if r.failed() || !r.in.ReadAnyASN1Element(&out, nil) {
		r.fail(field)
		return nil
	}
	return view(out)
}

// inside makes a reader of an element or of the content of one.
func (r *reader) inside(b []byte) *reader { return &reader{in: b, err: r.err} }

// enter steps into the next element, which must have the tag.
func (r *reader) enter(field string, tag tags.Tag) *reader {
	var out cryptobyte.String
	if r.failed() || !r.in.ReadASN1(&out, tag) {
		r.fail(field)
	}
	return r.inside(out)
}

func (r *reader) sequence(field string) *reader { return r.enter(field, tags.SEQUENCE) }

func (r *reader) octets(field string, limit int) []byte {
	var out cryptobyte.String
	if r.failed() || !r.in.ReadASN1(&out, tags.OCTET_STRING) {
		r.fail(field)
		return nil
	}
	if len(out) > limit {
		r.tooLarge(field)
		return nil
	}
	return view(out)
}

// bits takes whole bytes, as a BIT STRING or, against the standard, as an OCTET
// STRING.
func (r *reader) bits(field string) []byte {
	if r.next() == tags.OCTET_STRING {
		return r.octets(field, MaxSignature)
	}
	return r.taggedBits(field, tags.BIT_STRING)
}

// taggedBits takes a BIT STRING of whole bytes under any tag.
func (r *reader) taggedBits(field string, tag tags.Tag) []byte {
	var out cryptobyte.String
	var unused uint8
	if r.failed() || !r.in.ReadASN1(&out, tag) || !out.ReadUint8(&unused) || unused != 0 {
		r.fail(field)
		return nil
	}
	return view(out)
}

func (r *reader) integer(field string, limit int) int {
	var v int
	if r.failed() || !r.in.ReadASN1Integer(&v) || v < 0 || v > limit {
		r.fail(field)
		return 0
	}
	return v
}

// oid gives nil for an identifier with an arc of more than 31 bits (such as
// those made of UUIDs): it is none that is known here.
func (r *reader) oid(field string) asn1.ObjectIdentifier {
	in := r.in
	var out asn1.ObjectIdentifier
	if !r.failed() && in.ReadASN1ObjectIdentifier(&out) {
		r.in = in
		return out
	}
	if r.enter(field, tags.OBJECT_IDENTIFIER).in.Empty() {
		r.fail(field)
	}
	return nil
}

// text takes any string type. Bytes that are not UTF-8 become U+FFFD: the text
// is for reading, the signed bytes stay as they are.
func (r *reader) text(field string) string {
	var out cryptobyte.String
	var tag tags.Tag
	if r.failed() || !r.in.ReadAnyASN1(&out, &tag) {
		r.fail(field)
		return ""
	}
	switch tag {
	case tags.IA5String, tags.UTF8String, tags.PrintableString, tags.T61String, tags.GeneralString:
	default:
		r.fail(field)
		return ""
	}
	if len(out) > MaxText {
		r.tooLarge(field)
		return ""
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

func (r *reader) time(field string) time.Time {
	var out cryptobyte.String
	var tag tags.Tag
	if r.failed() || !r.in.ReadAnyASN1(&out, &tag) {
		r.fail(field)
		return time.Time{}
	}
	var t time.Time
	var err error
	switch tag {
	case tags.GeneralizedTime:
		t, err = time.Parse("20060102150405Z0700", string(out)) // takes fractions too
	case tags.UTCTime:
		t, err = utcTime(string(out))
	default:
		r.fail(field)
	}
	if err != nil {
		r.fail(field)
	}
	return t.UTC()
}

// utcTime reads two-digit years as RFC 5280 §4.1.2.5.1 does: 50 is 1950.
func utcTime(s string) (time.Time, error) {
	t, err := time.Parse("060102150405Z0700", s)
	if err != nil {
		t, err = time.Parse("0601021504Z0700", s)
	}
	if t.Year() >= 2050 {
		t = t.AddDate(-100, 0, 0)
	}
	return t, err
}

// timeStamp takes an optional BIT STRING at the end. Known is only an explicit
// [0]; the token inside is left to whoever checks time stamps.
func (r *reader) timeStamp() []byte {
	switch r.next() {
	case 0:
		return nil
	case tagExplicit0:
		inner := r.enter("timeStamp", tagExplicit0)
		token := inner.bits("timeStamp")
		inner.end("timeStamp")
		return token
	case tagImplicit0:
		return r.taggedBits("timeStamp", tagImplicit0)
	default:
		return r.taggedBits("timeStamp", tags.BIT_STRING)
	}
}

// view cuts the capacity, so that appending to a field cannot write into its
// neighbour.
func view(b []byte) []byte { return b[:len(b):len(b)] }
