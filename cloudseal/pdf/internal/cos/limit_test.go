package cos_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// everything opens a file and reads all its objects within a budget that honest
// files of a few kilobytes never use up; it gives the last error.
func everything(file []byte) (err error) {
	f, err := cos.OpenWithin(file, cos.SmallBudget(1<<20, 10_000, 2<<20))
	if err != nil {
		return err
	}
	f.Each(func(_ int, _ *cos.Object, e error) {
		if e != nil {
			err = e
		}
	})
	return err
}

// TestHostileFilesMeetALimit: each would take memory or time out of all
// proportion to its size.
func TestHostileFilesMeetALimit(t *testing.T) {
	// Not parallel: it counts what is allocated.
	bomb := squash(make([]byte, 2<<20+1))
	rows := map[string][]byte{
		"table of a million": []byte(end("xref\n0 999999\n")),
		"high number":        []byte(end("xref\n4000000000 1\n0000000009 00000 n \ntrailer\n<<>>\n")),
		"stream of a million": []byte(end("9 0 obj\n" + streamObject("/Type /XRef /Size 999999 /W [0 1 0] /Filter /FlateDecode",
			squash(make([]byte, 999_999))) + "\nendobj\n")),
		"bomb":              []byte(inObjectStreamOf(bomb)),
		"sections":          manySections(cos.MaxSections + 1),
		"values":            []byte(withTable("/Root 1 0 R", "["+strings.Repeat("[]", 10_000)+"]")),
		"overlapping texts": overlap(2_000),
	}
	for name, file := range rows {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := everything(file)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, cos.ErrLimit) {
			t.Errorf("%s: %v", name, err)
		}
		if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20 {
			t.Errorf("%s: %d MiB allocated", name, spent>>20)
		}
	}
}

func end(section string) string {
	s, _ := layout("1 0 obj\n<< >>\nendobj")
	return s + section + fmt.Sprintf("startxref\n%d\n%%%%EOF\n", len(s))
}

func inObjectStreamOf(data string) string {
	return withTable("/Root 1 0 R", "<< >>") + bombSection(data)
}

// bombSection appends an object stream that unpacks to too much, and the entry
// that leads to it.
func bombSection(data string) string {
	base := len(withTable("/Root 1 0 R", "<< >>"))
	s := "2 0 obj\n" + streamObject("/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode", data) + "\nendobj\n"
	at := base + len(s)
	row := []byte{1, byte(base >> 8), byte(base), 0, 2, 0, 2, 0}
	return s + "4 0 obj\n" + streamObject("/Type /XRef /Size 5 /Index [2 2] /W [1 2 1]", string(row)) +
		fmt.Sprintf("\nendobj\nstartxref\n%d\n%%%%EOF\n", at)
}

func manySections(n int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	last := b.Len()
	b.WriteString("xref\n0 0\ntrailer\n<< >>\n")
	for range n {
		at := b.Len()
		fmt.Fprintf(&b, "xref\n0 0\ntrailer\n<< /Prev %d >>\n", last)
		last = at
	}
	fmt.Fprintf(&b, "startxref\n%d\n%%%%EOF\n", last)
	return b.Bytes()
}

// overlap gives n objects, each of which reads to the end of the file before it
// turns out to have no end.
func overlap(n int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	var rows strings.Builder
	fmt.Fprintf(&rows, "xref\n1 %d\n", n)
	for i := range n {
		fmt.Fprintf(&rows, "%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj (", i+1)
	}
	at := b.Len()
	fmt.Fprintf(&b, "%strailer\n<< >>\nstartxref\n%d\n%%%%EOF\n", rows.String(), at)
	return b.Bytes()
}

// FuzzOpen: no file makes the reader panic or spend without bound.
func FuzzOpen(f *testing.F) {
	f.Add([]byte(withTable("/Root 1 0 R", "<< /A 2 0 R >>", "[1 3 0 R]", streamObject("", "x"))))
	f.Add([]byte(inObjectStream("/N 2 /First 8", "9 0 1 3 (a)(b)", 1)))
	f.Add(manySections(3))
	f.Fuzz(func(t *testing.T, file []byte) {
		doc, err := cos.Open(file)
		if err != nil {
			return
		}
		doc.Each(func(num int, o *cos.Object, err error) {
			if err == nil && o.Num != num {
				t.Fatalf("object %d came as %d", num, o.Num)
			}
			if err == nil {
				if s, ok := o.Value.(*cos.Stream); ok {
					_, _ = doc.Decode(s)
				}
			}
		})
		doc.Around(len(file) / 2)
		if doc.NextNum() < 1 {
			t.Fatal("no next number")
		}
	})
}
