package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/pdf"
)

// signedByHand is a one-revision file whose signature is object 7, field 6.
func signedByHand(style string, change func(*builder)) []byte {
	b := a4()
	b.more(pageObj, "/Annots [6 0 R]")
	b.add(handField("Other", sigObj))
	b.add(handSignature())
	b.catalog = "/AcroForm << /Fields [6 0 R] /SigFlags 3 >>"
	if change != nil {
		change(b)
	}
	return b.bytes(style)
}

func TestSignatureByAnotherMaker(t *testing.T) {
	t.Parallel()
	for _, style := range []string{classic, stream, hybrid, front} {
		file := handSign(t, signedByHand(style, nil))
		stamps := find(t, file)
		if len(stamps) != 1 || !intact(file, stamps[0]) || !stamps[0].WholeFile || stamps[0].SubFilter != "other" {
			t.Errorf("%s: %+v", style, described(stamps))
		}
	}
}

// TestProblems: each way to be malformed has its name.
func TestProblems(t *testing.T) {
	t.Parallel()
	edit := func(num int, old, new string) func(*builder) {
		return func(b *builder) { b.edit(num, old, new) }
	}
	zeros := "<" + strings.Repeat("0", 2*handSlot) + ">"
	rows := []struct {
		name   string
		change func(*builder)           // before signing
		after  func(file []byte) []byte // after signing
		want   []string
	}{
		{name: "no ByteRange", change: edit(7, "/ByteRange", "/Byterange"), want: []string{pdf.ProblemByteRange}},
		{name: "ByteRange of five", change: edit(7, "cccccccc]", "cccccccc 0]"), want: []string{pdf.ProblemByteRange}},
		{name: "ByteRange of six", change: edit(7, "cccccccc]", "cccccccc 0 0]"), want: []string{pdf.ProblemByteRange}},
		{name: "ByteRange begins later", change: edit(7, "[0 ", "[1 "), want: []string{pdf.ProblemByteRange}},
		{name: "ByteRange with a real", change: edit(7, "[0 ", "[0.0 "), want: []string{pdf.ProblemByteRange}},
		{name: "ByteRange elsewhere", change: func(b *builder) {
			b.edit(7, "[0 aaaaaaaa bbbbbbbb cccccccc]", "8 0 R")
			b.add("[0 aaaaaaaa bbbbbbbb cccccccc]")
		}, want: []string{pdf.ProblemByteRange}},
		{name: "negative", change: edit(7, "[0 ", "[-1 "), want: []string{pdf.ProblemByteRange}},
		{name: "end cut short", after: ranges(func(a, b, c int64) (int64, int64, int64) { return a, b, c - 1 }), want: nil},
		{name: "beyond the end", after: ranges(func(a, b, c int64) (int64, int64, int64) { return a, b, c + 1 }), want: []string{pdf.ProblemByteRange}},
		{name: "overflow", change: edit(7, "cccccccc", "9223372036854775807"), want: []string{pdf.ProblemByteRange}},
		{name: "overlapping", after: ranges(func(a, b, c int64) (int64, int64, int64) { return b, a, c }), want: []string{pdf.ProblemByteRange}},
		{name: "gap wider before", after: ranges(func(a, b, c int64) (int64, int64, int64) { return a - 1, b, c }), want: []string{pdf.ProblemGap}},
		{name: "gap wider after", after: ranges(func(a, b, c int64) (int64, int64, int64) { return a, b + 1, c - 1 }), want: []string{pdf.ProblemGap}},
		{name: "gap without brackets", after: ranges(func(a, b, c int64) (int64, int64, int64) { return a + 1, b - 1, c + 1 }), want: []string{pdf.ProblemGap}},
		{name: "dictionary not covered", after: ranges(func(a, b, c int64) (int64, int64, int64) { return a, b, 2 }),
			want: []string{pdf.ProblemUncovered, pdf.ProblemRevision}},
		{name: "no Contents", change: edit(7, "/Contents", "/Content"), want: []string{pdf.ProblemContents, pdf.ProblemGap}},
		{name: "two Contents", change: edit(7, "/Contents", "/Contents <00> /Contents"), want: []string{pdf.ProblemDuplicate}},
		{name: "two Contents, second counts", change: edit(7, zeros, zeros+" /Contents <3000>"),
			want: []string{pdf.ProblemDuplicate, pdf.ProblemGap}},
		{name: "Contents in parentheses", after: func(f []byte) []byte {
			s := find(t, f)[0]
			f[s.ByteRange[1]], f[s.ByteRange[2]-1] = '(', ')'
			return f
		}, want: []string{pdf.ProblemContents}},
		{name: "odd digits", after: replaceLast("0>", " >"), want: []string{pdf.ProblemPadding, pdf.ProblemDigits}},
		{name: "a blank between digits", after: replaceLast("00>", "0\n>"), want: []string{pdf.ProblemPadding, pdf.ProblemDigits}},
		{name: "padding not zero", after: replaceLast("00>", "01>"), want: []string{pdf.ProblemPadding}},
		{name: "padding of another letter case", after: replaceLast("00>", "0A>"), want: []string{pdf.ProblemPadding, pdf.ProblemDigits}},
		{name: "one digit in capitals", after: capital, want: []string{pdf.ProblemDigits}},
		{name: "no DER", after: replaceLast("<30", "<31"), want: []string{pdf.ProblemDER}},
		{name: "DER longer than the slot", after: replaceLast("<3082", "<3083"), want: []string{pdf.ProblemDER}},
		{name: "indefinite length", after: replaceLast("<3082", "<3080"), want: []string{pdf.ProblemDER}},
		{name: "two fields with one signature", change: func(b *builder) {
			b.add(handField("Twin", sigObj))
			b.catalog = "/AcroForm << /Fields [6 0 R 8 0 R] /SigFlags 3 >>"
		}, want: []string{pdf.ProblemShared}},
		{name: "shown twice", change: edit(pageObj, "[6 0 R]", "[6 0 R 6 0 R]"), want: []string{pdf.ProblemWidgetTwice}},
		{name: "shown on two pages", change: func(b *builder) { b.page("/MediaBox [0 0 9 9] /Annots [6 0 R]") },
			want: []string{pdf.ProblemWidgetTwice}},
		{name: "no field", change: func(b *builder) { b.catalog = "" }, want: []string{pdf.ProblemDetached}},
		{name: "field of another kind", change: edit(6, "/FT /Sig", "/FT /Tx"), want: []string{pdf.ProblemDetached}},
		{name: "hidden name of the key", change: func(b *builder) {
			b.catalog = ""
			b.add("(/ByteRange) ") // in a string: no signature
		}, want: []string{pdf.ProblemDetached}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			file := handSign(t, signedByHand(classic, row.change))
			if row.after != nil {
				file = row.after(file)
			}
			stamps := find(t, file)
			if len(stamps) == 0 {
				t.Fatal("not found")
			}
			if s := stamps[0]; !slices.Equal(s.Problems, row.want) || row.want == nil && s.WholeFile {
				t.Errorf("problems %q, wanted %q; %+v", s.Problems, row.want, described(stamps))
			}
		})
	}
}

// replaceLast replaces the last occurrence by a text of the same length.
func replaceLast(old, new string) func([]byte) []byte {
	return func(file []byte) []byte {
		copy(file[bytes.LastIndex(file, []byte(old)):], new)
		return file
	}
}

// ranges rewrites ByteRange in place.
func ranges(change func(a, b, c int64) (int64, int64, int64)) func([]byte) []byte {
	return func(file []byte) []byte {
		open := bytes.LastIndex(file, []byte("/ByteRange [0 ")) + len("/ByteRange [0 ")
		end := open + bytes.IndexByte(file[open:], ']')
		n := numbersIn(string(file[open:end]))
		a, b, c := change(n[0], n[1], n[2])
		copy(file[open:end], padded(a, b, c))
		return file
	}
}

func capital(file []byte) []byte {
	at := bytes.LastIndex(file, []byte("<3082"))
	at += bytes.IndexAny(file[at:], "abcdef")
	file[at] -= 'a' - 'A'
	return file
}

// TestStampBehindTheTables: the last startxref leads back to the unstamped
// revision. The file shows no stamp any more; the finder does.
func TestStampBehindTheTables(t *testing.T) {
	t.Parallel()
	original := a4().bytes(classic)
	file := append(stampedOnce(t, classic), fmt.Sprintf("startxref\n%d\n%%%%EOF\n", lastStart(original))...)
	stamps := find(t, file)
	if len(stamps) != 1 || !slices.Equal(stamps[0].Problems, []string{pdf.ProblemDetached}) || stamps[0].WholeFile {
		t.Fatalf("stamps: %+v", described(stamps))
	}
	if later := stamps[0].LaterRevisions; len(later) != 1 || later[0].Kind != pdf.RevisionOther {
		t.Errorf("later: %+v", later)
	}
}

// TestStampInAStream: a stamped file within another is none of its stamps.
func TestStampInAStream(t *testing.T) {
	t.Parallel()
	b := a4()
	b.stream("", string(stampedOnce(t, classic)))
	if stamps := find(t, b.bytes(classic)); len(stamps) != 0 {
		t.Errorf("stamps: %+v", described(stamps))
	}
}

func TestTooManySignatures(t *testing.T) {
	t.Parallel()
	b := a4()
	var refs strings.Builder
	for i := range pdf.MaxStamps + 1 {
		n := b.add(fmt.Sprintf("<< /FT /Sig /T (s%d) /V << /ByteRange [] >> >>", i))
		fmt.Fprintf(&refs, "%d 0 R ", n)
	}
	b.catalog = "/AcroForm << /Fields [" + refs.String() + "] >>"
	if _, err := pdf.Find(b.bytes(classic)); !errors.Is(err, fault.DocumentRefused) {
		t.Errorf("error %v", err)
	}
}

// TestCompressedSignature: a dictionary in an object stream has no place that
// ByteRange could leave out.
func TestCompressedSignature(t *testing.T) {
	t.Parallel()
	file := signedByHand(packed, func(b *builder) {
		b.objects[sigObj] = "<< /Type /Sig /Filter /X /ByteRange [0 100 200 300] /Contents <3000> >>"
	})
	stamps := find(t, file)
	if len(stamps) != 1 || !slices.Contains(stamps[0].Problems, pdf.ProblemCompressed) {
		t.Errorf("stamps: %+v", described(stamps))
	}
}

// TestDirectSignature: the dictionary may stand in its field.
func TestDirectSignature(t *testing.T) {
	t.Parallel()
	file := handSign(t, signedByHand(classic, func(b *builder) {
		b.edit(6, "/V 7 0 R", "/V "+b.objects[sigObj])
		b.objects[sigObj] = "null"
	}))
	stamps := find(t, file)
	if len(stamps) != 1 || !intact(file, stamps[0]) || !stamps[0].WholeFile || stamps[0].Page != 1 {
		t.Errorf("stamps: %+v", described(stamps))
	}
}

// TestNestedField: a field below another, with its widget as a kid.
func TestNestedField(t *testing.T) {
	t.Parallel()
	file := handSign(t, signedByHand(stream, func(b *builder) {
		b.objects[6] = "<< /Type /Annot /Subtype /Widget /Rect [10 10 90 90] /Parent 8 0 R >>"
		b.add("<< /T (inner) /Parent 9 0 R /Kids [6 0 R] /V 7 0 R >>")
		b.add("<< /T <FEFF4E2D> /FT /Sig /Kids [8 0 R] >>")
		b.catalog = "/AcroForm << /Fields [9 0 R] >>"
	}))
	stamps := find(t, file)
	if len(stamps) != 1 || !intact(file, stamps[0]) || stamps[0].Field != "中.inner" || stamps[0].Page != 1 {
		t.Errorf("stamps: %+v", described(stamps))
	}
}
