package pdf_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/pdf"
)

// codes lists the distinct codes of findings in order.
func codes(findings []pdf.Finding) (out []string) {
	for _, f := range findings {
		if !slices.Contains(out, f.Code) {
			out = append(out, f.Code)
		}
	}
	return out
}

const (
	script = "<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
)

// text is a text field on page 5, object 6, with its appearance as object 7.
func textField(value, shown string) func(*builder) {
	return func(b *builder) {
		b.more(pageObj, "/Annots [6 0 R]")
		b.catalog = "/AcroForm << /Fields [6 0 R] >>"
		b.add("<< /Type /Annot /Subtype /Widget /FT /Tx /T (t) /Rect [0 0 9 9] /V " + value + " /AP << /N 7 0 R >> >>")
		b.stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "BT /F1 9 Tf "+shown+" ET")
	}
}

// checkBox is a check box with the states Yes and Off.
func checkBox(entries string) func(*builder) {
	return func(b *builder) {
		b.more(pageObj, "/Annots [6 0 R]")
		b.catalog = "/AcroForm << /Fields [6 0 R] >>"
		b.add("<< /Type /Annot /Subtype /Widget /FT /Btn /T (c) /Rect [0 0 9 9] " + entries +
			" /AP << /N << /Yes 7 0 R /Off 7 0 R >> >> >>")
		b.stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "")
	}
}

func inCatalog(entries string) func(*builder) { return func(b *builder) { b.catalog = entries } }

func onPage(entries string) func(*builder) { return func(b *builder) { b.more(pageObj, entries) } }

func object(text string) func(*builder) { return func(b *builder) { b.add(text) } }

func TestFindings(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		change func(*builder)
		want   string // code, "" for none
		at     pdf.Finding
	}{
		{name: "plain", change: func(*builder) {}},
		{name: "script at opening", change: inCatalog("/OpenAction " + script), want: "open-action javascript", at: pdf.Finding{Object: 1}},
		{name: "named script", change: inCatalog("/Names << /JavaScript << /Names [(x) " + script + "] >> >>"), want: pdf.JavaScript, at: pdf.Finding{Object: 1}},
		{name: "script of a link", change: onPage("/Annots [<< /Subtype /Link /Rect [0 0 9 9] /A " + script + " >>]"),
			want: pdf.JavaScript, at: pdf.Finding{Object: pageObj, Page: 1}},
		{name: "script with an escaped name", change: object("<< /S /Java#53cript >>"), want: pdf.JavaScript, at: pdf.Finding{Object: 6}},
		{name: "script by reference", change: func(b *builder) { b.add("<< /S 7 0 R >>"); b.add("/JavaScript") },
			want: pdf.JavaScript, at: pdf.Finding{Object: 6}},
		{name: "link opened at opening", change: inCatalog("/OpenAction << /S /URI /URI (http://x) >>"), want: pdf.OpenAction, at: pdf.Finding{Object: 1}},
		{name: "other file at opening", change: inCatalog("/OpenAction << /S /GoToR /F (x) >>"), want: pdf.OpenAction, at: pdf.Finding{Object: 1}},
		{name: "chain at opening", change: inCatalog("/OpenAction << /S /GoTo /D [5 0 R /Fit] /Next << /S /URI >> >>"), want: pdf.OpenAction, at: pdf.Finding{Object: 1}},
		{name: "place at opening", change: inCatalog("/OpenAction [5 0 R /Fit]")},
		{name: "action that goes to a place", change: inCatalog("/OpenAction << /S /GoTo /D [5 0 R /Fit] >>")},
		{name: "action of a page", change: onPage("/AA << /O << /S /URI /URI (http://x) >> >>"), want: pdf.OpenAction, at: pdf.Finding{Object: pageObj, Page: 1}},
		{name: "link to click", change: onPage("/Annots [<< /Subtype /Link /Rect [0 0 9 9] /A << /S /URI /URI (http://x) >> >>]")},
		{name: "program", change: onPage("/Annots [<< /Subtype /Link /A << /S /Launch /F (x) >> >>]"), want: pdf.Launch, at: pdf.Finding{Object: pageObj, Page: 1}},
		{name: "submit", change: object("<< /S /SubmitForm /F (http://x) >>"), want: pdf.FormAction, at: pdf.Finding{Object: 6}},
		{name: "layers switched", change: object("<< /S /SetOCGState /State [] >>"), want: pdf.FormAction, at: pdf.Finding{Object: 6}},
		{name: "film", change: object("<< /Type /Annot /Subtype /Screen >>"), want: pdf.ActiveContent, at: pdf.Finding{Object: 6}},
		{name: "attachment", change: inCatalog("/Names << /EmbeddedFiles << /Names [] >> >>"), want: pdf.EmbeddedFiles, at: pdf.Finding{Object: 1}},
		{name: "attached file", change: object("<< /Type /Filespec /EF << /F 4 0 R >> >>"), want: pdf.EmbeddedFiles, at: pdf.Finding{Object: 6}},
		{name: "portfolio", change: inCatalog("/Collection << >>"), want: pdf.EmbeddedFiles, at: pdf.Finding{Object: 1}},
		{name: "data outside", change: func(b *builder) { b.stream("/F (x.bin)", "") }, want: pdf.ExternalData, at: pdf.Finding{Object: 6}},
		{name: "page of another file", change: func(b *builder) { b.stream("/Subtype /Form /Ref << >>", "") }, want: pdf.ExternalData, at: pdf.Finding{Object: 6}},
		{name: "image with alternates", change: func(b *builder) { b.stream("/Subtype /Image /Alternates []", "") }, want: pdf.AlternateImage, at: pdf.Finding{Object: 6}},

		{name: "XFA", change: inCatalog("/AcroForm << /XFA [] /Fields [] >>"), want: pdf.XFA},
		{name: "to be drawn anew", change: inCatalog("/AcroForm << /NeedAppearances true /Fields [] >>"), want: pdf.NeedAppearances},
		{name: "drawn already", change: inCatalog("/AcroForm << /NeedAppearances false /Fields [] >>")},
		{name: "text as shown", change: textField("(100 yuan)", "(100) Tj [(yu) -9 (an)] TJ")},
		{name: "text in UTF-16", change: textField("<FEFF00310030>", "(10) Tj")},
		{name: "text not as shown", change: textField("(100)", "(900) Tj"), want: pdf.ValueDiffers, at: pdf.Finding{Object: 6, Page: 1}},
		{name: "text not shown", change: textField("(100)", ""), want: pdf.ValueDiffers, at: pdf.Finding{Object: 6, Page: 1}},
		{name: "text shown by glyph numbers", change: textField("(100)", "<00140013> Tj")},
		{name: "text drawn inside", change: textField("(100)", "/Fm Do")},
		{name: "text without a look", change: func(b *builder) { textField("(100)", "")(b); b.edit(6, "/AP", "/PA") },
			want: pdf.NoAppearance, at: pdf.Finding{Object: 6, Page: 1}},
		{name: "no text", change: textField("()", "")},
		{name: "box on", change: checkBox("/V /Yes /AS /Yes")},
		{name: "box off", change: checkBox("/V /Off /AS /Off")},
		{name: "box on shown off", change: checkBox("/V /Yes /AS /Off"), want: pdf.ValueDiffers, at: pdf.Finding{Object: 6, Page: 1}},
		{name: "box off shown on", change: checkBox("/V /Off /AS /Yes"), want: pdf.ValueDiffers, at: pdf.Finding{Object: 6, Page: 1}},
		{name: "box without a look", change: checkBox("/V /Oui /AS /Oui"), want: pdf.NoAppearance, at: pdf.Finding{Object: 6, Page: 1}},
		{name: "push button", change: checkBox("/Ff 65536 /V /Yes")},

		{name: "layers all on", change: inCatalog("/OCProperties << /OCGs [6 0 R] /D << /ON [6 0 R] /Order [] >> >>")},
		{name: "layer off", change: inCatalog("/OCProperties << /OCGs [6 0 R] /D << /OFF [6 0 R] >> >>"), want: pdf.HiddenLayers, at: pdf.Finding{Object: 1}},
		{name: "all layers off", change: inCatalog("/OCProperties << /OCGs [] /D << /BaseState /OFF >> >>"), want: pdf.HiddenLayers, at: pdf.Finding{Object: 1}},
		{name: "layer not printed", change: printLayer("Print", "OFF"), want: pdf.HiddenLayers, at: pdf.Finding{Object: 1}},
		{name: "layer printed", change: printLayer("Print", "ON")},
		{name: "layer by zoom", change: printLayer("Zoom", "ON"), want: pdf.HiddenLayers, at: pdf.Finding{Object: 1}},
		{name: "shown when off", change: object("<< /Type /OCMD /P /AllOff >>"), want: pdf.HiddenLayers, at: pdf.Finding{Object: 6}},
		{name: "second catalog", change: object("<< /Type /Catalog /Pages 2 0 R >>"), want: pdf.SecondCatalog, at: pdf.Finding{Object: 6}},
		{name: "page twice", change: func(b *builder) { b.pages = append(b.pages, pageObj) }, want: pdf.SharedPage, at: pdf.Finding{Object: pageObj, Page: 2}},
		{name: "annotations above", change: func(b *builder) { b.tree = "/Annots []" }, want: pdf.InheritedAnnots, at: pdf.Finding{Object: pageObj, Page: 1}},
		{name: "key twice", change: onPage("/Contents 4 0 R"), want: pdf.DuplicateKey, at: pdf.Finding{Object: pageObj, Page: 1}},
		{name: "key twice in the form", change: inCatalog("/AcroForm << /Fields [] /Fields [] >>"), want: pdf.DuplicateKey, at: pdf.Finding{Object: 1}},
		{name: "key twice anywhere", change: object("[<< /A << /B 1 /#42 2 >> >>]"), want: pdf.DuplicateKey, at: pdf.Finding{Object: 6}},
		{name: "stream of another length", change: func(b *builder) { b.stream("", "x"); b.edit(6, "/Length 1", "/Length 0") },
			want: pdf.Damaged, at: pdf.Finding{Object: 6}},
		{name: "object damaged", change: object("<< /A >>"), want: pdf.Damaged, at: pdf.Finding{Object: 6}},

		{name: "certified", change: func(b *builder) { certify(b, 1) }, want: pdf.Certified, at: pdf.Finding{Object: sigObj}},
		{name: "certified for filling in", change: func(b *builder) { certify(b, 2) }},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := a4()
			row.change(b)
			file := b.bytes(classic)
			if strings.Contains(string(file), "aaaaaaaa") {
				file = handSign(t, file)
			}
			d, err := pdf.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			got := d.Findings()
			if strings.Join(codes(got), " ") != row.want {
				t.Fatalf("findings %+v, wanted %q", got, row.want)
			}
			if row.want == "" {
				return
			}
			if f := got[len(got)-1]; f.Object != row.at.Object || f.Page != row.at.Page || f.ZH == "" || f.EN == "" {
				t.Errorf("finding %+v, wanted object %d, page %d", f, row.at.Object, row.at.Page)
			}
			if _, err := d.Place(pdf.Place{Page: 1}, tiny(), pdf.PlaceOptions{}); !errors.Is(err, fault.DocumentRefused) {
				t.Errorf("placed all the same: %v", err)
			}
		})
	}
}

// printLayer is a layer that a rule switches for a category of use.
func printLayer(category, state string) func(*builder) {
	return func(b *builder) {
		b.catalog = "/OCProperties << /OCGs [6 0 R] /D << /AS [<< /Event /Print /OCGs [6 0 R] /Category [/" + category + "] >>] >> >>"
		b.add("<< /Type /OCG /Name (x) /Usage << /Print << /PrintState /" + state + " >> >> >>")
	}
}

// certify adds an author's signature with the given permission.
func certify(b *builder, permission int) {
	b.more(pageObj, "/Annots [6 0 R]")
	b.add(handField("Author", sigObj))
	b.add(strings.Replace(handSignature(), "<< ", "<< /Reference [<< /TransformMethod /DocMDP /TransformParams << /P "+
		string(rune('0'+permission))+" >> >>] ", 1))
	b.catalog = "/Perms << /DocMDP 7 0 R >> /AcroForm << /Fields [6 0 R] /SigFlags 3 >>"
}

func TestFindingsAboutSignatures(t *testing.T) {
	t.Parallel()
	one := stampedOnce(t, classic)
	annotated := revise(one, 13, map[int]string{
		pageObj: swap(t, objectText(t, one, pageObj), "[6 0 R]", "[6 0 R 12 0 R]"), 12: "<< /Subtype /Square >>"})
	broken := replaceLast("00>", "01>")(append([]byte(nil), one...))
	rows := map[string]struct {
		file []byte
		want string
	}{
		"stamped":          {one, ""},
		"stamped twice":    {stampedTwice(t, classic), ""},
		"annotated after":  {annotated, pdf.ChangedAfter},
		"appended":         {append(append([]byte(nil), one...), "junk"...), "trailing-data changed-after-signature"},
		"broken":           {broken, pdf.BrokenSignature},
		"earlier revision": {revise(a4().bytes(classic), 6, map[int]string{contentObj: "<< /Length 0 >>\nstream\n\nendstream"}), ""},
	}
	for name, row := range rows {
		d, err := pdf.Open(row.file)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Findings(); strings.Join(codes(got), " ") != row.want {
			t.Errorf("%s: %+v, wanted %q", name, got, row.want)
		}
	}
}

// TestRefusals: what cannot be opened is refused, with a finding that says why.
func TestRefusals(t *testing.T) {
	t.Parallel()
	build := func(change func(*builder)) []byte {
		b := a4()
		change(b)
		return b.bytes(classic)
	}
	good := a4().bytes(classic)
	rows := map[string]struct {
		file []byte
		want string
	}{
		"empty":            {nil, pdf.Damaged},
		"no PDF":           {[]byte("hello"), pdf.Damaged},
		"header alone":     {[]byte("%PDF-1.7\n"), pdf.Damaged},
		"something before": {append([]byte("x"), good...), pdf.Damaged},
		"cut short":        {good[:len(good)-40], pdf.Damaged},
		"too large":        {make([]byte, pdf.MaxFile+1), pdf.TooLarge},
		"encrypted":        {build(func(b *builder) { b.trailer = "/Encrypt << /Filter /Standard >>" }), pdf.Encrypted},
		"no catalog":       {build(func(b *builder) { b.trailer = "/Root 99 0 R" }), pdf.Damaged},
		"no pages":         {newBuilder().bytes(classic), pdf.Damaged},
		"page missing":     {build(func(b *builder) { b.pages = append(b.pages, 99) }), pdf.Damaged},
		"no page size":     {build(func(b *builder) { b.edit(pageObj, "/MediaBox", "/Mediabox") }), pdf.Damaged},
		"page of no size":  {build(func(b *builder) { b.edit(pageObj, "595.32", "0") }), pdf.Damaged},
		"crop box outside": {build(func(b *builder) { b.more(pageObj, "/CropBox [900 900 999 999]") }), pdf.Damaged},
		"turned by 45":     {build(func(b *builder) { b.more(pageObj, "/Rotate 45") }), pdf.Damaged},
		"unit of nothing":  {build(func(b *builder) { b.more(pageObj, "/UserUnit 0") }), pdf.Damaged},
		"tree in a circle": {build(func(b *builder) { b.pages = append(b.pages, treeNum) }), pdf.Damaged},
		"too many pages": {build(func(b *builder) {
			for range pdf.MaxPages {
				b.pages = append(b.pages, pageObj)
			}
		}), pdf.TooManyPages},
		"deep": {build(func(b *builder) {
			b.add(strings.Repeat("[", 70) + strings.Repeat("]", 70))
			b.more(pageObj, "/Rotate 6 0 R")
		}), pdf.TooComplex},
		"sections in a ring": {[]byte(strings.Replace(string(revise(good, 6, nil)),
			fmt.Sprintf("/Prev %d", lastStart(good)), fmt.Sprintf("/Prev %d", len(good)), 1)), pdf.Damaged},
	}
	for name, row := range rows {
		_, err := pdf.Open(row.file)
		f := fault.From(err)
		if !errors.Is(err, fault.DocumentRefused) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		list, _ := f.Fields["findings"].([]pdf.Finding)
		if len(list) != 1 || list[0].Code != row.want || list[0].ZH == "" || list[0].EN == "" {
			t.Errorf("%s: %+v, wanted %s (%v)", name, list, row.want, err)
		}
	}
}

// TestEveryCodeIsWorded keeps the table of texts complete and without doubles.
func TestEveryCodeIsWorded(t *testing.T) {
	t.Parallel()
	want := []string{
		pdf.Damaged, pdf.Encrypted, pdf.TooLarge, pdf.TooManyPages, pdf.TooComplex,
		pdf.JavaScript, pdf.OpenAction, pdf.Launch, pdf.FormAction, pdf.ActiveContent,
		pdf.EmbeddedFiles, pdf.ExternalData, pdf.AlternateImage,
		pdf.XFA, pdf.NeedAppearances, pdf.NoAppearance, pdf.ValueDiffers,
		pdf.HiddenLayers, pdf.SecondCatalog, pdf.SharedPage, pdf.InheritedAnnots,
		pdf.DuplicateKey, pdf.TrailingData,
		pdf.Certified, pdf.BrokenSignature, pdf.ChangedAfter,
	}
	if got := pdf.Codes(); !slices.Equal(got, want) {
		t.Errorf("codes %q", got)
	}
}
