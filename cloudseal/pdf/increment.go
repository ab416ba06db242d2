package pdf

import (
	"fmt"
	"sort"
	"strconv"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// increment writes the objects of one revision behind a file, and its
// cross-reference section in the style of the file's last one.
type increment struct {
	file    *cos.File
	base    int // length of the file
	buf     []byte
	next    int // next free object number
	written []place
}

// place is where an object of the increment begins, counted from the file's
// beginning.
type place struct {
	ref cos.Ref
	off int
}

func newIncrement(file *cos.File, next, room int) *increment {
	w := &increment{file: file, base: len(file.Data), next: next}
	w.buf = make([]byte, 0, room)
	if last := file.Data[w.base-1]; last != '\n' && last != '\r' {
		w.buf = append(w.buf, '\n')
	}
	return w
}

// reserve takes an object number.
func (w *increment) reserve() cos.Ref {
	w.next++
	return cos.Ref{Num: w.next - 1}
}

// pos is the position in the finished file.
func (w *increment) pos() int { return w.base + len(w.buf) }

func (w *increment) printf(format string, args ...any) {
	w.buf = fmt.Appendf(w.buf, format, args...)
}

func (w *increment) begin(ref cos.Ref) {
	w.written = append(w.written, place{ref, w.pos()})
	w.printf("%d %d obj\n", ref.Num, ref.Gen)
}

func (w *increment) end() { w.buf = append(w.buf, "\nendobj\n"...) }

// object writes an object with the given text.
func (w *increment) object(ref cos.Ref, text []byte) {
	w.begin(ref)
	w.buf = append(w.buf, text...)
	w.end()
}

// stream writes a stream object.
func (w *increment) stream(ref cos.Ref, x xobject) {
	w.begin(ref)
	w.printf("<< %s /Length %d >>\nstream\n", x.entries, len(x.data))
	w.buf = append(w.buf, x.data...)
	w.buf = append(w.buf, "\nendstream"...)
	w.end()
}

// finish writes the cross-reference section, its trailer, and the end.
func (w *increment) finish(id string) {
	start := w.pos()
	if w.file.Streamed() {
		w.crossReferenceStream(id)
	} else {
		w.crossReferenceTable(id)
	}
	w.printf("startxref\n%d\n%%%%EOF\n", start)
}

func (w *increment) crossReferenceTable(id string) {
	w.sortWritten()
	w.printf("xref\n")
	w.runs(func(run []place) {
		w.printf("%d %d\n", run[0].ref.Num, len(run))
		for _, p := range run {
			w.printf("%010d %05d n \n", p.off, p.ref.Gen)
		}
	})
	w.printf("trailer\n<< %s >>\n", w.trailer(id))
}

// crossReferenceStream writes rows of 1, 4 and 2 bytes, uncompressed: there are
// few of them. The stream lists itself.
func (w *increment) crossReferenceStream(id string) {
	ref := w.reserve()
	w.begin(ref)
	w.sortWritten()
	var index, rows []byte
	w.runs(func(run []place) {
		index = fmt.Appendf(index, "%d %d ", run[0].ref.Num, len(run))
		for _, p := range run {
			rows = append(rows, 1, byte(p.off>>24), byte(p.off>>16), byte(p.off>>8), byte(p.off))
			rows = append(rows, byte(p.ref.Gen>>8), byte(p.ref.Gen))
		}
	})
	w.printf("<< /Type /XRef /W [1 4 2] /Index [%s] %s /Length %d >>\nstream\n",
		index[:len(index)-1], w.trailer(id), len(rows))
	w.buf = append(w.buf, rows...)
	w.buf = append(w.buf, "\nendstream"...)
	w.end()
}

func (w *increment) sortWritten() {
	sort.Slice(w.written, func(i, k int) bool { return w.written[i].ref.Num < w.written[k].ref.Num })
}

// runs gives the objects in runs of consecutive numbers.
func (w *increment) runs(each func([]place)) {
	for from, i := 0, 1; i <= len(w.written); i++ {
		if i == len(w.written) || w.written[i].ref.Num != w.written[i-1].ref.Num+1 {
			each(w.written[from:i])
			from = i
		}
	}
}

// trailer gives the entries that every section needs (ISO 32000-1 §7.5.5).
// Root and Info are taken over as they stand.
func (w *increment) trailer(id string) string {
	t := w.file.Trailer()
	out := fmt.Sprintf("/Size %d /Prev %d", w.next, w.file.Start)
	for _, key := range []cos.Name{"Root", "Info"} {
		if ref, ok := t.Get(key).(cos.Ref); ok {
			out += fmt.Sprintf(" /%s %d %d R", key, ref.Num, ref.Gen)
		}
	}
	return out + id
}

// number writes a real without an exponent, to a ten-thousandth of a point.
func number(f float64) string {
	s := strconv.FormatFloat(f, 'f', 4, 64)
	for s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	if s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	if s == "-0" {
		return "0"
	}
	return s
}

func reference(ref cos.Ref) []byte { return fmt.Appendf(nil, "%d %d R", ref.Num, ref.Gen) }
