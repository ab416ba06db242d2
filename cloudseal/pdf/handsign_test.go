package pdf_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/gm"
)

// handSlot is the slot of signatures written by hand, in bytes.
const handSlot = 2048

// handSignature is a signature dictionary for revise, as another maker would
// write it. handSign fills it in.
func handSignature() string {
	return "<< /Type /Sig /Filter /Other /SubFilter /other /ByteRange [0 aaaaaaaa bbbbbbbb cccccccc] /Contents <" +
		strings.Repeat("0", 2*handSlot) + "> >>"
}

// handField is a field with its widget on page object 5.
func handField(name string, signature int) string {
	return fmt.Sprintf("<< /Type /Annot /Subtype /Widget /FT /Sig /T (%s) /F 132 /Rect [10 10 90 90] /P 5 0 R /V %d 0 R >>",
		name, signature)
}

// handSign fills in the last signature dictionary of a file: all is covered to
// the end.
func handSign(t testing.TB, file []byte) []byte {
	t.Helper()
	out := bytes.Clone(file)
	// The only long runs of zeros in brackets are unsigned slots.
	open := bytes.LastIndex(out, []byte("<"+strings.Repeat("0", 2*handSlot)+">"))
	if open < 0 {
		t.Fatal("no signature to fill in")
	}
	end := open + 2*handSlot + 2
	set := func(mark string, n int) {
		if at := bytes.LastIndex(out, []byte(mark)); at >= 0 {
			copy(out[at:], fmt.Sprintf("%8d", n))
		}
	}
	set("aaaaaaaa", open)
	set("bbbbbbbb", end)
	set("cccccccc", len(out)-end)
	hex.Encode(out[open+1:], fakeSignature(gm.SM3(out[:open], out[end:])))
	return out
}

// Objects of a stamped a4: what the builder wrote, and what Place adds.
const (
	contentObj = 4
	pageObj    = 5
	fieldObj   = 6
	sigObj     = 7
	lookObj    = 8
	maskObj    = 10
	formObj    = 11
	afterStamp = 12
)

// objectText reads an object's text from a file, of the newest revision.
func objectText(t testing.TB, file []byte, num int) string {
	t.Helper()
	head := fmt.Sprintf("\n%d 0 obj\n", num)
	at := bytes.LastIndex(file, []byte(head))
	if at < 0 {
		t.Fatalf("no object %d", num)
	}
	text := file[at+len(head):]
	return string(text[:bytes.Index(text, []byte("\nendobj"))])
}

func swap(t testing.TB, s, old, new string) string {
	t.Helper()
	if !strings.Contains(s, old) {
		t.Fatalf("no %q to replace", old)
	}
	return strings.Replace(s, old, new, 1)
}

// numbersIn reads the numbers of a text.
func numbersIn(s string) (out []int64) {
	for _, f := range strings.Fields(s) {
		var n int64
		_, _ = fmt.Sscan(f, &n)
		out = append(out, n)
	}
	return out
}

func padded(a, b, c int64) string { return fmt.Sprintf("%8d %8d %8d", a, b, c) }
