package cos

// objectStream is a decoded object stream (ISO 32000-1 §7.5.7).
type objectStream struct {
	data []byte
	nums []int
	offs []int
}

func (f *File) loadCompressed(ref Ref, e entry) (*Object, error) {
	s, err := f.objectStream(e.off)
	if err != nil {
		return nil, err
	}
	if e.index >= len(s.nums) || s.nums[e.index] != ref.Num {
		return nil, damaged(0, "object %d is not in its object stream", ref.Num)
	}
	off := s.offs[e.index]
	l, err := f.lex(s.data, off)
	if err != nil {
		return nil, err
	}
	defer f.account(l, off)
	v, err := l.operand()
	if err != nil {
		return nil, err
	}
	return &Object{Ref: ref, Value: v, Off: -1}, nil
}

// objectStream decodes the object stream of a number, once.
func (f *File) objectStream(num int) (*objectStream, error) {
	if s, ok := f.streams[num]; ok {
		return s, nil
	}
	// The container stands in the file itself, and nothing it needs stands in
	// another container: this ends recursion.
	if f.opening || num <= 0 || num >= f.top || f.entries[num].kind != inFile {
		return nil, damaged(0, "object stream %d is missing", num)
	}
	f.opening = true
	defer func() { f.opening = false }()
	o, err := f.Number(num)
	if err != nil {
		return nil, err
	}
	st, ok := o.Value.(*Stream)
	if !ok || st.Dict.Get("Type") != Name("ObjStm") {
		return nil, damaged(o.Off, "an object stream was expected")
	}
	data, err := f.Decode(st)
	if err != nil {
		return nil, err
	}
	s := &objectStream{data: data}
	if err := s.index(f, st); err != nil {
		return nil, err
	}
	f.streams[num] = s
	return s, nil
}

// index reads the pairs of number and offset at the stream's beginning.
func (s *objectStream) index(f *File, st *Stream) error {
	n, ok1 := f.Int(st.Dict.Get("N"))
	first, ok2 := f.Int(st.Dict.Get("First"))
	if !ok1 || !ok2 || n < 0 || first < 0 || first > int64(len(s.data)) || n > first {
		return damaged(st.Data, "bad object stream")
	}
	l := lexer{src: s.data[:first]}
	for range n {
		l.skip()
		num, ok1 := plainInt(l.regular())
		l.skip()
		off, ok2 := plainInt(l.regular())
		if !ok1 || !ok2 || off >= int64(len(s.data))-first {
			return damaged(st.Data, "bad object stream")
		}
		s.nums = append(s.nums, int(num))
		s.offs = append(s.offs, int(first+off))
	}
	return nil
}
