package verify

import (
	"encoding"
	"hash"
	"slices"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
)

// Document gives the verdict on a PDF file. It never fails: a file that cannot
// be read is invalid, and the report says why.
func Document(b []byte, t Trust) Report {
	found, err := pdf.Find(b)
	if err != nil {
		return unreadable(b, err)
	}
	file, digests := digestsOf(b, found)
	r := Report{Verdict: Unsealed, SM3: file, Size: len(b), Stamps: make([]Stamp, 0, len(found))}
	for i, f := range found {
		one := examine(f, digests[i], t)
		r.Stamps = append(r.Stamps, one)
		if i == 0 {
			r.Verdict = one.Verdict
		}
		r.Verdict = r.Verdict.worse(one.Verdict)
	}
	r.Words = r.Verdict.Words()
	return r
}

func unreadable(b []byte, err error) Report {
	f := fault.From(err)
	r := Report{Verdict: Invalid, Words: Invalid.Words(), SM3: gm.SM3(b), Size: len(b), Code: f.Code, Reason: Text{f.ZH, f.EN}, Stamps: []Stamp{}}
	if f.Kind == fault.Internal {
		r.Reason = Text{"文件无法读取", "The file cannot be read."}
	}
	return r
}

// digestsOf gives the SM3 of the file and of what each stamp covers, the zero
// digest for a stamp whose ranges are not valid. All of them share their
// beginning, so one pass over the file and one over what follows each gap are
// enough.
func digestsOf(b []byte, found []pdf.Stamp) (file gm.Digest, covered []gm.Digest) {
	covered = make([]gm.Digest, len(found))
	order := make([]int, 0, len(found))
	for i, f := range found {
		if inside(f.ByteRange, int64(len(b))) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(x, y int) int { return int(found[x].ByteRange[1] - found[y].ByteRange[1]) })
	h, at := gm.NewSM3(), int64(0)
	for _, i := range order {
		r := found[i].ByteRange
		h.Write(b[at:r[1]])
		at = r[1]
		covered[i] = sumWith(h, b[:r[1]], b[r[2]:r[2]+r[3]])
	}
	h.Write(b[at:])
	return gm.Digest(h.Sum(nil)), covered
}

// inside reports a ByteRange of two parts, in order, within the file.
func inside(r []int64, size int64) bool {
	return len(r) == 4 && r[0] == 0 && r[1] > 0 && r[1] < r[2] && r[2] <= size && r[3] >= 0 && r[3] <= size-r[2]
}

// sumWith gives the digest of head, which h has taken in, and tail.
func sumWith(h hash.Hash, head, tail []byte) gm.Digest {
	saver, ok := h.(encoding.BinaryMarshaler)
	if !ok {
		return gm.SM3(head, tail)
	}
	state, err := saver.MarshalBinary()
	if err != nil {
		return gm.SM3(head, tail)
	}
	branch := gm.NewSM3()
	loader, ok := branch.(encoding.BinaryUnmarshaler)
	if !ok || loader.UnmarshalBinary(state) != nil {
		return gm.SM3(head, tail)
	}
	branch.Write(tail)
	return gm.Digest(branch.Sum(nil))
}
