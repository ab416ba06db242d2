package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Styles in which builder writes a file.
const (
	classic = "classic" // cross-reference table
	stream  = "stream"  // cross-reference stream, plain objects
	packed  = "packed"  // cross-reference stream, objects in an object stream
	hybrid  = "hybrid"  // table, with a stream for the objects it hides
	front   = "front"   // as linearised files: the section that counts is at the front
)

func styles() []string { return []string{classic, stream, packed, hybrid, front} }

// builder makes PDF files for tests, object by object.
type builder struct {
	objects map[int]string // text between "n 0 obj" and "endobj"
	streams map[int]bool
	pages   []int
	catalog string // more entries of object 1
	tree    string // more entries of object 2
	trailer string // more entries of the trailer
}

const (
	catalogNum = 1
	treeNum    = 2
	fontNum    = 3
)

func newBuilder() *builder {
	return &builder{
		objects: map[int]string{
			catalogNum: "", treeNum: "",
			fontNum: "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
		},
		streams: map[int]bool{},
	}
}

// a4 has one page with text where seals are put.
func a4() *builder {
	b := newBuilder()
	b.page("/MediaBox [0 0 595.32 841.92]")
	return b
}

// add gives an object the next number.
func (b *builder) add(text string) int {
	n := len(b.objects) + 1
	b.objects[n] = text
	return n
}

func (b *builder) stream(entries, data string) int {
	n := b.add(fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", entries, len(data), data))
	b.streams[n] = true
	return n
}

// lines is a content stream that covers a page with lines of black text.
var lines = sync.OnceValue(func() string {
	line := "(" + strings.Repeat("CONTRACT 0123456789 ", 24) + ") Tj T*\n"
	return string(squash([]byte("BT /F1 9 Tf 9 TL -400 1600 Td\n" + strings.Repeat(line, 260) + "ET")))
})

// page adds a page with such lines.
func (b *builder) page(entries string) int {
	content := b.stream("/Filter /FlateDecode", lines())
	n := b.add(fmt.Sprintf("<< /Type /Page /Parent 2 0 R %s /Contents %d 0 R\n/Resources << /Font << /F1 3 0 R >> >> >>",
		entries, content))
	b.pages = append(b.pages, n)
	return n
}

// edit replaces a piece of an object's text.
func (b *builder) edit(num int, old, new string) {
	if !strings.Contains(b.objects[num], old) {
		panic("nothing to edit")
	}
	b.objects[num] = strings.Replace(b.objects[num], old, new, 1)
}

// more adds entries to an object's dictionary.
func (b *builder) more(num int, entries string) { b.edit(num, "<<", "<< "+entries+" ") }

func (b *builder) settle() {
	b.objects[catalogNum] = "<< /Type /Catalog /Pages 2 0 R " + b.catalog + " >>"
	if b.objects[treeNum] == "" {
		var kids []string
		for _, n := range b.pages {
			kids = append(kids, fmt.Sprintf("%d 0 R", n))
		}
		b.objects[treeNum] = fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d %s >>", strings.Join(kids, " "), len(kids), b.tree)
	}
}

// bytes writes the file.
func (b *builder) bytes(style string) []byte {
	b.settle()
	w := &writer{offsets: map[int]int{}, inside: map[int][2]int{}}
	w.buf.WriteString("%PDF-1.7\n%\xe4\xb8\xad\xe6\x96\x87\n")
	size := len(b.objects) + 1
	common := "/Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] " + b.trailer
	switch style {
	case classic:
		w.plain(b, b.numbers())
		w.table(b.numbers(), fmt.Sprintf("/Size %d %s", size, common))
	case stream:
		w.plain(b, b.numbers())
		w.xrefStream(size, common)
	case packed:
		w.plain(b, b.numbersOf(true))
		w.pack(b, b.numbersOf(false), size)
		w.xrefStream(size+1, common)
	case hybrid:
		w.hybrid(b, size, common)
	case front:
		w.front(b, size, common)
	}
	return w.buf.Bytes()
}

func (b *builder) numbers() []int { return slices.Sorted(maps.Keys(b.objects)) }

func (b *builder) numbersOf(streams bool) []int {
	return slices.DeleteFunc(b.numbers(), func(n int) bool { return b.streams[n] != streams })
}

// writer lays a file out.
type writer struct {
	buf     bytes.Buffer
	offsets map[int]int
	inside  map[int][2]int // object stream and index
	free    []int          // shown as free in a table
}

func (w *writer) object(num int, text string) {
	w.offsets[num] = w.buf.Len()
	fmt.Fprintf(&w.buf, "%d 0 obj\n%s\nendobj\n", num, text)
}

func (w *writer) plain(b *builder, nums []int) {
	for _, n := range nums {
		w.object(n, b.objects[n])
	}
}

// pack writes objects into one object stream with the given number.
func (w *writer) pack(b *builder, nums []int, num int) {
	var head, body strings.Builder
	for i, n := range nums {
		fmt.Fprintf(&head, "%d %d ", n, body.Len())
		body.WriteString(b.objects[n] + " ")
		w.inside[n] = [2]int{num, i}
	}
	data := squash([]byte(head.String() + body.String()))
	w.object(num, fmt.Sprintf("<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream",
		len(nums), head.Len(), len(data), data))
}

func squash(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.Bytes()
}

func (w *writer) rows(nums []int) string {
	var s strings.Builder
	for _, n := range nums {
		fmt.Fprintf(&s, "%d 1\n%010d 00000 n \n", n, w.offsets[n])
	}
	for _, n := range w.free {
		fmt.Fprintf(&s, "%d 1\n0000000000 65535 f \n", n)
	}
	return s.String()
}

func (w *writer) table(nums []int, trailer string) {
	at := w.buf.Len()
	fmt.Fprintf(&w.buf, "xref\n0 1\n0000000000 65535 f \n%strailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n", w.rows(nums), trailer, at)
}

// xrefStream writes a compressed cross-reference stream with the PNG predictor
// "up", and the end of the file.
func (w *writer) xrefStream(num int, common string) {
	at := w.streamSection(num, common)
	fmt.Fprintf(&w.buf, "startxref\n%d\n%%%%EOF\n", at)
}

func (w *writer) streamSection(num int, common string) int {
	at := w.buf.Len()
	w.offsets[num] = at
	above := make([]byte, 6)
	var rows []byte
	for n := range num + 1 {
		row := []byte{0, 0, 0, 0, 0, 0}
		if in, ok := w.inside[n]; ok {
			row = []byte{2, 0, byte(in[0] >> 8), byte(in[0]), byte(in[1] >> 8), byte(in[1])}
		} else if off, ok := w.offsets[n]; ok {
			row = []byte{1, byte(off >> 16), byte(off >> 8), byte(off), 0, 0}
		}
		rows = append(rows, 2)
		for i := range row {
			rows = append(rows, row[i]-above[i])
		}
		above = row
	}
	data := squash(rows)
	w.object(num, fmt.Sprintf("<< /Type /XRef /Size %d /W [1 3 2] %s /Filter /FlateDecode "+
		"/DecodeParms << /Predictor 12 /Columns 6 >> /Length %d >>\nstream\n%s\nendstream", num+1, common, len(data), data))
	return at
}

// hybrid, as word processors write it: a full table in which the hidden objects
// are free, and then an empty one with the stream that finds them. Here the font
// and the pages' dictionaries are hidden.
func (w *writer) hybrid(b *builder, size int, common string) {
	hidden := append([]int{fontNum}, b.pages...)
	shown := slices.DeleteFunc(b.numbers(), func(n int) bool { return slices.Contains(hidden, n) })
	w.plain(b, shown)
	w.pack(b, hidden, size)
	at := w.streamSection(size+1, common)
	nums := append(shown, size, size+1)
	w.free = hidden
	w.table(nums, fmt.Sprintf("/Size %d %s", size+2, common))
	fmt.Fprintf(&w.buf, "xref\n0 0\ntrailer\n<< /Size %d %s /Prev %d /XRefStm %d >>\n", size+2, common, lastStart(w.buf.Bytes()), at)
	end := bytes.LastIndex(w.buf.Bytes(), []byte("xref\n0 0"))
	fmt.Fprintf(&w.buf, "startxref\n%d\n%%%%EOF\n", end)
}

// front: the last startxref leads to a section before the objects, whose Prev
// leads to one behind them.
func (w *writer) front(b *builder, size int, common string) {
	nums := b.numbers()
	half := len(nums) / 2
	start := w.buf.Len()
	section := func(prev int) string {
		return fmt.Sprintf("xref\n%strailer\n<< /Size %d %s /Prev %010d >>\nstartxref\n0\n%%%%EOF\n",
			w.rows(nums[:half]), size, common, prev)
	}
	w.buf.WriteString(section(0))
	w.plain(b, nums)
	behind := w.buf.Len()
	fmt.Fprintf(&w.buf, "xref\n0 1\n0000000000 65535 f \n%strailer\n<< /Size %d >>\nstartxref\n%d\n%%%%EOF\n", w.rows(nums[half:]), size, start)
	copy(w.buf.Bytes()[start:], section(behind))
}

// revise appends a revision with a table: objects by number, where an empty
// text frees the object. Numbers must be ascending by use of a map's sorting.
func revise(file []byte, size int, objects map[int]string) []byte {
	w := &writer{offsets: map[int]int{}}
	w.buf.Write(file)
	var rows strings.Builder
	for _, n := range slices.Sorted(maps.Keys(objects)) {
		if objects[n] == "" {
			fmt.Fprintf(&rows, "%d 1\n0000000000 00001 f \n", n)
			continue
		}
		w.object(n, objects[n])
		fmt.Fprintf(&rows, "%d 1\n%010d 00000 n \n", n, w.offsets[n])
	}
	at := w.buf.Len()
	fmt.Fprintf(&w.buf, "xref\n%strailer\n<< /Size %d /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n",
		rows.String(), size, lastStart(file), at)
	return w.buf.Bytes()
}

// lastStart reads the value of the last startxref.
func lastStart(file []byte) (n int) {
	at := bytes.LastIndex(file, []byte("startxref"))
	_, _ = fmt.Sscan(string(file[at+len("startxref"):]), &n)
	return n
}
