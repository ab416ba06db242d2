package pdf_test

import (
	"bytes"
	"encoding/asn1"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
)

const (
	dpi  = 600
	spot = 0.15 // radius of the spot, of the seal's
)

// ring is the opacity of a round seal of the given diameter in mm: a ring that
// touches the picture's edges, a bar through the middle, and a spot near the
// top, so that it can be seen which way up it is.
func ring(mm float64) *image.Alpha {
	n := int(math.Round(mm / 25.4 * dpi))
	m := image.NewAlpha(image.Rect(0, 0, n, n))
	r := float64(n) / 2
	for y := range n {
		for x := range n {
			dx, dy := float64(x)+0.5-r, float64(y)+0.5-r
			d := math.Hypot(dx, dy)
			edge := math.Min(r-d, d-r*0.94)
			a := math.Max(0, math.Min(1, edge+0.5))
			bar := math.Abs(dy) < r*0.1 && d < r*0.7
			if bar || math.Hypot(dx, dy+r*0.6) < r*spot {
				a = 1
			}
			m.Pix[y*m.Stride+x] = uint8(a * 255)
		}
	}
	return m
}

// paletted is a seal as the drawer of impressions writes them: one ink in eight
// degrees.
func paletted(mm float64) pdf.Picture {
	mask := ring(mm)
	palette := make(color.Palette, 8)
	for i := range palette {
		palette[i] = color.NRGBA{R: 255, A: uint8(i * 255 / 7)}
	}
	m := image.NewPaletted(mask.Rect, palette)
	for i, a := range mask.Pix {
		m.Pix[i] = uint8((int(a)*7 + 127) / 255)
	}
	return picture(m, mm)
}

// smooth is the same seal with 256 degrees.
func smooth(mm float64) pdf.Picture { return picture(inked(mm), mm) }

func inked(mm float64) *image.NRGBA {
	mask := ring(mm)
	m := image.NewNRGBA(mask.Rect)
	for i, a := range mask.Pix {
		copy(m.Pix[4*i:], []byte{255, 0, 0, a})
	}
	return m
}

// colored has more than one ink.
func colored(mm float64) pdf.Picture {
	m := inked(mm)
	for i := 0; i < len(m.Pix)/2; i += 4 {
		m.Pix[i] = 230
	}
	return picture(m, mm)
}

func picture(m image.Image, mm float64) pdf.Picture {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return pdf.Picture{PNG: b.Bytes(), Width: mm, Height: mm}
}

// fakeSignature is a DER value that holds a digest, and enough besides to look
// like a signature with a seal in it.
func fakeSignature(digest gm.Digest) []byte {
	seed := gm.SM3(digest[:])
	der, err := asn1.Marshal(struct{ Digest, Filler []byte }{digest[:], bytes.Repeat(seed[:], 50)})
	if err != nil {
		panic(err)
	}
	return der
}

// intact reports whether a stamp has nothing to complain about and holds the
// signature that belongs to the file.
func intact(file []byte, s pdf.Stamp) bool {
	d, err := s.Digest(file)
	return err == nil && len(s.Problems) == 0 && bytes.Equal(s.DER, fakeSignature(d))
}

// stamped places a seal and completes it with a fake signature.
func stamped(t testing.TB, file []byte, at pdf.Place, pic pdf.Picture, opt pdf.PlaceOptions) []byte {
	t.Helper()
	d, err := pdf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Place(at, pic, opt)
	if err != nil {
		t.Fatalf("place: %v, findings %+v", err, d.Findings())
	}
	_, dtbs, err := p.Digests(file)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Complete(file, fakeSignature(dtbs))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out, file) {
		t.Fatal("the original is not a prefix of the stamped file")
	}
	return out
}

func find(t testing.TB, file []byte) []pdf.Stamp {
	t.Helper()
	stamps, err := pdf.Find(file)
	if err != nil {
		t.Fatal(err)
	}
	return stamps
}

// samples reads the real files.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	paths, _ := filepath.Glob("../../../shared/samples/pdf/*.pdf")
	if len(paths) == 0 {
		t.Fatal("no samples in shared/samples/pdf")
	}
	files := map[string][]byte{}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(p)] = b
	}
	return files
}

// solid is a picture of 8 × 8 equal pixels.
func solid(alpha uint8) []byte {
	m := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	for i := 0; i < len(m.Pix); i += 4 {
		copy(m.Pix[i:], []byte{255, 0, 0, alpha})
	}
	return picture(m, 4).PNG
}

// throughQPDF rewrites a file with another program, and skips without it.
func throughQPDF(t *testing.T, file []byte, options ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("qpdf"); err != nil {
		t.Skip("needs qpdf: to rewrite a file in another way")
	}
	in, out := filepath.Join(t.TempDir(), "in.pdf"), filepath.Join(t.TempDir(), "out.pdf")
	if err := os.WriteFile(in, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.CommandContext(t.Context(), "qpdf", append(options, in, out)...).CombinedOutput(); err != nil {
		t.Fatalf("qpdf: %v\n%s", err, said)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
