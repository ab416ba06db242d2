package pdf_test

import (
	"testing"

	"yunzhang.dev/cloudseal/pdf"
)

func seeds(f *testing.F) {
	for _, style := range styles() {
		f.Add(a4().bytes(style))
		f.Add(stampedOnce(f, style))
	}
	f.Add(stampedTwice(f, packed))
	b := a4()
	textField("(100 yuan)", "(100) Tj [(yu) -9 (an)] TJ")(b)
	f.Add(b.bytes(classic))
}

// FuzzOpen: no file makes the package panic, and what may be stamped can be
// stamped and found again.
func FuzzOpen(f *testing.F) {
	seeds(f)
	f.Fuzz(stampAndFind)
}

// FuzzObjects does the same with files whose tables are right, so that what is
// tried is what the objects say.
func FuzzObjects(f *testing.F) {
	f.Add("", "", "<< >>", "null", byte(0))
	f.Add("/AcroForm 6 0 R", "/Annots 7 0 R", "<< /Fields [7 0 R] /SigFlags 1 >>", "[8 0 R]", byte(1))
	f.Add("/AcroForm << /Fields 6 0 R >>", "/Annots 6 0 R /Rotate 90", "[7 0 R]", entry, byte(2))
	f.Add("/OCProperties << /D << >> >>", "/CropBox [0 0 300 300] /UserUnit 2", handField("x", 7), handSignature(), byte(3))
	f.Add("/Names << /Dests 6 0 R >>", "/Annots [6 0 R]", link, "(x)", byte(4))
	f.Fuzz(func(t *testing.T, catalog, page, six, seven string, style byte) {
		b := a4()
		b.catalog = catalog
		b.more(pageObj, page)
		b.add(six)
		b.add(seven)
		stampAndFind(t, b.bytes(styles()[int(style)%len(styles())]))
	})
}

func stampAndFind(t *testing.T, file []byte) {
	d, err := pdf.Open(file)
	if err != nil {
		return
	}
	size := d.Pages()[0]
	at := pdf.Place{Page: 1, X: size.Width / 3, Y: size.Height / 3}
	p, err := d.Place(at, tiny(), pdf.PlaceOptions{Slot: smallSlot})
	if err != nil {
		return
	}
	_, dtbs, err := p.Digests(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Complete(file, fakeSignature(dtbs))
	if err != nil {
		t.Fatal(err)
	}
	stamps, err := pdf.Find(out)
	if err != nil || len(stamps) == 0 {
		t.Fatalf("stamped, and then: %v, %+v", err, described(stamps))
	}
	last := stamps[len(stamps)-1]
	if last.Field != p.Field || last.Page != 1 || !last.WholeFile || !intact(out, last) {
		t.Fatalf("stamped, and then: %+v", described(stamps))
	}
	for _, s := range stamps[:len(stamps)-1] {
		if len(s.LaterRevisions) == 0 || s.LaterRevisions[len(s.LaterRevisions)-1].Kind != pdf.RevisionSignature {
			t.Fatalf("stamped, and then an earlier one: %+v", described(stamps))
		}
	}
}

// FuzzFind: no file makes the finder panic, and it never gives a digest for a
// range it has not checked.
func FuzzFind(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		stamps, err := pdf.Find(file)
		if err != nil {
			return
		}
		for _, s := range stamps {
			_, err := s.Digest(file)
			if err == nil && len(s.ByteRange) != 4 || err != nil && len(s.Problems) == 0 {
				t.Fatalf("digest: %v of %+v", err, described(stamps))
			}
			end := int64(0)
			if err == nil {
				end = s.ByteRange[2] + s.ByteRange[3]
			}
			if s.WholeFile && (end != int64(len(file)) || len(s.LaterRevisions) > 0) {
				t.Fatalf("not the whole file: %+v", described(stamps))
			}
			if err == nil && !s.WholeFile && len(s.LaterRevisions) == 0 {
				t.Fatalf("nothing said about the rest: %+v", described(stamps))
			}
		}
	})
}
