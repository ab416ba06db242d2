package pdf_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/pdf"
)

// TestLaterRevisions appends revisions to a stamped file. The first stamp stays
// as it is and must be reported with what came after it.
func TestLaterRevisions(t *testing.T) {
	t.Parallel()
	one := stampedOnce(t, classic)
	object := func(num int) string { return objectText(t, one, num) }
	annots := func(refs string) string {
		return swap(t, object(pageObj), fmt.Sprintf("[%d 0 R]", fieldObj), fmt.Sprintf("[%d 0 R %s]", fieldObj, refs))
	}
	fields := func(refs string) string {
		return swap(t, object(formObj), fmt.Sprintf("[%d 0 R]", fieldObj), fmt.Sprintf("[%d 0 R %s]", fieldObj, refs))
	}
	// honest is what a second signature needs: 12 is its field, 13 its value.
	honest := func(more map[int]string) map[int]string {
		m := map[int]string{
			pageObj: annots("12 0 R"), formObj: fields("12 0 R"),
			12: handField("Other", 13), 13: handSignature(),
		}
		for n, text := range more {
			m[n] = text
		}
		return m
	}
	rows := []struct {
		name    string
		objects map[int]string
		why     string // of the revision, "" for a signature revision
	}{
		{"second signature", honest(nil), ""},
		{"with evidence for validation", honest(map[int]string{
			catalogNum: swap(t, object(catalogNum), "<<", "<< /DSS 14 0 R"), 14: "<< /Type /DSS /Certs [] >>"}), ""},
		{"with an annotation", honest(map[int]string{
			pageObj: annots("12 0 R 14 0 R"), 14: "<< /Type /Annot /Subtype /Square /Rect [0 0 500 800] >>"}), "object 5 changed"},
		{"with another field", honest(map[int]string{
			formObj: fields("12 0 R 14 0 R"), 14: "<< /FT /Tx /T (x) /V (y) >>"}), "object 11 changed"},
		{"with new content", honest(map[int]string{contentObj: "<< /Length 0 >>\nstream\n\nendstream"}), "object 4 changed"},
		{"with a new page size", honest(map[int]string{
			pageObj: swap(t, annots("12 0 R"), "841.92", "400")}), "object 5 changed"},
		{"with the first stamp moved", honest(map[int]string{fieldObj: swap(t, object(fieldObj), "/Rect [", "/Rect [1")}), "object 6 changed"},
		{"with the first stamp's look changed", honest(map[int]string{lookObj: swap(t, object(lookObj), "q ", "Q ")}), "object 8 changed"},
		{"with the first stamp's mask removed", honest(map[int]string{maskObj: ""}), "object 10 removed"},
		{"with the font removed", honest(map[int]string{fontNum: ""}), "object 3 removed"},
		{"with fields to be drawn anew", honest(map[int]string{
			formObj: swap(t, fields("12 0 R"), "<<", "<< /NeedAppearances true")}), "object 11 changed"},
		{"with an action", honest(map[int]string{
			catalogNum: swap(t, object(catalogNum), "<<", "<< /OpenAction << /S /JavaScript /JS (x) >>")}), "object 1 changed"},
		{"with a key twice", honest(map[int]string{
			pageObj: swap(t, annots("12 0 R"), "<<", "<< /Contents 14 0 R"), 14: "<< /Length 0 >>\nstream\n\nendstream"}), "object 5 changed"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			file := handSign(t, revise(one, 15, row.objects))
			stamps := find(t, file)
			if len(stamps) != 2 || !intact(file, stamps[0]) || !intact(file, stamps[1]) || !stamps[1].WholeFile {
				t.Fatalf("stamps: %+v", described(stamps))
			}
			want := pdf.Revision{From: int64(len(one)), To: int64(len(file)), Kind: pdf.RevisionSignature, Field: "Other", Why: row.why}
			if row.why != "" {
				want.Kind = pdf.RevisionOther
			}
			if got := stamps[0].LaterRevisions; len(got) != 1 || got[0] != want {
				t.Errorf("later: %+v\nwanted %+v", got, want)
			}
		})
	}
}

// TestUnsignedRevisions: whatever is appended without a signature is another
// change, even when it is nothing at all.
func TestUnsignedRevisions(t *testing.T) {
	t.Parallel()
	one := stampedOnce(t, classic)
	rows := map[string]map[int]string{
		"nothing":            {},
		"a new object":       {afterStamp: "<< >>"},
		"an annotation":      {pageObj: swap(t, objectText(t, one, pageObj), "[6 0 R]", "[6 0 R 12 0 R]"), 12: "<< /Subtype /Square >>"},
		"new content":        {contentObj: "<< /Length 0 >>\nstream\n\nendstream"},
		"the page gone":      {pageObj: ""},
		"the form emptied":   {formObj: "<< /Fields [] >>"},
		"the form gone":      {formObj: ""},
		"the value gone":     {fieldObj: swap(t, objectText(t, one, fieldObj), "/V 7 0 R", "")},
		"another dictionary": {sigObj: strings.Replace(objectText(t, one, sigObj), "GM.sm2seal", "GM.sm2sell", 1)},
	}
	for name, objects := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := revise(one, 13, objects)
			stamps, err := pdf.Find(file)
			if err != nil {
				return // unreadable is not clean
			}
			if len(stamps) == 0 {
				t.Fatal("the stamp is not found any more")
			}
			s := stamps[0]
			changed := slices.ContainsFunc(s.LaterRevisions, func(r pdf.Revision) bool { return r.Kind == pdf.RevisionOther })
			if s.WholeFile || len(s.Problems) == 0 && !changed {
				t.Errorf("stamp: %+v", described(stamps))
			}
		})
	}
}

// TestAwaitedObject: the page already points to an object that is not there;
// the next revision supplies it and changes what the page shows.
func TestAwaitedObject(t *testing.T) {
	t.Parallel()
	b := a4()
	b.edit(pageObj, "/Contents 4 0 R", "/Contents [4 0 R 14 0 R]")
	one := stamped(t, b.bytes(classic), pdf.Place{Page: 1, X: 9, Y: 9}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
	// The first stamp has left out number 14: its field is 15, the form 20.
	file := handSign(t, revise(one, 23, map[int]string{
		pageObj: swap(t, objectText(t, one, pageObj), "[15 0 R]", "[15 0 R 21 0 R]"),
		20:      "<< /Fields [15 0 R 21 0 R] /SigFlags 3 >>",
		21:      handField("Other", 22), 22: handSignature(),
		14: "<< /Length 22 >>\nstream\n0 0 500 500 re 1 g f* \nendstream",
	}))
	got := find(t, file)[0].LaterRevisions
	if len(got) != 1 || got[0].Kind != pdf.RevisionOther || !strings.Contains(got[0].Why, "waiting") {
		t.Errorf("later: %+v", got)
	}
}

// TestFilledField: a signature field that was there and empty is signed later.
func TestFilledField(t *testing.T) {
	t.Parallel()
	b := a4() // object 6 is the empty field
	b.more(pageObj, "/Annots [6 0 R]")
	empty := swap(t, handField("Other", 7), " /V 7 0 R", "")
	b.add(empty)
	b.catalog = "/AcroForm << /Fields [6 0 R] >>"
	one := stamped(t, b.bytes(classic), pdf.Place{Page: 1, X: 9, Y: 9}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
	for value, kind := range map[string]string{"": pdf.RevisionSignature, " /Rect [0 0 500 500]": pdf.RevisionOther} {
		field := handField("Other", 12)
		if value != "" {
			field = swap(t, field, " /Rect [10 10 90 90]", value)
		}
		file := handSign(t, revise(one, 13, map[int]string{6: field, 12: handSignature()}))
		stamps := find(t, file)
		if len(stamps) != 2 || stamps[0].Field != "Seal1" || len(stamps[0].LaterRevisions) != 1 {
			t.Fatalf("stamps: %+v", described(stamps))
		}
		if got := stamps[0].LaterRevisions[0]; got.Kind != kind {
			t.Errorf("later: %+v, wanted %s", got, kind)
		}
	}
}

// TestAnotherCatalog: the new trailer leads to a catalog of its own.
func TestAnotherCatalog(t *testing.T) {
	t.Parallel()
	one := stampedOnce(t, classic)
	file := revise(one, 13, map[int]string{12: objectText(t, one, catalogNum)})
	at := bytes.LastIndex(file, []byte("/Root 1 0 R"))
	file = append(append(bytes.Clone(file[:at]), "/Root 12 0 R"...), file[at+len("/Root 1 0 R"):]...)
	stamps := find(t, file)
	if len(stamps) != 1 || stamps[0].WholeFile || stamps[0].LaterRevisions[0].Kind != pdf.RevisionOther {
		t.Errorf("stamps: %+v", described(stamps))
	}
}
