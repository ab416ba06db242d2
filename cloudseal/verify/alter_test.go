package verify_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/verify"
)

// stamped is a good stamp with the places in the file that matter.
type stamped struct {
	file      []byte
	trust     verify.Trust
	covered   int // first byte of the slot, its angle bracket
	slotEnd   int // behind the other one
	signature int // bytes of DER in the slot
	byteRange [2]int
}

func newStamped(t testing.TB) *stamped {
	t.Helper()
	f := newForge(t)
	s := &stamped{file: f.make(), trust: f.trust}
	found, err := pdf.Find(s.file)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d stamps, %v", len(found), err)
	}
	s.covered, s.slotEnd = int(found[0].ByteRange[1]), int(found[0].ByteRange[2])
	s.signature = len(found[0].DER)
	at := bytes.LastIndex(s.file, []byte("/ByteRange"))
	s.byteRange = [2]int{at, at + bytes.IndexByte(s.file[at:], ']') + 1}
	return s
}

// never tries a list of changes on all processors: none of them may be genuine,
// and none may bring the verifier down.
func (s *stamped) never(t *testing.T, changes []change) {
	t.Helper()
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for n := range workers {
		wg.Go(func() {
			b := bytes.Clone(s.file)
			for i := n * sample; i < len(changes); i += workers * sample {
				c := changes[i]
				b[c.at] ^= c.by
				if r := verify.Document(b, s.trust); r.Verdict == verify.Genuine {
					t.Errorf("byte %d of %d xor %#x: genuine", c.at, len(b), c.by)
				}
				b[c.at] ^= c.by
			}
		})
	}
	wg.Wait()
}

type change struct {
	at int
	by byte
}

func each(from, to int, by func(at int) byte) []change {
	changes := make([]change, 0, to-from)
	for at := from; at < to; at++ {
		changes = append(changes, change{at, by(at)})
	}
	return changes
}

func random(r *rand.Rand) func(int) byte { return func(int) byte { return byte(1 + r.IntN(255)) } }

func TestTheUnalteredStampIsGenuine(t *testing.T) {
	t.Parallel()
	s := newStamped(t)
	if r := verify.Document(s.file, s.trust); r.Verdict != verify.Genuine {
		t.Fatalf("%s %+v", r.Verdict, r.Stamps)
	}
}

func TestAlteredCoveredBytes(t *testing.T) {
	t.Parallel()
	s := newStamped(t)
	r := rand.New(rand.NewPCG(1, 2))
	var changes []change
	for range 1000 {
		at := r.IntN(len(s.file) - (s.slotEnd - s.covered))
		if at >= s.covered {
			at += s.slotEnd - s.covered
		}
		changes = append(changes, change{at, byte(1 + r.IntN(255))})
	}
	s.never(t, changes)
}

func TestAlteredByteRange(t *testing.T) {
	t.Parallel()
	s := newStamped(t)
	for _, by := range []byte{0x01, 0x10, 0x20, 0x80} {
		s.never(t, each(s.byteRange[0], s.byteRange[1], func(int) byte { return by }))
	}
}

func TestAlteredEnd(t *testing.T) {
	t.Parallel()
	s := newStamped(t)
	s.never(t, each(len(s.file)-2048, len(s.file), random(rand.New(rand.NewPCG(3, 4)))))
}

// Every byte of the DER gets another value, and every letter among its digits
// the other case.
func TestAlteredSignature(t *testing.T) {
	t.Parallel()
	s := newStamped(t)
	digits := s.covered + 1
	r := rand.New(rand.NewPCG(5, 6))
	var changes []change
	for n := range s.signature {
		at := digits + 2*n + r.IntN(2) // one of the byte's digits
		value := digit(t, s.file[at])
		changes = append(changes, change{at, s.file[at] ^ "0123456789abcdef"[value^(1+r.IntN(15))]})
	}
	s.never(t, changes)
	var letters []change
	for at := digits; at < digits+2*s.signature; at++ {
		if s.file[at] >= 'a' {
			letters = append(letters, change{at, 0x20})
		}
	}
	if len(letters) < 100 {
		t.Fatalf("only %d letters", len(letters))
	}
	s.never(t, letters[:len(letters)/4])
}

func digit(t *testing.T, c byte) int {
	t.Helper()
	b, err := hex.DecodeString("0" + string(c))
	if err != nil {
		t.Fatal(err)
	}
	return int(b[0])
}

func TestAlteredPadding(t *testing.T) {
	t.Parallel()
	s := newStamped(t)
	from := s.covered + 1 + 2*s.signature
	if s.slotEnd-1-from < 500 {
		t.Fatalf("only %d digits of padding", s.slotEnd-1-from)
	}
	s.never(t, each(from, s.slotEnd, random(rand.New(rand.NewPCG(7, 8)))))
	var digits []change // what stays a digit is the dangerous change
	for at := from; at < s.slotEnd-1; at += 7 {
		digits = append(digits, change{at, 0x01})
	}
	s.never(t, digits)
	s.never(t, []change{{s.covered, 0x01}, {s.covered, 0x80}, {s.slotEnd - 1, 0x02}, {s.slotEnd - 1, 0x01}}) // the brackets
}

// FuzzDocument: whatever stands in the file, the verifier comes to a verdict,
// and to genuine only for the very file.
func FuzzDocument(f *testing.F) {
	s := newStamped(f)
	f.Add(s.file)
	f.Add(s.file[:s.covered])
	f.Add([]byte("%PDF-1.7\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := verify.Document(b, s.trust)
		if r.Verdict == verify.Genuine && !bytes.Equal(b, s.file) {
			t.Fatal("genuine")
		}
		if r.Words.ZH == "" || r.Words.EN == "" {
			t.Fatalf("no words for %s", r.Verdict)
		}
	})
}

// FuzzSignature puts any DER into the slot.
func FuzzSignature(f *testing.F) {
	s := newStamped(f)
	good := make([]byte, s.signature)
	if _, err := hex.Decode(good, s.file[s.covered+1:s.covered+1+2*s.signature]); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Fuzz(func(t *testing.T, der []byte) {
		room := s.slotEnd - s.covered - 2
		if 2*len(der) > room {
			return
		}
		b := bytes.Clone(s.file)
		slot := bytes.Repeat([]byte{'0'}, room)
		hex.Encode(slot, der)
		copy(b[s.covered+1:], slot)
		if r := verify.Document(b, s.trust); r.Verdict == verify.Genuine && !bytes.Equal(b, s.file) {
			t.Fatalf("genuine with %x", der)
		}
	})
}
