package cos

// streamSection reads a cross-reference stream (ISO 32000-1 §7.5.8).
func (f *File) streamSection(off int) (*Section, error) {
	o, err := f.objectAt(off)
	if err != nil {
		return nil, err
	}
	s, ok := o.Value.(*Stream)
	if !ok || s.Dict.Get("Type") != Name("XRef") {
		return nil, damaged(off, "a cross-reference section was expected")
	}
	widths, err := fieldWidths(s)
	if err != nil {
		return nil, err
	}
	data, err := f.Decode(s)
	if err != nil {
		return nil, err
	}
	sec := &Section{Off: off, Stream: true, Trailer: s.Dict}
	return sec, sec.fill(data, widths)
}

func fieldWidths(s *Stream) (w [3]int, err error) {
	a, _ := s.Dict.Get("W").(*Array)
	if a == nil || len(a.Items) != 3 {
		return w, damaged(s.Data, "bad field widths")
	}
	for i, v := range a.Items {
		n, ok := v.(int64)
		if !ok || n < 0 || n > 7 {
			return w, damaged(s.Data, "bad field widths")
		}
		w[i] = int(n)
	}
	if w[1] == 0 {
		return w, damaged(s.Data, "bad field widths")
	}
	return w, nil
}

// fill reads the rows of each pair of Index, by default all of Size.
func (s *Section) fill(data []byte, w [3]int) error {
	pairs := []any{int64(0), s.Trailer.Get("Size")}
	if a, ok := s.Trailer.Get("Index").(*Array); ok {
		pairs = a.Items
	}
	row := w[0] + w[1] + w[2]
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		first, ok1 := pairs[0].(int64)
		count, ok2 := pairs[1].(int64)
		if !ok1 || !ok2 || first < 0 || count < 0 || count > int64(len(data)/row) {
			return damaged(s.Off, "bad cross-reference stream")
		}
		if first > MaxObjects || count > MaxObjects-first || len(s.entries)+int(count) > MaxObjects {
			return overLimit("objects")
		}
		for i := range int(count) {
			s.entries = append(s.entries, numbered{int(first) + i, streamRow(data[:row], w)})
			data = data[row:]
		}
	}
	return nil
}

// streamRow reads one row. An unknown type stands for null (§7.5.8.3).
func streamRow(b []byte, w [3]int) entry {
	typ := 1
	if w[0] > 0 {
		typ = bigEndian(b[:w[0]])
	}
	second, third := bigEndian(b[w[0]:w[0]+w[1]]), bigEndian(b[w[0]+w[1]:])
	switch typ {
	case 1:
		return entry{kind: inFile, off: second, gen: min(third, 65535)}
	case 2:
		return entry{kind: inStream, off: second, index: third}
	}
	return entry{kind: free}
}

func bigEndian(b []byte) int {
	n := 0
	for _, c := range b {
		n = n<<8 | int(c)
	}
	return n
}
