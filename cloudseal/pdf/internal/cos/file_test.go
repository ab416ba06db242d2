package cos_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// layout writes a file piece by piece; %d in the last piece is the startxref.
func layout(objects ...string) (file string, offsets []int) {
	s := "%PDF-1.7\n"
	for _, o := range objects {
		offsets = append(offsets, len(s))
		s += o + "\n"
	}
	return s, offsets
}

// withTable gives a file of objects 1, 2 … with a cross-reference table.
func withTable(trailer string, objects ...string) string {
	for i := range objects {
		objects[i] = fmt.Sprintf("%d 0 obj\n%s\nendobj", i+1, objects[i])
	}
	s, offsets := layout(objects...)
	rows := fmt.Sprintf("xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, off := range offsets {
		rows += fmt.Sprintf("%010d 00000 n \n", off)
	}
	return s + rows + fmt.Sprintf("trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, len(s))
}

func squash(b []byte) string {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	_, _ = z.Write(b)
	_ = z.Close()
	return out.String()
}

func streamObject(entries, data string) string {
	return fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", entries, len(data), data)
}

func TestOpen(t *testing.T) {
	t.Parallel()
	f, err := cos.Open([]byte(withTable("/Root 1 0 R", "<< /A 2 0 R >>", "[1 3 0 R]", "(x)")))
	if err != nil {
		t.Fatal(err)
	}
	root := f.Dict(f.Trailer().Get("Root"))
	items := f.Items(root.Get("A"))
	if s, ok := f.String(items[1]); !ok || string(s.Bytes()) != "x" || f.NextNum() != 4 || f.Err() != nil {
		t.Errorf("read %v, next %d, %v", items, f.NextNum(), f.Err())
	}
	if o, err := f.Load(cos.Ref{Num: 3, Gen: 1}); o != nil || err != nil {
		t.Errorf("another generation: %v, %v", o, err)
	}
	if o, err := f.Load(cos.Ref{Num: 99}); o != nil || err != nil {
		t.Errorf("absent: %v, %v", o, err)
	}
}

// TestBrokenTables: each is refused, none is guessed at.
func TestBrokenTables(t *testing.T) {
	t.Parallel()
	good := withTable("/Root 1 0 R", "<< >>")
	end := func(section string) string {
		s, _ := layout("1 0 obj\n<< >>\nendobj")
		return s + fmt.Sprintf(section, len(s))
	}
	xref := func(dict, data string) string {
		return end("9 0 obj\n" + strings.ReplaceAll(streamObject("/Type /XRef "+dict, data), "%", "%%") + "\nendobj\nstartxref\n%d\n%%%%EOF\n")
	}
	rows := map[string]string{
		"no startxref":        strings.Replace(good, "startxref", "startxfer", 1),
		"startxref glued":     strings.Replace(good, "startxref\n", "startxref", 1),
		"startxref no number": strings.Replace(good, "startxref\n", "startxref\nx", 1),
		"no end mark":         strings.Replace(good, "%%EOF", "%EOF", 1),
		"table misspelt":      strings.Replace(good, "xref\n0 2", "xrev\n0 2", 1),
		"row cut":             strings.Replace(good, " 65535 f", "", 1),
		"row of neither kind": strings.Replace(good, "00000 n", "00000 x", 1),
		"negative count":      strings.Replace(good, "0 2\n", "0 -2\n", 1),
		"count too high":      strings.Replace(good, "0 2\n", "0 3\n", 1),
		"no trailer":          strings.Replace(good, "trailer", "trainer", 1),
		"trailer no dict":     strings.Replace(good, "trailer\n<<", "trailer\n[]<<", 1),
		"Prev no number":      strings.Replace(good, "/Root", "/Prev /X /Root", 1),
		"Prev outside":        strings.Replace(good, "/Root", "/Prev 99999 /Root", 1),
		"XRefStm outside":     strings.Replace(good, "/Root", "/XRefStm 99999 /Root", 1),
		"stream of no type":   end("9 0 obj\n<< >>\nendobj\nstartxref\n%d\n%%%%EOF\n"),
		"no widths":           xref("/Size 1", "\x01\x00\x00"),
		"two widths":          xref("/Size 1 /W [1 1]", "\x01\x00\x00"),
		"width too large":     xref("/Size 1 /W [1 9 1]", "\x01\x00\x00"),
		"width of nothing":    xref("/Size 1 /W [1 0 1]", "\x01\x00\x00"),
		"too few rows":        xref("/Size 9 /W [1 1 1]", "\x01\x00\x00"),
		"bad index":           xref("/Size 1 /Index [/A 1] /W [1 1 1]", "\x01\x00\x00"),
		"no size":             xref("/W [1 1 1]", "\x01\x00\x00"),
		"unknown filter":      xref("/Size 1 /W [1 1 1] /Filter /LZWDecode", "\x01\x00\x00"),
		"two filters":         xref("/Size 1 /W [1 1 1] /Filter [/FlateDecode /FlateDecode]", "\x01\x00\x00"),
		"not compressed":      xref("/Size 1 /W [1 1 1] /Filter /FlateDecode", "\x01\x00\x00"),
		"unknown predictor":   xref("/Size 1 /W [1 1 1] /Filter /FlateDecode /DecodeParms << /Predictor 2 >>", squash([]byte("\x01\x00\x00"))),
		"wrong length":        strings.Replace(xref("/Size 1 /W [1 1 1]", "\x01\x00\x00"), "/Length 3", "/Length 2", 1),
	}
	for name, file := range rows {
		if _, err := cos.Open([]byte(file)); !errors.Is(err, cos.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := cos.Open([]byte(good)); err != nil {
		t.Errorf("the good one: %v", err)
	}
	if _, err := cos.Open([]byte(strings.Replace(good, "/Root", "/Encrypt 9 0 R /Root", 1))); !errors.Is(err, cos.ErrEncrypted) {
		t.Errorf("encrypted: %v", err)
	}
}

// TestBrokenObjects: the tables lead to something that is not the object.
func TestBrokenObjects(t *testing.T) {
	t.Parallel()
	for name, object := range map[string]string{
		"unclosed": "<< /A 1", "no end": "1 0 obj 1", "word": "word", "stream in nothing": "1 stream\n\nendstream",
	} {
		f, err := cos.Open([]byte(withTable("/Root 1 0 R", "<< >>", object)))
		if err != nil {
			t.Fatal(err)
		}
		if o, err := f.Number(2); err == nil {
			t.Errorf("%s: %v", name, o)
		}
		if f.Dict(cos.Ref{Num: 2}); f.Err() == nil {
			t.Errorf("%s: followed without an error", name)
		}
	}
	swapped := strings.Replace(withTable("/Root 1 0 R", "<< >>"), "1 0 obj", "7 0 obj", 1)
	f, err := cos.Open([]byte(swapped))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Number(1); !errors.Is(err, cos.ErrDamaged) {
		t.Errorf("another number: %v", err)
	}
}

// inObjectStream gives a file whose object 1 is at an index of object stream 2.
func inObjectStream(entries, data string, index int) string {
	s, offsets := layout("2 0 obj\n" + streamObject("/Type /ObjStm "+entries, data) + "\nendobj")
	start := len(s)
	rows := []byte{0, 0, 0, 2, 2, byte(index), 1, byte(offsets[0]), 0, 1, byte(start), 0}
	if start > 255 {
		panic("too long for rows of three bytes")
	}
	return s + "3 0 obj\n" + streamObject("/Type /XRef /Size 4 /W [1 1 1]", string(rows)) +
		fmt.Sprintf("\nendobj\nstartxref\n%d\n%%%%EOF\n", start)
}

func TestObjectStreams(t *testing.T) {
	t.Parallel()
	f, err := cos.Open([]byte(inObjectStream("/N 2 /First 8", "9 0 1 3 (a)(b)", 1)))
	if err != nil {
		t.Fatal(err)
	}
	o, err := f.Number(1)
	if err != nil || !o.Compressed() || string(o.Value.(cos.String).Bytes()) != "b" {
		t.Fatalf("%+v, %v", o, err)
	}
	for name, file := range map[string]string{
		"another number":      inObjectStream("/N 2 /First 8", "9 0 1 3 (a)(b)", 0),
		"index too high":      inObjectStream("/N 2 /First 8", "9 0 1 3 (a)(b)", 2),
		"no count":            inObjectStream("/First 8", "9 0 1 3 (a)(b)", 1),
		"count too high":      inObjectStream("/N 9999999 /First 8", "9 0 1 3 (a)(b)", 1),
		"first beyond":        inObjectStream("/N 2 /First 99", "9 0 1 3 (a)(b)", 1),
		"offset beyond":       inObjectStream("/N 2 /First 8", "9 0 1 9 (a)(b)", 1),
		"length in itself":    strings.Replace(inObjectStream("/N 2 /First 8", "9 0 1 3 (a)(b)", 1), "/Length 14", "/Length 1 0 R", 1),
		"container in itself": strings.Replace(inObjectStream("/N 2 /First 8", "9 0 1 3 (a)(b)", 1), "/Type /ObjStm", "/Type /XRef  ", 1),
	} {
		f, err := cos.Open([]byte(file))
		if err != nil {
			continue // moved its own offsets: refused earlier
		}
		if o, err := f.Number(1); err == nil {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestHybridReadersMustAgree: a table and its stream that give one object two
// places would show old and new readers different documents.
func TestHybridReadersMustAgree(t *testing.T) {
	t.Parallel()
	for second, wantErr := range map[byte]bool{9: false, 36: true} {
		s, _ := layout("1 0 obj\n(shown)\nendobj", "1 0 obj\n(hidden)\nendobj")
		at := len(s)
		s += "2 0 obj\n" + streamObject("/Type /XRef /Size 2 /Index [1 1] /W [1 1 1]", string([]byte{1, second, 0})) + "\nendobj\n"
		s += fmt.Sprintf("xref\n1 1\n%010d 00000 n \ntrailer\n<< /Size 2 /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n", 9, at, len(s))
		if _, err := cos.Open([]byte(s)); (err != nil) != wantErr {
			t.Errorf("second place %d: %v", second, err)
		}
	}
}
