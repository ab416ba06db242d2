package pdf

import (
	"errors"

	"yunzhang.dev/cloudseal/gm"
)

// Stamp is a signature found in a file, its own maker's or a stranger's.
type Stamp struct {
	Field             string // full name of the signature field, "" when there is none
	Filter, SubFilter string
	ByteRange         []int64
	Contents          []byte // padding included
	DER               []byte // the first DER value of Contents, nil when there is none
	Page              int    // of the visible widget, 0 for none
	Place             Place
	// WholeFile: everything but Contents is covered, to the last byte.
	WholeFile bool
	// LaterRevisions is what follows the covered bytes, in order.
	LaterRevisions []Revision
	// Problems lists by code whatever is not as it has to be. A stamp with one
	// is not intact, even if its digest is right.
	Problems []string

	object int // number of the signature dictionary, 0 when it has none
	start  int // where the dictionary begins in the file
}

// Codes of problems.
const (
	ProblemByteRange   = "byte-range"           // not [0 a b c] within the file
	ProblemGap         = "gap"                  // the gap is not exactly this signature's Contents
	ProblemUncovered   = "dictionary-uncovered" // the dictionary is not all covered
	ProblemContents    = "contents"             // no hexadecimal string of whole bytes
	ProblemDigits      = "contents-digits"      // digits in both cases, or something between them
	ProblemPadding     = "contents-padding"     // something other than zeros after the signature
	ProblemDER         = "contents-der"         // no DER value at the beginning
	ProblemDuplicate   = "duplicate-key"        // a key twice in the dictionary
	ProblemCompressed  = "compressed"           // the dictionary has no place in the file
	ProblemRevision    = "revision"             // the covered bytes are no revision with this signature in it
	ProblemShared      = "shared"               // another field has the same signature
	ProblemDetached    = "detached"             // no field leads to it any more
	ProblemWidgetTwice = "several-widgets"      // shown in more than one place
)

// Revision is a stretch of the file behind what a stamp covers.
type Revision struct {
	From, To int64
	Kind     string // RevisionSignature or RevisionOther
	Field    string // the signature's field
	Why      string // of RevisionOther: what was changed, for the report
}

// Kinds of later revisions. A signature revision adds one more signature with
// its widget and nothing else; it ends where that signature's covered bytes end.
const (
	RevisionSignature = "signature"
	RevisionOther     = "other"
)

var errRange = errors.New("pdf: the stamp covers no valid range")

// Digest gives the SM3 of the bytes that ByteRange covers: the dataHash of the
// signature (GB/T 38540 §7.2). It fails when ByteRange is not valid for b.
func (s Stamp) Digest(b []byte) (gm.Digest, error) {
	r := s.ByteRange
	if !validRange(r, int64(len(b))) {
		return gm.Digest{}, errRange
	}
	return gm.SM3(b[:r[1]], b[r[2]:r[2]+r[3]]), nil
}

// validRange: [0 a b c], in order, not overlapping, within the file, with a gap
// for at least "<>".
func validRange(r []int64, size int64) bool {
	return len(r) == 4 && r[0] == 0 && r[1] > 0 && r[1] <= size && r[2] >= r[1]+2 && r[2] <= size &&
		r[3] >= 0 && r[3] <= size-r[2]
}

// covered is where the covered bytes end, 0 when ByteRange is not valid.
func (s *Stamp) covered(size int) int {
	if !validRange(s.ByteRange, int64(size)) {
		return 0
	}
	return int(s.ByteRange[2] + s.ByteRange[3])
}

func (s *Stamp) problem(code string) { s.Problems = append(s.Problems, code) }
