package cos

// unpredict undoes the PNG predictors (ISO 32000-1 §7.4.4.4); 1 is none.
func (f *File) unpredict(data []byte, parms *Dict, off int) ([]byte, error) {
	p, _ := f.Int(parms.Get("Predictor"))
	if p <= 1 {
		return data, nil
	}
	colors := f.orOne(parms.Get("Colors"), 1)
	bits := f.orOne(parms.Get("BitsPerComponent"), 8)
	columns := f.orOne(parms.Get("Columns"), 1)
	if p < 10 || colors > 32 || bits > 16 || columns > 1<<20 {
		return nil, damaged(off, "predictor not supported here")
	}
	row := (int(colors*bits*columns) + 7) / 8
	pixel := max(1, int(colors*bits)/8)
	return unfilterRows(data, row, pixel, off)
}

func (f *File) orOne(v any, otherwise int64) int64 {
	if n, ok := f.Int(v); ok && n > 0 {
		return n
	}
	return otherwise
}

// unfilterRows works in place: each row loses its leading filter byte.
func unfilterRows(data []byte, row, pixel, off int) ([]byte, error) {
	out := data[:0]
	above := make([]byte, row)
	for len(data) > 0 {
		if len(data) < row+1 {
			return nil, damaged(off, "rows cut short")
		}
		filter, line := data[0], data[1:row+1]
		data = data[row+1:]
		if filter > 4 {
			return nil, damaged(off, "bad row filter")
		}
		unfilter(filter, line, above, pixel)
		out = append(out, line...)
		above = out[len(out)-row:]
	}
	return out, nil
}

func unfilter(filter byte, line, above []byte, pixel int) {
	for i := range line {
		var left, corner byte
		if i >= pixel {
			left, corner = line[i-pixel], above[i-pixel]
		}
		switch filter {
		case 1:
			line[i] += left
		case 2:
			line[i] += above[i]
		case 3:
			line[i] += byte((int(left) + int(above[i])) / 2)
		case 4:
			line[i] += paeth(left, above[i], corner)
		}
	}
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
