package pdf_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/pdf"
)

// secondOpinion reads and validates a file with another library.
func secondOpinion(t *testing.T, file []byte) *model.Context {
	t.Helper()
	noConfig()
	c, err := api.ReadContext(bytes.NewReader(file), model.NewDefaultConfiguration())
	if err != nil {
		t.Fatalf("second opinion: %v", err)
	}
	if err := api.ValidateContext(c); err != nil {
		t.Fatalf("second opinion: %v", err)
	}
	return c
}

// noConfig keeps the other library from writing a folder into the user's home.
var noConfig = sync.OnceFunc(api.DisableConfigDir)

// counted gives the number of fields, and of annotations on each page.
func counted(t *testing.T, file []byte) (fields int, annots []int) {
	t.Helper()
	c := secondOpinion(t, file)
	if form, err := c.DereferenceDict(c.RootDict["AcroForm"]); err == nil && form != nil {
		list, err := c.DereferenceArray(form["Fields"])
		if err != nil {
			t.Fatal(err)
		}
		fields = len(list)
	}
	for n := 1; n <= c.PageCount; n++ {
		d, _, _, err := c.PageDict(n, false)
		if err != nil {
			t.Fatal(err)
		}
		var list types.Array
		if d["Annots"] != nil {
			if list, err = c.DereferenceArray(d["Annots"]); err != nil {
				t.Fatal(err)
			}
		}
		annots = append(annots, len(list))
	}
	return fields, annots
}

const (
	link  = "<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /Border [0 0 0] /Dest [5 0 R /Fit] >>"
	entry = "<< /FT /Tx /T (note) /V () /DA (/F1 9 Tf) >>"
)

// TestPlaceInEveryKindOfForm: whatever arrays the file has, the seal is added
// to them once, and nothing that was there is lost.
func TestPlaceInEveryKindOfForm(t *testing.T) {
	t.Parallel()
	// Two pages: 5 and 7. The seal goes on the first.
	rows := []struct {
		name   string
		change func(b *builder)
		fields int
		annots string
	}{
		{"nothing", func(b *builder) {}, 1, "[1 0]"},
		{"direct", func(b *builder) { b.more(5, "/Annots ["+link+"]") }, 1, "[2 0]"},
		{"direct and empty", func(b *builder) { b.more(5, "/Annots []") }, 1, "[1 0]"},
		{"object", func(b *builder) { b.more(5, "/Annots 8 0 R"); b.add("[" + link + "]") }, 1, "[2 0]"},
		{"object that ends in a comment", func(b *builder) { b.more(5, "/Annots 8 0 R"); b.add("[" + link + " % end\n]") }, 1, "[2 0]"},
		{"object shared by both pages", func(b *builder) {
			b.more(5, "/Annots 8 0 R")
			b.more(7, "/Annots 8 0 R")
			b.add("[" + link + "]")
		}, 1, "[2 1]"},
		{"object that is not there", func(b *builder) { b.more(5, "/Annots 99 0 R") }, 1, "[1 0]"},
		{"null", func(b *builder) { b.more(5, "/Annots null") }, 1, "[1 0]"},
		{"form direct", func(b *builder) { b.catalog = "/AcroForm << /Fields [8 0 R] >>"; b.add(entry) }, 2, "[1 0]"},
		{"form object", func(b *builder) { b.catalog = "/AcroForm 8 0 R"; b.add("<< /Fields [9 0 R] >>"); b.add(entry) }, 2, "[1 0]"},
		{"form object with flags", func(b *builder) { b.catalog = "/AcroForm 8 0 R"; b.add("<< /Fields [] /SigFlags 1 >>") }, 1, "[1 0]"},
		{"fields object", func(b *builder) {
			b.catalog = "/AcroForm << /SigFlags 3 /Fields 8 0 R >>"
			b.add("[9 0 R]")
			b.add(entry)
		}, 2, "[1 0]"},
		{"form and fields objects", func(b *builder) {
			b.catalog = "/AcroForm 8 0 R"
			b.add("<< /Fields 9 0 R >>")
			b.add("[10 0 R]")
			b.add(entry)
		}, 2, "[1 0]"},
		{"form missing", func(b *builder) { b.catalog = "/AcroForm 99 0 R" }, 1, "[1 0]"},
		{"form null", func(b *builder) { b.catalog = "/AcroForm null" }, 1, "[1 0]"},
		{"fields missing", func(b *builder) { b.catalog = "/AcroForm << /Fields 99 0 R >>" }, 1, "[1 0]"},
		{"one array for fields and annotations", func(b *builder) {
			b.more(5, "/Annots 8 0 R")
			b.catalog = "/AcroForm << /Fields 8 0 R >>"
			b.add("[]")
		}, 1, "[1 0]"},
		{"one array for fields and the other page", func(b *builder) {
			b.more(7, "/Annots 8 0 R")
			b.catalog = "/AcroForm << /Fields 8 0 R >>"
			b.add("[]")
		}, 1, "[1 0]"},
	}
	for _, row := range rows {
		for _, style := range styles() {
			t.Run(row.name+" "+style, func(t *testing.T) {
				t.Parallel()
				b := a4()
				b.page("/MediaBox [0 0 300 300]")
				row.change(b)
				file := stamped(t, b.bytes(style), pdf.Place{Page: 1, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
				if !clean(file, 1) {
					t.Fatalf("stamp: %+v", described(find(t, file)))
				}
				if fields, annots := counted(t, file); fields != row.fields || fmt.Sprint(annots) != row.annots {
					t.Errorf("%d fields, annotations %v; wanted %d, %s", fields, annots, row.fields, row.annots)
				}
				checkOutside(t, file)
				again := stamped(t, file, pdf.Place{Page: 2, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
				if !clean(again, 2) {
					t.Errorf("second stamp: %+v", described(find(t, again)))
				}
			})
		}
	}
}

// TestPlaceKeepsTheSourceText: a rewritten object is its own text and one value
// more: numbers, escapes and comments stay as they were.
func TestPlaceKeepsTheSourceText(t *testing.T) {
	t.Parallel()
	b := a4()
	const odd = "/PieceInfo<</A#20B[1. -.5 +3 0.10000000001]/C(\\050\\\nx)>>%comment\n/Tabs/S"
	b.more(pageObj, odd)
	file := stampedFrom(t, b)
	if got := objectText(t, file, pageObj); !strings.Contains(got, odd) {
		t.Errorf("page is now %q", got)
	}
}

func stampedFrom(t *testing.T, b *builder) []byte {
	return stamped(t, b.bytes(classic), pdf.Place{Page: 1, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{})
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	want := map[string][2]float64{
		"plain": {210.02, 297.01}, "rotated 90": {297.01, 210.02}, "rotated 180": {210.02, 297.01},
		"rotated 270": {297.01, 210.02}, "rotated -90": {297.01, 210.02},
		"cropped": {176.39, 282.22}, "cropped and rotated": {282.22, 176.39},
		"corners swapped": {209.9, 297.04}, "inherited": {209.9, 148.17}, "unit": {211.67, 296.33},
	}
	for _, l := range layouts() {
		b := newBuilder()
		b.tree = l.tree
		b.page(l.entries)
		d, err := pdf.Open(b.bytes(classic))
		if err != nil {
			t.Fatal(err)
		}
		p := d.Pages()
		if w := want[l.name]; len(p) != 1 || math.Abs(p[0].Width-w[0]) > 0.01 || math.Abs(p[0].Height-w[1]) > 0.01 {
			t.Errorf("%s: %+v, wanted %v", l.name, p, w)
		}
	}
}

func TestPlacesThatAreRefused(t *testing.T) {
	t.Parallel()
	good := tiny()
	opaque := pdf.Picture{PNG: solid(255), Width: 4, Height: 4}
	rows := []struct {
		name string
		at   pdf.Place
		pic  pdf.Picture
		opt  pdf.PlaceOptions
		want error // nil: any plain error
	}{
		{"no page", pdf.Place{Page: 0}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"page after the last", pdf.Place{Page: 2}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"left of the page", pdf.Place{Page: 1, X: -0.1}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"right of the page", pdf.Place{Page: 1, X: 206.2}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"below the page", pdf.Place{Page: 1, Y: 293.2}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"not a number", pdf.Place{Page: 1, X: math.NaN()}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"infinite", pdf.Place{Page: 1, Y: math.Inf(1)}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"scaled", pdf.Place{Page: 1, W: 5, H: 5}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"stretched", pdf.Place{Page: 1, W: 4, H: 5}, good, pdf.PlaceOptions{}, fault.PlaceBad},
		{"size not a number", pdf.Place{Page: 1}, pdf.Picture{PNG: good.PNG, Width: math.NaN(), Height: 4}, pdf.PlaceOptions{}, fault.PlaceBad},
		{"without size", pdf.Place{Page: 1}, pdf.Picture{PNG: good.PNG}, pdf.PlaceOptions{}, fault.PlaceBad},
		{"no picture", pdf.Place{Page: 1}, pdf.Picture{Width: 4, Height: 4}, pdf.PlaceOptions{}, fault.ImpressionBad},
		{"opaque picture", pdf.Place{Page: 1}, opaque, pdf.PlaceOptions{}, fault.ImpressionBad},
		{"invisible picture", pdf.Place{Page: 1}, pdf.Picture{PNG: solid(0), Width: 4, Height: 4}, pdf.PlaceOptions{}, fault.ImpressionBad},
		{"slot too small", pdf.Place{Page: 1}, good, pdf.PlaceOptions{Slot: 1}, nil},
		{"slot too large", pdf.Place{Page: 1}, good, pdf.PlaceOptions{Slot: pdf.MaxSlot + 1}, nil},
		{"field taken", pdf.Place{Page: 1}, good, pdf.PlaceOptions{Field: "note"}, nil},
		{"field with a stop", pdf.Place{Page: 1}, good, pdf.PlaceOptions{Field: "a.b"}, nil},
		{"field with a bracket", pdf.Place{Page: 1}, good, pdf.PlaceOptions{Field: "a)"}, nil},
	}
	b := a4()
	b.catalog = "/AcroForm << /Fields [6 0 R] >>"
	b.add(entry)
	file := b.bytes(classic)
	for _, row := range rows {
		d, err := pdf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := d.Place(row.at, row.pic, row.opt)
		if err == nil || p != nil || row.want != nil && !errors.Is(err, row.want) {
			t.Errorf("%s: %v, wanted %v", row.name, err, row.want)
		}
	}
}

// TestPlaceWakesNothing: the page waits for an object that is not there. The
// stamp must not take its number.
func TestPlaceWakesNothing(t *testing.T) {
	t.Parallel()
	for _, style := range styles() {
		b := a4()
		b.edit(pageObj, "/Contents 4 0 R", "/Contents [4 0 R 6 0 R 9 0 R]")
		file := stamped(t, b.bytes(style), pdf.Place{Page: 1, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
		if bytes.Contains(file, []byte("\n9 0 obj")) || !clean(file, 1) {
			t.Errorf("%s: the object was supplied", style)
		}
	}
	b := a4()
	b.more(pageObj, "/Contents 499999 0 R")
	b.edit(pageObj, "/Contents 4 0 R", "")
	d, err := pdf.Open(b.bytes(classic))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Place(pdf.Place{Page: 1}, tiny(), pdf.PlaceOptions{}); !errors.Is(err, fault.DocumentRefused) {
		t.Errorf("no number left: %v", err)
	}
}

// TestEndsOfFiles: with and without a line end, and with white space.
func TestEndsOfFiles(t *testing.T) {
	t.Parallel()
	whole := bytes.TrimSpace(a4().bytes(classic))
	for _, end := range []string{"", "\n", "\r", "\r\n", "\n\n  \n"} {
		file := stamped(t, append(bytes.Clone(whole), end...), pdf.Place{Page: 1, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{})
		if !clean(file, 1) {
			t.Errorf("%q: %+v", end, described(find(t, file)))
		}
		checkOutside(t, file)
	}
}

// TestPlaceIsDeterministic: the same request gives the same bytes.
func TestPlaceIsDeterministic(t *testing.T) {
	t.Parallel()
	for _, style := range styles() {
		one, two := stampedOnce(t, style), stampedOnce(t, style)
		if !bytes.Equal(one, two) {
			t.Errorf("%s: two runs differ", style)
		}
	}
}

// TestRealLinearizedFile stamps what qpdf calls linearized.
func TestRealLinearizedFile(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"--object-streams=disable", "--object-streams=generate"} {
		file := throughQPDF(t, samples(t)["Test3.pdf"], "--linearize", mode)
		one := stamped(t, file, pdf.Place{Page: 3, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{})
		two := stamped(t, one, pdf.Place{Page: 4, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{})
		if !clean(two, 2) {
			t.Errorf("%s: %+v", mode, described(find(t, two)))
		}
		if fields, annots := counted(t, two); fields != 2 || fmt.Sprint(annots) != "[0 0 1 1]" {
			t.Errorf("%s: %d fields, annotations %v", mode, fields, annots)
		}
		checkOutside(t, two)
	}
}
