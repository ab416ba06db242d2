package cos

import (
	"bytes"
	"io"
)

// File is an opened file. It is for one goroutine: reading fills its caches.
type File struct {
	// Data is the file itself; values share its memory.
	Data []byte
	// Sections are the cross-reference sections, the one that counts first.
	Sections []Section
	// Start is the value of the last startxref.
	Start int
	// End is where the last revision ends: after its %%EOF and line end. What
	// follows is in no revision.
	End int

	entries  []entry
	objects  map[int]*Object
	streams  map[int]*objectStream
	offsets  []int // see starts
	zlib     io.ReadCloser
	top      int // one past the highest object number
	opening  bool
	inflated int // bytes held inflated
	budget   *Budget
	err      error
}

// Open reads the cross-reference chain of a file.
func Open(data []byte) (*File, error) { return OpenWithin(data, NewBudget(len(data), 1)) }

// OpenWithin is Open, at the expense of the given budget.
func OpenWithin(data []byte, budget *Budget) (*File, error) {
	f := &File{
		Data:    data,
		objects: map[int]*Object{},
		streams: map[int]*objectStream{},
		budget:  budget,
	}
	if !bytes.HasPrefix(data, []byte("%PDF-")) {
		return nil, damaged(0, "no PDF header")
	}
	if err := f.findStart(); err != nil {
		return nil, err
	}
	if err := f.readChain(); err != nil {
		return nil, err
	}
	return f, nil
}

// Trailer is the newest section's.
func (f *File) Trailer() *Dict { return f.Sections[0].Trailer }

// Streamed reports whether the newest section is a cross-reference stream; an
// increment has to go on in the same style (ISO 32000-1 §7.5.8.4).
func (f *File) Streamed() bool { return f.Sections[0].Stream }

// NextNum is the first object number that no revision has used.
func (f *File) NextNum() int {
	next := f.top
	for i := range f.Sections {
		if n, ok := f.Sections[i].Trailer.Get("Size").(int64); ok && n <= MaxObjects {
			next = max(next, int(n))
		}
	}
	return max(next, 1)
}

// Each reads every object in use, in the order of their numbers, and keeps
// none of them. An object that cannot be read comes as an error.
func (f *File) Each(visit func(num int, o *Object, err error)) {
	for num := range f.top {
		e := f.entries[num]
		if e.kind != inFile && e.kind != inStream {
			continue
		}
		o, err := f.objects[num], error(nil)
		if o == nil {
			o, err = f.load(Ref{num, e.gen}, e)
		}
		visit(num, o, err)
	}
}

// Load gives an object, nil for one that is free or absent. An error says that
// the tables lead to something that is not the object.
func (f *File) Load(ref Ref) (*Object, error) {
	if ref.Num <= 0 || ref.Num >= f.top {
		return nil, nil
	}
	e := f.entries[ref.Num]
	if (e.kind != inFile && e.kind != inStream) || e.gen != ref.Gen {
		return nil, nil
	}
	if o, ok := f.objects[ref.Num]; ok {
		return o, nil
	}
	o, err := f.load(ref, e)
	if err != nil {
		return nil, err
	}
	f.objects[ref.Num] = o
	return o, nil
}

// Number gives the live object of a number, whatever its generation.
func (f *File) Number(num int) (*Object, error) {
	if num <= 0 || num >= f.top {
		return nil, nil
	}
	return f.Load(Ref{num, f.entries[num].gen})
}

func (f *File) load(ref Ref, e entry) (*Object, error) {
	if e.kind == inStream {
		return f.loadCompressed(ref, e)
	}
	o, err := f.objectAt(e.off)
	if err != nil {
		return nil, err
	}
	if o.Ref != ref {
		return nil, damaged(e.off, "object %d was expected", ref.Num)
	}
	return o, nil
}

// objectAt reads "n g obj … endobj" at an offset. A stream's data is left
// alone.
func (f *File) objectAt(off int) (*Object, error) {
	l, err := f.lex(f.Data, off)
	if err != nil {
		return nil, err
	}
	defer f.account(l, off)
	o := &Object{}
	if err := l.header(o); err != nil {
		return nil, err
	}
	v, err := l.operand()
	if err != nil {
		return nil, err
	}
	o.Value, o.End = v, l.pos
	l.skip()
	if d, ok := v.(*Dict); ok && l.streamKeyword() {
		o.Value, o.End = &Stream{Dict: d, Data: l.pos}, l.pos
		return o, nil
	}
	if !l.word("endobj") {
		return nil, damaged(l.pos, "endobj was expected")
	}
	return o, nil
}

// lex starts reading in a buffer; account takes what it cost off the limits.
func (f *File) lex(src []byte, off int) (*lexer, error) {
	if off < 0 || off >= len(src) {
		return nil, damaged(off, "outside the file")
	}
	if f.budget.work < 0 {
		return nil, overLimit("work")
	}
	return &lexer{src: src, pos: off, values: f.budget.values}, nil
}

func (f *File) account(l *lexer, off int) {
	f.budget.work -= l.pos - off
	f.budget.values = l.values
}

// header passes "n g obj".
func (l *lexer) header(o *Object) error {
	l.skip()
	o.Off = l.pos
	num, ok1 := plainInt(l.regular())
	l.skip()
	gen, ok2 := plainInt(l.regular())
	l.skip()
	if !ok1 || !ok2 || !l.word("obj") || num >= MaxObjects || gen > 65535 {
		return damaged(o.Off, "an object was expected")
	}
	o.Ref = Ref{int(num), int(gen)}
	return nil
}

// streamKeyword passes "stream" and its line end.
func (l *lexer) streamKeyword() bool {
	if !l.word("stream") {
		return false
	}
	if l.peek(0) == '\r' {
		l.pos++
	}
	if l.peek(0) == '\n' {
		l.pos++
	}
	return true
}
