package cos

import (
	"bytes"
	"sort"
)

// Limits of looking backwards for the beginning of an object.
const (
	backWindow = 4 << 20 // longer than any signature's Contents
	backTries  = 8       // "obj" may also stand in a string
)

// Around gives the object whose value is written around a position, whether
// the tables lead to it or not, and nil when there is none. A position within
// the data of a known stream is in no object.
func (f *File) Around(at int) *Object {
	if f.inStreamData(at) {
		return nil
	}
	from := max(0, at-backWindow)
	window := f.Data[from:at]
	for range backTries {
		n := bytes.LastIndex(window, []byte("obj"))
		if n < 0 {
			return nil
		}
		if start, ok := f.headerBefore(from + n); ok {
			o, err := f.objectAt(start)
			if err == nil && o.Off <= at && at < o.End {
				return o
			}
		}
		window = window[:n]
	}
	return nil
}

// headerBefore goes back over "n g " to where an object's header begins.
func (f *File) headerBefore(pos int) (int, bool) {
	for range 2 {
		end := pos
		for pos > 0 && isSpace(f.Data[pos-1]) {
			pos--
		}
		if pos == end {
			return 0, false
		}
		end = pos
		for pos > 0 && isDigit(f.Data[pos-1]) {
			pos--
		}
		if pos == end {
			return 0, false
		}
	}
	return pos, true
}

// inStreamData reports whether the known object that begins last before the
// position is a stream whose data reaches over it.
func (f *File) inStreamData(at int) bool {
	starts := f.starts()
	i := sort.SearchInts(starts, at+1) - 1
	if i < 0 {
		return false
	}
	o, err := f.objectAt(starts[i])
	if err != nil {
		return false
	}
	s, ok := o.Value.(*Stream)
	if !ok || at < s.Data {
		return false
	}
	raw, err := f.Raw(s)
	return err == nil && at < s.Data+len(raw)
}

// starts lists where the objects of all revisions begin, ascending.
func (f *File) starts() []int {
	if f.offsets == nil {
		for i := range f.Sections {
			for _, e := range f.Sections[i].entries {
				if e.kind == inFile {
					f.offsets = append(f.offsets, e.off)
				}
			}
		}
		sort.Ints(f.offsets)
	}
	return f.offsets
}
