package impression_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"math"
	"strings"
	"sync"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/impression"
)

const company = "青岛云章印信科技有限责任公司"

// longName is 50 characters of a name.
const longName = "中华人民共和国青岛西海岸新区云章电子印章科技发展集团股份有限公司第一分公司综合业务服务中心测试用公司"

// shared saves the tests from unpacking the fonts each time.
var shared = impression.New()

func drawn(t testing.TB, s impression.Spec) impression.Picture {
	t.Helper()
	p, err := shared.Draw(s)
	if err != nil {
		t.Fatalf("draw %+v: %v", s, err)
	}
	return p
}

// everyKind is one seal of each kind that is drawn.
func everyKind() []impression.Spec {
	return []impression.Spec{
		{Kind: impression.Statutory, Name: company, Number: "3702110012345"},
		{Kind: impression.Statutory, Name: "云章科技（青岛）有限公司", Width: 42},
		{Kind: impression.Finance, Name: company, Number: "3702110012345"},
		{Kind: impression.Contract, Name: company, Purpose: "合同专用章(2)"},
		{Kind: impression.Business, Name: company},
		{Kind: impression.Certification, Name: company},
		{Kind: impression.Invoice, Name: company, Number: "91370211MA3C8K2X5U", Serial: "(1)"},
		{Kind: impression.LegalRepresentative, Name: "张伟"},
		{Kind: impression.LegalRepresentative, Name: "王建国"},
		{Kind: impression.LegalRepresentative, Name: "买买提·吐尔逊江"},
		{Kind: impression.LegalRepresentative, Name: "John Smith"},
	}
}

func TestPicturesAreRedOnTransparentGroundAtTrueSize(t *testing.T) {
	t.Parallel()
	for _, s := range everyKind() {
		p := drawn(t, s)
		m := decodePNG(t, p.PNG)
		want := image.Pt(int(math.Round(p.Width/25.4*600)), int(math.Round(p.Height/25.4*600)))
		if m.Rect.Size() != want {
			t.Errorf("%s %s: %v pixels, want %v", s.Kind, s.Name, m.Rect.Size(), want)
		}
		for _, c := range m.Palette {
			if r, g, b, a := c.RGBA(); r != a || g != 0 || b != 0 {
				t.Fatalf("%s: palette holds %v", s.Kind, c)
			}
		}
		clear, solid := 0, 0
		for _, i := range m.Pix {
			switch _, _, _, a := m.Palette[i].RGBA(); a {
			case 0:
				clear++
			case 0xFFFF:
				solid++
			}
		}
		if n := len(m.Pix); clear < n/3 || solid < n/20 {
			t.Errorf("%s %s: of %d pixels %d clear and %d solid", s.Kind, s.Name, n, clear, solid)
		}
		if !bytes.Equal(p.PNG[33:54], pHYs) {
			t.Errorf("%s: resolution %x", s.Kind, p.PNG[33:54])
		}
	}
}

// pHYs of 600 dpi, 23622 pixels a metre, with its checksum.
var pHYs = []byte("\x00\x00\x00\x09pHYs\x00\x00\x5c\x46\x00\x00\x5c\x46\x01\x14\x94\x43\x41")

func TestSizeOfTheCompany(t *testing.T) {
	t.Parallel()
	tests := []struct {
		spec          impression.Spec
		width, height float64
	}{
		{impression.Spec{Kind: impression.Statutory, Name: company}, 40, 40},
		{impression.Spec{Kind: impression.Statutory, Name: company, Width: 42}, 42, 42},
		{impression.Spec{Kind: impression.Statutory, Name: company, Width: 42, Height: 10}, 42, 42},
		{impression.Spec{Kind: impression.Invoice, Name: company}, 40, 30},
		{impression.Spec{Kind: impression.LegalRepresentative, Name: "张伟", Width: 18}, 18, 18},
	}
	for _, tt := range tests {
		if p := drawn(t, tt.spec); p.Width != tt.width || p.Height != tt.height {
			t.Errorf("%+v: %g×%g", tt.spec, p.Width, p.Height)
		}
	}
}

func TestSameSpecSameBytes(t *testing.T) {
	t.Parallel()
	other := impression.New()
	var wg sync.WaitGroup
	for _, s := range []impression.Spec{
		{Kind: impression.Statutory, Name: company, Number: "3702110012345"},
		{Kind: impression.Invoice, Name: company, Number: "91370211MA3C8K2X5U"},
		{Kind: impression.LegalRepresentative, Name: "王建国"},
		{Kind: impression.LegalRepresentative, Name: "买买提·吐尔逊江"},
	} {
		wg.Go(func() {
			once := drawn(t, s)
			again, err := other.Draw(s)
			if err != nil || !bytes.Equal(once.PNG, again.PNG) || !bytes.Equal(once.SVG, again.SVG) {
				t.Errorf("%s %s differs between two drawings (%v)", s.Kind, s.Name, err)
			}
		})
	}
	wg.Wait()
}

func TestFilesAreSmall(t *testing.T) {
	t.Parallel()
	name := []rune(longName)
	for _, n := range []int{4, 12, 30, 50} {
		p := drawn(t, impression.Spec{Kind: impression.Statutory, Name: string(name[:n]), Number: "3702110012345"})
		if len(p.PNG) > 40<<10 || len(p.SVG) > 64<<10 {
			t.Errorf("%d characters: PNG %d, SVG %d bytes", n, len(p.PNG), len(p.SVG))
		}
	}
}

// Names of every length keep clear of border, star and number.
func TestNameKeepsItsPlace(t *testing.T) {
	t.Parallel()
	name := []rune(longName)
	for i, n := range []int{2, 4, 9, 14, 20, 30, 40, 50} {
		if i%sparse > 0 {
			continue
		}
		m := decodePNG(t, drawn(t, impression.Spec{Kind: impression.Statutory, Name: string(name[:n])}).PNG)
		for _, zone := range []struct {
			name     string
			from, to float64 // mm from the middle
			ink      bool
		}{
			{"border", 18.85, 19.95, true},
			{"gap to the border", 18.3, 18.75, false},
			{"name", 12.5, 17.5, true},
			{"gap to the star", 7.1, 11.6, false},
			{"star", 0, 2, true},
		} {
			if got := inked(m, zone.from, zone.to, 180); got != zone.ink {
				t.Errorf("%d characters: ink at %s: %v", n, zone.name, got)
			}
		}
		if inkedBelow(m, 12, 17.5, 40) {
			t.Errorf("%d characters: the name closes at the bottom", n)
		}
	}
}

// inked reports whether there is ink in a ring around the middle, up to an
// angle in degrees from the top.
func inked(m *image.Paletted, from, to, angle float64) bool {
	return search(m, func(r, top float64) bool { return r > from && r < to && top < angle })
}

// inkedBelow looks at the part of a ring up to an angle from the bottom.
func inkedBelow(m *image.Paletted, from, to, angle float64) bool {
	return search(m, func(r, top float64) bool { return r > from && r < to && top > 180-angle })
}

func search(m *image.Paletted, in func(r, top float64) bool) bool {
	half := uint8(len(m.Palette) / 2)
	c := float64(m.Rect.Dx()) / 2
	for i, ink := range m.Pix {
		if ink <= half {
			continue
		}
		dx, dy := float64(i%m.Stride)+0.5-c, float64(i/m.Stride)+0.5-c
		r := math.Hypot(dx, dy)
		if in(r/600*25.4, math.Acos(-dy/r)*180/math.Pi) {
			return true
		}
	}
	return false
}

func TestPurposeAndNumberHaveTheirPlace(t *testing.T) {
	t.Parallel()
	plain := decodePNG(t, drawn(t, impression.Spec{Kind: impression.Statutory, Name: company}).PNG)
	number := decodePNG(t, drawn(t, impression.Spec{Kind: impression.Statutory, Name: company, Number: "3702110012345"}).PNG)
	purpose := decodePNG(t, drawn(t, impression.Spec{Kind: impression.Contract, Name: company}).PNG)
	if inkedBelow(plain, 8, 18.5, 20) || !inkedBelow(number, 16, 18.2, 20) || inkedBelow(number, 8, 15.9, 20) {
		t.Error("number on the lower arc")
	}
	if !inkedBelow(purpose, 8.5, 13.2, 20) || inkedBelow(purpose, 13.4, 18.7, 20) {
		t.Error("purpose under the star")
	}
}

// Nothing leaves the picture, and the SVG says the size that the PNG has.
func TestSVGIsWellFormed(t *testing.T) {
	t.Parallel()
	for _, s := range everyKind() {
		p := drawn(t, s)
		var svg struct {
			Width   string `xml:"width,attr"`
			Height  string `xml:"height,attr"`
			ViewBox string `xml:"viewBox,attr"`
			Path    struct {
				Fill string `xml:"fill,attr"`
				D    string `xml:"d,attr"`
			} `xml:"path"`
		}
		if err := xml.Unmarshal(p.SVG, &svg); err != nil {
			t.Fatalf("%s: %v", s.Kind, err)
		}
		box := fmt.Sprintf("0 0 %.0f %.0f", p.Width*1000, p.Height*1000)
		if svg.Width != fmt.Sprintf("%gmm", p.Width) || svg.Height != fmt.Sprintf("%gmm", p.Height) ||
			svg.ViewBox != box || svg.Path.Fill != "#ff0000" {
			t.Errorf("%s: %s %s %s %s", s.Kind, svg.Width, svg.Height, svg.ViewBox, svg.Path.Fill)
		}
		numbers := strings.FieldsFunc(svg.Path.D, func(r rune) bool { return strings.ContainsRune("MLQCZ ", r) })
		for i, text := range numbers {
			var n int
			limit := []float64{p.Width, p.Height}[i%2] * 1000
			if _, err := fmt.Sscan(text, &n); err != nil || n < 0 || float64(n) > limit {
				t.Fatalf("%s %s: coordinate %q outside 0 to %g", s.Kind, s.Name, text, limit)
			}
		}
	}
}

func TestCharactersTheFontHas(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"齉龘靐有限公司", "䶮㛃科技", "𬭎𫖯事务所", "ＡＢ－（１２）", "A-b·c & Co.", "〇〇公司"} {
		if err := shared.Check(impression.Statutory, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissingCharacterIsNamed(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]string{
		"云章😀公司":           "😀",
		"云\u202e章公司":      "\u202e",
		"云章\u200b公司":      "\u200b",
		"云章\n公司":          "\n",
		"云章한국公司":          "한",
		"\U0002a6a5记食品有限": "\U0002a6a5",
	} {
		for _, err := range []error{
			shared.Check(impression.Statutory, name),
			second(shared.Draw(impression.Spec{Kind: impression.Finance, Name: name})),
		} {
			if !errors.Is(err, fault.GlyphMissing) || fault.From(err).Fields["glyph"] != missing {
				t.Errorf("%q: %v %v", name, err, fault.From(err).Fields)
			}
		}
	}
}

func second(_ impression.Picture, err error) error { return err }

func TestWhatIsNotDrawn(t *testing.T) {
	t.Parallel()
	long := longName + "司"
	tests := []struct {
		spec   impression.Spec
		want   *fault.Error
		reason any
	}{
		{impression.Spec{Kind: "other", Name: company}, fault.SealKindBad, nil},
		{impression.Spec{Kind: impression.Signature, Name: "张伟"}, fault.SealKindBad, nil},
		{impression.Spec{Kind: impression.Statutory}, fault.ImpressionBad, "name"},
		{impression.Spec{Kind: impression.Statutory, Name: "云"}, fault.ImpressionBad, "name"},
		{impression.Spec{Kind: impression.Statutory, Name: long}, fault.ImpressionBad, "name"},
		{impression.Spec{Kind: impression.Statutory, Name: "云\xff章"}, fault.ImpressionBad, "name"},
		{impression.Spec{Kind: impression.Finance, Name: company, Purpose: "一二三四五六七八九十一"}, fault.ImpressionBad, "purpose"},
		{impression.Spec{Kind: impression.Statutory, Name: company, Number: "1234567890123456789"}, fault.ImpressionBad, "number"},
		{impression.Spec{Kind: impression.Invoice, Name: company, Serial: "(12345)"}, fault.ImpressionBad, "serial"},
		{impression.Spec{Kind: impression.Statutory, Name: company, Number: "３７"}, fault.GlyphMissing, nil},
		{impression.Spec{Kind: impression.Statutory, Name: company, Width: 600}, fault.ImpressionBad, "size"},
		{impression.Spec{Kind: impression.Statutory, Name: company, Width: math.NaN()}, fault.ImpressionBad, "size"},
		{impression.Spec{Kind: impression.Statutory, Name: company, Border: 9}, fault.ImpressionBad, "border"},
	}
	for _, tt := range tests {
		p, err := shared.Draw(tt.spec)
		if !errors.Is(err, tt.want) || fault.From(err).Fields["reason"] != tt.reason || p.PNG != nil {
			t.Errorf("%+v: %v %v", tt.spec, err, fault.From(err).Fields)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	s := impression.Spec{Kind: impression.Statutory, Name: company, Number: "3702110012345"}
	drawn(b, s) // opens the fonts
	b.ReportAllocs()
	for b.Loop() {
		drawn(b, s)
	}
}

func BenchmarkOpenFonts(b *testing.B) {
	for b.Loop() {
		if err := impression.New().Check(impression.Statutory, company); err != nil {
			b.Fatal(err)
		}
	}
}
