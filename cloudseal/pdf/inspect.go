package pdf

import (
	"bytes"
	"encoding/hex"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// inspect reads a signature dictionary against the bytes of the file. object is
// what the dictionary stands in; nil when that cannot be told.
func (s *search) inspect(d *cos.Dict, object *cos.Object) Stamp {
	var st Stamp
	st.Filter = string(s.file.Name(d.Get("Filter")))
	st.SubFilter = string(s.file.Name(d.Get("SubFilter")))
	st.start = d.Off
	if d.Twice() != "" {
		st.problem(ProblemDuplicate)
	}
	placed := object != nil && !object.Compressed()
	if !placed {
		st.problem(ProblemCompressed)
		st.start = -1
	} else {
		st.object = object.Num
	}
	st.readRange(d)
	contents, ok := d.Get("Contents").(cos.String)
	st.readContents(contents, ok)
	st.compareRange(d, contents, len(s.file.Data), placed)
	return st
}

// readRange takes direct integers only: what another object says could be
// replaced later.
func (s *Stamp) readRange(d *cos.Dict) {
	a, ok := d.Get("ByteRange").(*cos.Array)
	if !ok {
		return
	}
	for _, v := range a.Items {
		n, ok := v.(int64)
		if !ok || len(s.ByteRange) == 4 {
			s.ByteRange = nil
			return
		}
		s.ByteRange = append(s.ByteRange, n)
	}
}

// compareRange: the gap is the Contents of this very dictionary, with its angle
// brackets, and all else of the dictionary is covered.
func (s *Stamp) compareRange(d *cos.Dict, contents cos.String, size int, placed bool) {
	if !validRange(s.ByteRange, int64(size)) {
		s.problem(ProblemByteRange)
		return
	}
	s.WholeFile = s.covered(size) == size
	if !placed {
		return
	}
	from, to := int64(contents.Off), int64(contents.Off+len(contents.Raw))
	if s.ByteRange[1] != from || s.ByteRange[2] != to {
		s.problem(ProblemGap)
	}
	if d.End() > s.covered(size) {
		s.problem(ProblemUncovered)
	}
}

// readContents reads the slot digit by digit: whole bytes, one case, one DER
// value, zeros after it. A reader that skipped blanks or did not mind the case
// would let two files pass as one.
func (s *Stamp) readContents(str cos.String, ok bool) {
	if !ok || !str.Hex() || len(str.Raw) < 2 || len(str.Raw)%2 != 0 {
		s.problem(ProblemContents)
		return
	}
	digits := str.Raw[1 : len(str.Raw)-1]
	s.Contents = make([]byte, len(digits)/2)
	var head [derHead]byte
	got, _ := hex.Decode(head[:], digits[:min(2*derHead, len(digits))])
	n, ok := derLength(head[:got], len(s.Contents))
	used := 2 * n
	switch {
	case !ok:
		s.problem(ProblemDER)
		used = len(digits)
	case bytes.Count(digits[used:], []byte{'0'}) != len(digits)-used:
		s.problem(ProblemPadding)
		used = len(digits)
	}
	if _, err := hex.Decode(s.Contents, digits[:used]); err != nil || !oneCase(digits[:used]) {
		s.problem(ProblemDigits)
	}
	if ok {
		s.DER = s.Contents[:n:n]
	}
}

// oneCase reports whether hexadecimal digits are all lower or all upper case.
func oneCase(digits []byte) bool {
	lower, upper := false, false
	for _, c := range digits {
		lower = lower || 'a' <= c && c <= 'f'
		upper = upper || 'A' <= c && c <= 'F'
	}
	return !(lower && upper)
}
