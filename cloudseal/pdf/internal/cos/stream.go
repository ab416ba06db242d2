package cos

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
)

// Decode gives the decoded data of a stream. Only what structures use is
// known: no filter, or FlateDecode with the PNG predictors.
func (f *File) Decode(s *Stream) ([]byte, error) {
	raw, err := f.Raw(s)
	if err != nil {
		return nil, err
	}
	filter := f.Resolve(s.Dict.Get("Filter"))
	parms := f.Resolve(s.Dict.Get("DecodeParms"))
	if a, ok := filter.(*Array); ok && len(a.Items) <= 1 {
		filter, parms = nil, first(f.Items(parms))
		if len(a.Items) == 1 {
			filter = f.Resolve(a.Items[0])
		}
	}
	switch filter {
	case nil:
		return raw, nil
	case Name("FlateDecode"), Name("Fl"):
	default:
		return nil, damaged(s.Data, "filter not supported here")
	}
	out, err := f.inflate(raw)
	if err != nil {
		return nil, err
	}
	return f.unpredict(out, f.Dict(parms), s.Data)
}

func first(items []any) any {
	if len(items) == 0 {
		return nil
	}
	return items[0]
}

// Raw gives a stream's data as it stands in the file. Its Length must lead to
// endstream: readers differ in what they do when it does not.
func (f *File) Raw(s *Stream) ([]byte, error) {
	n, ok := f.Int(s.Dict.Get("Length"))
	if !ok || n < 0 || n > int64(len(f.Data)-s.Data) {
		return nil, damaged(s.Data, "bad stream length")
	}
	l := lexer{src: f.Data, pos: s.Data + int(n)}
	l.skip()
	if !l.word("endstream") {
		return nil, damaged(l.pos, "endstream was expected")
	}
	return f.Data[s.Data : s.Data+int(n)], nil
}

// inflate decompresses within what is left of MaxInflated and of the budget.
func (f *File) inflate(raw []byte) ([]byte, error) {
	if err := f.resetZlib(raw); err != nil {
		return nil, err
	}
	left := max(0, min(MaxInflated-f.inflated, f.budget.inflate))
	out, err := readUpTo(f.zlib, left, 4*len(raw))
	f.inflated += len(out)
	f.budget.inflate -= len(out)
	if len(out) > left {
		return nil, overLimit("inflated bytes")
	}
	// A stream cut short is damaged; a wrong checksum at its end is not: many
	// writers get it wrong and no reader looks.
	if err != nil && !errors.Is(err, zlib.ErrChecksum) {
		return nil, damaged(0, "bad compressed data")
	}
	return out, nil
}

// readUpTo reads to the end, or one byte more than the limit. It never takes
// more memory than that for its result.
func readUpTo(r io.Reader, limit, guess int) ([]byte, error) {
	out := make([]byte, 0, min(guess, limit)+1)
	for {
		n, err := r.Read(out[len(out):cap(out)])
		switch out = out[:len(out)+n]; {
		case err == io.EOF:
			return out, nil
		case err != nil || len(out) > limit:
			return out, err
		case len(out) == cap(out):
			grown := make([]byte, len(out), min(2*len(out), limit+1))
			copy(grown, out)
			out = grown
		}
	}
}

func (f *File) resetZlib(raw []byte) (err error) {
	if f.zlib == nil {
		f.zlib, err = zlib.NewReader(bytes.NewReader(raw))
	} else {
		err = f.zlib.(zlib.Resetter).Reset(bytes.NewReader(raw), nil)
	}
	if err != nil {
		return damaged(0, "bad compressed data")
	}
	return nil
}
