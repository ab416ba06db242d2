package pdf_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"yunzhang.dev/cloudseal/pdf"
)

// clean reports whether a file with one or more stamps passes in every respect
// that this package can judge.
func clean(file []byte, want int) bool {
	stamps, err := pdf.Find(file)
	if err != nil || len(stamps) != want || !stamps[want-1].WholeFile {
		return false
	}
	for _, s := range stamps {
		if !intact(file, s) {
			return false
		}
		for _, r := range s.LaterRevisions {
			if r.Kind != pdf.RevisionSignature {
				return false
			}
		}
	}
	return true
}

const smallSlot = 2 << 10

// stampedOnce and stampedTwice keep the slot small, so that every digit of it
// can be tried.
func stampedOnce(t testing.TB, style string) []byte {
	return stamped(t, a4().bytes(style), pdf.Place{Page: 1, X: 100, Y: 100}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
}

func stampedTwice(t testing.TB, style string) []byte {
	return stamped(t, stampedOnce(t, style), pdf.Place{Page: 1, X: 20, Y: 20}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
}

// tiny is a seal of few bytes.
var tiny = sync.OnceValue(func() pdf.Picture { return paletted(4) })

// TestNoChangedByteStaysUnnoticed changes every byte of ByteRange, of Contents
// and of the last 2 KiB, and some of everything else.
func TestNoChangedByteStaysUnnoticed(t *testing.T) {
	t.Parallel()
	// In the first style every byte, in the others every seventh: what is
	// looked at here does not depend on the style.
	for style, step := range map[string]int{classic: 1, packed: 7, hybrid: 7} {
		t.Run(style, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			file := stampedOnce(t, style)
			flip := flipper(t, file, 1)
			s := find(t, file)[0]
			from, to := int(s.ByteRange[1]), int(s.ByteRange[2])
			for at := from; at < to; at += step {
				flip(at, byte(1+random.IntN(255)))
				flip(at, 0x20) // the case of a letter
				flip(at, 0x10) // a digit into white space
			}
			numbers := bytes.LastIndex(file[:from], []byte("/ByteRange"))
			for at := numbers; at < from; at += step {
				for x := 1; x < 256; x += 1 + random.IntN(8) {
					flip(at, byte(x))
				}
			}
			for at := len(file) - 2048; at < len(file); at += step {
				flip(at, byte(1+random.IntN(255)))
			}
			for range 300 {
				flip(random.IntN(len(file)), byte(1+random.IntN(255)))
			}
		})
	}
}

func TestNoChangedByteStaysUnnoticedInEitherRevision(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	file := stampedTwice(t, stream)
	flip := flipper(t, file, 2)
	for range 1000 {
		flip(random.IntN(len(file)), byte(1+random.IntN(255)))
	}
}

// flipper changes one byte, looks, and changes it back.
func flipper(t *testing.T, original []byte, stamps int) func(at int, x byte) {
	t.Helper()
	file := bytes.Clone(original)
	if !clean(file, stamps) {
		t.Fatal("not clean to begin with")
	}
	return func(at int, x byte) {
		file[at] ^= x
		if clean(file, stamps) {
			t.Errorf("byte %d, %q instead of %q, went unnoticed", at, file[at], original[at])
		}
		file[at] ^= x
	}
}

func TestCutAndLengthenedFilesAreNotClean(t *testing.T) {
	t.Parallel()
	file := stampedOnce(t, stream)
	for _, n := range []int{1, 2, 6, 7, 100, 1000, len(file) / 2, len(file) - 1, len(file)} {
		if clean(file[:len(file)-n], 1) {
			t.Errorf("%d bytes cut off went unnoticed", n)
		}
	}
	for _, more := range []string{"\n", " ", "\x00", "%%EOF\n", "junk", string(file)} {
		if clean(append(bytes.Clone(file), more...), 1) {
			t.Errorf("%.10q at the end went unnoticed", more)
		}
	}
	s := find(t, file)[0]
	for _, at := range []int64{1, 20, s.ByteRange[1], s.ByteRange[1] + 1, s.ByteRange[2] - 1, s.ByteRange[2]} {
		longer := append(bytes.Clone(file[:at]), ' ')
		if clean(append(longer, file[at:]...), 1) {
			t.Errorf("a blank at %d went unnoticed", at)
		}
		shorter := append(bytes.Clone(file[:at]), file[at+1:]...)
		if clean(shorter, 1) {
			t.Errorf("a byte less at %d went unnoticed", at)
		}
	}
}
