package pdf_test

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"

	"yunzhang.dev/cloudseal/pdf"
)

const screen = 150 // dots per inch of the pictures looked at

// reader is one PDFium for all tests; it is for one goroutine at a time.
var reader = struct {
	sync.Mutex
	start func() (pdfium.Pdfium, error)
}{start: sync.OnceValues(startReader)}

func startReader() (pdfium.Pdfium, error) {
	// Compiling takes seconds, so its result is kept between runs.
	cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(os.TempDir(), "yunzhang-wazero"))
	if err != nil {
		return nil, err
	}
	pool, err := webassembly.Init(webassembly.Config{
		MinIdle: 1, MaxIdle: 1, MaxTotal: 1,
		RuntimeConfig: wazero.NewRuntimeConfig().WithCompilationCache(cache),
	})
	if err != nil {
		return nil, err
	}
	return pool.GetInstance(time.Minute)
}

// render draws a page (from 1) with its form fields.
func render(t testing.TB, file []byte, page int) *image.RGBA {
	t.Helper()
	reader.Lock()
	defer reader.Unlock()
	r, err := reader.start()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := r.OpenDocument(&requests.OpenDocument{File: &file})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.FPDF_CloseDocument(&requests.FPDF_CloseDocument{Document: doc.Document}) }()
	out, err := r.RenderPageInDPI(&requests.RenderPageInDPI{
		Page:       requests.Page{ByIndex: &requests.PageByIndex{Document: doc.Document, Index: page - 1}},
		DPI:        screen,
		RenderForm: true,
		Document:   &doc.Document,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Cleanup()
	src := out.Result.Image
	m := image.NewRGBA(src.Bounds())
	copy(m.Pix, src.Pix)
	return m
}

// red is the rectangle around all clearly red pixels.
func red(m *image.RGBA) (r image.Rectangle, count int) {
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			if c := m.RGBAAt(x, y); c.R > 200 && c.G < 128 && c.B < 128 {
				r = r.Union(image.Rect(x, y, x+1, y+1))
				count++
			}
		}
	}
	return r, count
}

func floor(f float64) int   { return int(math.Floor(f)) }
func ceil(f float64) int    { return int(math.Ceil(f)) }
func px(mm float64) float64 { return mm / 25.4 * screen }

// layout is a page with its own idea of where up and left are.
type layout struct {
	name    string
	entries string
	tree    string
	// shown is how large a reader that ignores UserUnit draws a unit.
	unit float64
}

func layouts() []layout {
	const media = "/MediaBox [0 0 595.32 841.92]"
	return []layout{
		{name: "plain", entries: media},
		{name: "rotated 90", entries: media + " /Rotate 90"},
		{name: "rotated 180", entries: media + " /Rotate 180"},
		{name: "rotated 270", entries: media + " /Rotate 270"},
		{name: "rotated -90", entries: media + " /Rotate -90"},
		{name: "cropped", entries: "/MediaBox [-100 -50 700 900] /CropBox [20 30 520 830]"},
		{name: "cropped and rotated", entries: "/MediaBox [-100 -50 700 900] /CropBox [20 30 520 830] /Rotate 90"},
		{name: "corners swapped", entries: "/MediaBox [595 842 0 0]"},
		{name: "inherited", tree: "/MediaBox [0 0 420 595] /Rotate 270 /Resources << >>"},
		{name: "unit", entries: "/MediaBox [0 0 300 420] /UserUnit 2", unit: 2},
	}
}

func TestSealIsDrawnAtItsPlaceAndSize(t *testing.T) {
	t.Parallel()
	for i, l := range layouts() {
		t.Run(l.name, func(t *testing.T) {
			b := newBuilder()
			b.tree = l.tree
			b.page(l.entries)
			original := b.bytes(styles()[i%len(styles())])
			checkDrawn(t, original, l, 1, paletted(42))
		})
	}
	for name, file := range samples(t) {
		t.Run(name, func(t *testing.T) { checkDrawn(t, file, layout{}, 1, paletted(42)) })
	}
	t.Run("256 degrees", func(t *testing.T) { checkDrawn(t, a4().bytes(classic), layout{}, 1, smooth(40)) })
	t.Run("two inks", func(t *testing.T) { checkDrawn(t, a4().bytes(classic), layout{}, 1, colored(42)) })
}

func checkDrawn(t *testing.T, original []byte, l layout, page int, seal pdf.Picture) {
	t.Helper()
	at := pdf.Place{Page: page, X: 60.5, Y: 80, W: seal.Width, H: seal.Height}
	file := stamped(t, original, at, seal, pdf.PlaceOptions{})
	checkOutside(t, file)
	if got := find(t, file)[0]; got.Page != page || got.Place != at {
		t.Fatalf("found at %+v, placed at %+v", got.Place, at)
	}
	before, after := render(t, original, page), render(t, file, page)
	keep(t, after)
	// PDFium draws a page of larger units smaller, and all on it.
	unit := max(l.unit, 1)
	box, count := red(after)
	if n := red2(before); n > 0 {
		t.Fatalf("%d red pixels before", n)
	}
	// Readers widen an image to whole pixels; one more row is their rounding.
	want := image.Rect(floor(px(at.X)/unit), floor(px(at.Y)/unit), ceil(px(at.X+at.W)/unit), ceil(px(at.Y+at.H)/unit))
	if !box.In(want.Inset(-1)) || !want.Inset(1).In(box) {
		t.Errorf("drawn at %v px, wanted %v", box, want)
	}
	if count == 0 {
		t.Error("no red")
	}
	checkUpright(t, after, box)
	checkNothingHidden(t, before, after, box)
}

func red2(m *image.RGBA) int { _, n := red(m); return n }

// checkUpright: the spot of the test seal is above its bar, and nothing is below.
func checkUpright(t *testing.T, m *image.RGBA, box image.Rectangle) {
	t.Helper()
	cx, cy := (box.Min.X+box.Max.X)/2, (box.Min.Y+box.Max.Y)/2
	away, half := box.Dx()*3/10, box.Dx()/20
	ink := func(dx, dy int) (n int) {
		at := image.Rect(cx+dx-half, cy+dy-half, cx+dx+half, cy+dy+half)
		for y := at.Min.Y; y < at.Max.Y; y++ {
			for x := at.Min.X; x < at.Max.X; x++ {
				if c := m.RGBAAt(x, y); c.R > 150 && c.G < 100 {
					n++
				}
			}
		}
		return n
	}
	if ink(0, -away) == 0 || ink(-away, 0) == 0 || ink(away, 0) == 0 {
		t.Error("spot or bar missing")
	}
	if n := ink(0, away); n > 0 {
		t.Errorf("%d red pixels below the bar", n)
	}
}

// checkNothingHidden: what was dark behind the seal is dark still, and outside
// its place not a pixel has changed.
func checkNothingHidden(t *testing.T, before, after *image.RGBA, box image.Rectangle) {
	t.Helper()
	dark := func(c color.RGBA) bool { return c.R < 90 && c.G < 90 && c.B < 90 }
	place, text := box.Inset(-2), 0
	for y := before.Rect.Min.Y; y < before.Rect.Max.Y; y++ {
		for x := before.Rect.Min.X; x < before.Rect.Max.X; x++ {
			a, b := before.RGBAAt(x, y), after.RGBAAt(x, y)
			switch {
			case !(image.Point{x, y}).In(place):
				if a != b {
					t.Fatalf("pixel %d,%d outside the place changed", x, y)
				}
			case dark(a):
				if text++; !dark(b) {
					t.Fatalf("text at %d,%d hidden: %v", x, y, b)
				}
			}
		}
	}
	if text == 0 {
		t.Log("no text behind the seal on this page")
	}
}

// keep writes the picture where somebody wants to look at it.
func keep(t *testing.T, m image.Image) {
	t.Helper()
	dir := os.Getenv("YUNZHANG_PICTURES")
	if dir == "" {
		return
	}
	name := strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()) + ".png"
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Fatal(err)
	}
}
