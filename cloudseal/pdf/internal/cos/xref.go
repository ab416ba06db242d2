package cos

import "bytes"

// Section is one cross-reference section: a table with its trailer, or a
// stream.
type Section struct {
	Off     int
	Stream  bool
	Trailer *Dict
	entries []numbered
}

type kind uint8

const (
	unset kind = iota
	free
	inFile
	inStream
)

// entry says where an object is: at an offset, or as item index of the object
// stream number off.
type entry struct {
	kind  kind
	gen   int
	off   int
	index int
}

type numbered struct {
	num int
	entry
}

// startWindow is how far from the end of the file startxref may stand; readers
// look at about the last kilobyte.
const startWindow = 2048

// findStart finds the last startxref and the %%EOF after it.
func (f *File) findStart() error {
	from := max(0, len(f.Data)-startWindow)
	at := bytes.LastIndex(f.Data[from:], []byte("startxref"))
	if at < 0 {
		return damaged(len(f.Data), "no startxref near the end")
	}
	l := lexer{src: f.Data, pos: from + at}
	if !l.word("startxref") {
		return damaged(l.pos, "bad startxref")
	}
	for !l.atEnd() && isSpace(l.src[l.pos]) {
		l.pos++
	}
	n, ok := plainInt(l.regular())
	if !ok || n >= int64(len(f.Data)) {
		return damaged(l.pos, "bad startxref")
	}
	f.Start = int(n)
	return f.findEnd(&l)
}

func (f *File) findEnd(l *lexer) error {
	for !l.atEnd() && isSpace(l.src[l.pos]) {
		l.pos++
	}
	if !bytes.HasPrefix(l.src[l.pos:], []byte("%%EOF")) {
		return damaged(l.pos, "no end-of-file mark")
	}
	l.pos += len("%%EOF")
	if l.peek(0) == '\r' {
		l.pos++
	}
	if l.peek(0) == '\n' {
		l.pos++
	}
	f.End = l.pos
	return nil
}

// readChain reads the sections from startxref along Prev and merges them: the
// first that names an object wins.
func (f *File) readChain() error {
	seen := map[int]bool{}
	for off, more := f.Start, true; more; {
		if seen[off] {
			return damaged(off, "sections in a circle")
		}
		if seen[off] = true; len(seen) > MaxSections {
			return overLimit("sections")
		}
		s, err := f.section(off)
		if err != nil {
			return err
		}
		if s.Trailer.Has("Encrypt") {
			return ErrEncrypted
		}
		f.Sections = append(f.Sections, *s)
		f.merge(s.entries)
		if off, more, err = prev(s.Trailer); err != nil {
			return err
		}
	}
	return nil
}

func prev(trailer *Dict) (off int, more bool, err error) {
	v := trailer.Get("Prev")
	if v == nil {
		return 0, false, nil
	}
	n, ok := v.(int64)
	if !ok || n < 0 || n > 1<<40 {
		return 0, false, damaged(trailer.Off, "bad Prev")
	}
	return int(n), true, nil
}

func (f *File) merge(entries []numbered) {
	for _, e := range entries {
		if e.num >= len(f.entries) {
			f.entries = append(f.entries, make([]entry, max(64, e.num+1-len(f.entries)))...)
		}
		f.top = max(f.top, e.num+1)
		if f.entries[e.num].kind == unset {
			f.entries[e.num] = e.entry
		}
	}
}

// section reads the table or stream at an offset.
func (f *File) section(off int) (*Section, error) {
	l, err := f.lex(f.Data, off)
	if err != nil {
		return nil, err
	}
	l.skip()
	if !l.word("xref") {
		return f.streamSection(off)
	}
	s := &Section{Off: off}
	err = l.table(s)
	f.account(l, off)
	if err != nil {
		return nil, err
	}
	return s, f.hybrid(s)
}

// hybrid adds the stream that a table's trailer points to (ISO 32000-1
// §7.5.8.4): an object the table hides as free is found there.
func (f *File) hybrid(s *Section) error {
	v := s.Trailer.Get("XRefStm")
	if v == nil {
		return nil
	}
	off, ok := v.(int64)
	if !ok || off < 0 || off >= int64(len(f.Data)) {
		return damaged(s.Off, "bad XRefStm")
	}
	hidden, err := f.streamSection(int(off))
	if err != nil {
		return err
	}
	inUse := map[int]entry{}
	var shown, rest []numbered
	for _, e := range s.entries {
		if e.kind == inFile {
			inUse[e.num] = e.entry
			shown = append(shown, e)
		} else {
			rest = append(rest, e)
		}
	}
	for _, e := range hidden.entries {
		if t, ok := inUse[e.num]; ok && e.kind != free && t != e.entry {
			// Old and new readers would see different objects.
			return damaged(s.Off, "table and stream disagree about object %d", e.num)
		}
	}
	s.entries = append(append(shown, hidden.entries...), rest...)
	return nil
}
