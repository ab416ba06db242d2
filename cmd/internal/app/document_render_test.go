package app_test

import (
	"image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
)

const (
	dpi      = 150
	diameter = 40.0 // mm, of the statutory seal of a company
)

func pixels(mm float64) int { return int(math.Round(mm / 25.4 * dpi)) }

// looksRight renders the page with PDFium before and after: the seal is red,
// round, of its true size, at its place; what was dark is dark; and nothing
// else has changed.
func looksRight(t *testing.T, one paper) {
	pages := render(t, one.original, one.stamped)
	before, after := pages[0], pages[1]
	if box, _ := inkOf(before); !box.Empty() {
		t.Fatalf("red before it was stamped, at %v", box)
	}
	box, ink := inkOf(after)
	size := pixels(diameter)
	t.Logf("drawn at %v: %d × %d pixels, %d red", box, box.Dx(), box.Dy(), ink)
	if near := 2; off(box.Dx(), size) > near || off(box.Dy(), size) > near {
		t.Errorf("%d × %d pixels, want %d", box.Dx(), box.Dy(), size)
	}
	if near := 2; off(box.Min.X, pixels(one.x)) > near || off(box.Min.Y, pixels(one.y)) > near {
		t.Errorf("drawn at %v, want %d,%d", box.Min, pixels(one.x), pixels(one.y))
	}
	isRound(t, after, box)
	nothingHidden(t, before, after, box)
}

func off(a, b int) int { return max(a-b, b-a) }

// render draws the first page of some files with one PDFium.
func render(t *testing.T, files ...[]byte) (pages []*image.RGBA) {
	t.Helper()
	// Compiling takes seconds, so its result is kept between runs.
	cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(os.TempDir(), "yunzhang-wazero"))
	check(t, err)
	pool, err := webassembly.Init(webassembly.Config{
		MinIdle: 1, MaxIdle: 1, MaxTotal: 1, RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(cache),
	})
	check(t, err)
	defer pool.Close()
	reader, err := pool.GetInstance(time.Minute)
	check(t, err)
	for _, file := range files {
		doc, err := reader.OpenDocument(&requests.OpenDocument{File: &file})
		check(t, err)
		out, err := reader.RenderPageInDPI(&requests.RenderPageInDPI{
			Page: requests.Page{ByIndex: &requests.PageByIndex{Document: doc.Document}}, DPI: dpi, RenderForm: true, Document: &doc.Document,
		})
		check(t, err)
		m := image.NewRGBA(out.Result.Image.Bounds())
		copy(m.Pix, out.Result.Image.Pix)
		out.Cleanup()
		pages = append(pages, m)
		_, err = reader.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: doc.Document})
		check(t, err)
	}
	return pages
}

func isRed(c color.RGBA) bool  { return c.R > 180 && c.G < 140 && c.B < 140 }
func isDark(c color.RGBA) bool { return c.R < 90 && c.G < 90 && c.B < 90 }

// inkOf gives the rectangle around all clearly red pixels and their number.
func inkOf(m *image.RGBA) (box image.Rectangle, count int) {
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			if isRed(m.RGBAAt(x, y)) {
				box = box.Union(image.Rect(x, y, x+1, y+1))
				count++
			}
		}
	}
	return box, count
}

// isRound: on every degree the ring is met at one radius (as something darker
// where it crosses text), and no red lies farther out.
func isRound(t *testing.T, m *image.RGBA, box image.Rectangle) {
	t.Helper()
	const near = 2.5 // pixels
	cx, cy, radius := float64(box.Min.X+box.Max.X)/2, float64(box.Min.Y+box.Max.Y)/2, float64(box.Dx())/2
	for degree := range 360 {
		sin, cos := math.Sincos(float64(degree) * math.Pi / 180)
		met := false
		for r := radius - near; r <= radius+near; r += 0.5 {
			met = met || m.RGBAAt(int(cx+r*cos), int(cy+r*sin)).G < 140
		}
		if !met {
			t.Errorf("no ring at %d degrees", degree)
		}
	}
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			if isRed(m.RGBAAt(x, y)) && math.Hypot(float64(x)+0.5-cx, float64(y)+0.5-cy) > radius+near {
				t.Fatalf("ink at %d,%d, outside the circle", x, y)
			}
		}
	}
}

// nothingHidden: dark pixels under the seal stay dark, and outside it not a
// pixel has changed.
func nothingHidden(t *testing.T, before, after *image.RGBA, box image.Rectangle) {
	t.Helper()
	inside, text, crossed := box.Inset(-2), 0, 0
	for y := range before.Rect.Dy() {
		for x := range before.Rect.Dx() {
			at, a, b := image.Pt(x, y), before.RGBAAt(x, y), after.RGBAAt(x, y)
			switch {
			case !at.In(inside):
				if a != b {
					t.Fatalf("the pixel at %v, outside the seal, has changed from %v to %v", at, a, b)
				}
			case isDark(a):
				text++
				if a != b || isRed(after.RGBAAt(x-1, y)) || isRed(after.RGBAAt(x+1, y)) {
					crossed++
				}
				if !isDark(b) {
					t.Fatalf("text at %v is hidden: %v became %v", at, a, b)
				}
			}
		}
	}
	t.Logf("%d dark pixels of text in the seal's box, %d under or beside its ink", text, crossed)
	if text == 0 || crossed == 0 {
		t.Error("no text behind the seal: the test looks at nothing")
	}
}
