package pdf

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"yunzhang.dev/cloudseal/gm"
)

// Names of the signature dictionary as GB/T 38540 signatures in PDF carry them.
const (
	FilterName    = "GM.PKILite"
	SubFilterName = "GM.sm2seal"
)

// Prepared is a stamp that waits for its signature. It can be stored: with the
// original it is all that Digests and Complete need.
type Prepared struct {
	// Base is the length of the original.
	Base int64 `bson:"base"`
	// Tail is the increment; the slot in it holds the digit 0 only.
	Tail []byte `bson:"tail"`
	// ByteRange is what the signature covers: [0 a b c], everything except the
	// slot with its angle brackets.
	ByteRange [4]int64 `bson:"byteRange"`
	// Field is the name of the signature field.
	Field string `bson:"field"`
}

var (
	// ErrSlot: the signature is longer than the room kept for it.
	ErrSlot = errors.New("signature does not fit its slot")

	errPrepared = errors.New("prepared stamp damaged")
	errOriginal = errors.New("not the original of the prepared stamp")
	errNotDER   = errors.New("signature is not one DER value")
)

// rangeWidth is the width of each number of ByteRange, so that the dictionary's
// length is known before the numbers are.
const rangeWidth = 10

// slot is where the signature dictionary's open places are in the increment.
type slot struct{ numbers, open, close int }

// writeSignature writes the signature dictionary with zeros for Contents. It
// has no time: that is in the signature.
func (s *stamping) writeSignature() slot {
	var at slot
	s.begin(s.signature)
	s.printf("<< /Type /Sig /Filter /%s /SubFilter /%s /ByteRange [0", FilterName, SubFilterName)
	at.numbers = len(s.buf)
	s.printf("%*s] /Contents ", 3*(1+rangeWidth), "")
	at.open = len(s.buf)
	s.buf = append(s.buf, '<')
	s.buf = append(s.buf, bytes.Repeat([]byte{'0'}, 2*s.opt.Slot)...)
	s.buf = append(s.buf, '>')
	at.close = len(s.buf)
	s.printf(" >>")
	s.end()
	return at
}

// fill writes ByteRange, now that the file's length is known.
func (at slot) fill(s *stamping) *Prepared {
	a, b, end := int64(s.base+at.open), int64(s.base+at.close), int64(s.pos())
	p := &Prepared{Base: int64(s.base), Tail: s.buf, Field: s.opt.Field, ByteRange: [4]int64{0, a, b, end - b}}
	copy(s.buf[at.numbers:], fmt.Sprintf(" %*d %*d %*d", rangeWidth, a, rangeWidth, b, rangeWidth, end-b))
	return p
}

// check guards against a Prepared that was not stored as it was made.
func (p *Prepared) check(original []byte) error {
	if p.Base != int64(len(original)) {
		return errOriginal
	}
	r, end := p.ByteRange, p.Base+int64(len(p.Tail))
	ok := p.Base > 0 && r[0] == 0 && r[1] >= p.Base && r[2] >= r[1]+4 && r[2] <= end && r[3] == end-r[2]
	if !ok {
		return errPrepared
	}
	digits, brackets := p.slot()
	if !brackets || len(digits)%2 != 0 || bytes.Count(digits, []byte{'0'}) != len(digits) {
		return errPrepared
	}
	return nil
}

// slot gives the digits of Contents.
func (p *Prepared) slot() (digits []byte, brackets bool) {
	s := p.Tail[p.ByteRange[1]-p.Base : p.ByteRange[2]-p.Base]
	return s[1 : len(s)-1], s[0] == '<' && s[len(s)-1] == '>'
}

// Digests gives the SM3 of the original and that of the bytes the signature
// covers, in one pass over both.
func (p *Prepared) Digests(original []byte) (file, dtbs gm.Digest, err error) {
	if err := p.check(original); err != nil {
		return file, dtbs, err
	}
	h := gm.NewSM3()
	h.Write(original)
	file = sum(h)
	h.Write(p.Tail[:p.ByteRange[1]-p.Base])
	h.Write(p.Tail[p.ByteRange[2]-p.Base:])
	return file, sum(h), nil
}

func sum(h hash.Hash) (d gm.Digest) {
	h.Sum(d[:0])
	return d
}

// Complete gives the stamped file: the original, the increment, and the
// signature, one DER value, in the slot. ErrSlot when it does not fit.
func (p *Prepared) Complete(original, signature []byte) ([]byte, error) {
	if err := p.check(original); err != nil {
		return nil, err
	}
	if n, ok := derLength(signature, len(signature)); !ok || n != len(signature) {
		return nil, errNotDER
	}
	if digits, _ := p.slot(); 2*len(signature) > len(digits) {
		return nil, ErrSlot
	}
	out := make([]byte, 0, len(original)+len(p.Tail))
	out = append(append(out, original...), p.Tail...)
	hex.Encode(out[p.ByteRange[1]+1:], signature)
	return out, nil
}
