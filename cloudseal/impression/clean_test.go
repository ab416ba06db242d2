package impression_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/impression"
)

func TestCleanGivesTheSealOfAPhoto(t *testing.T) {
	t.Parallel()
	seal := impression.Spec{Kind: impression.Statutory, Name: company, Number: "3702110012345"}
	tests := []struct {
		name string
		how  photo
		spec impression.Spec
	}{
		{"by phone", phone, seal},
		{"faded, 42 mm", faded, impression.Spec{Kind: impression.Statutory, Name: company, Width: 42}},
		{"invoice seal", scan, impression.Spec{Kind: impression.Invoice, Name: company, Number: "91370211MA3C8K2X5U"}},
		{"name seal", scan, impression.Spec{Kind: impression.LegalRepresentative, Name: "王建国"}},
	}
	for _, tt := range tests[:len(tests)/sparse] {
		original := drawn(t, tt.spec)
		p, err := impression.Clean(tt.spec.Kind, tt.spec.Width, tt.how.take(t, original.PNG))
		if err != nil {
			t.Errorf("%s: %v %v", tt.name, err, fault.From(err).Fields)
			continue
		}
		got, want := decodePNG(t, p.PNG), decodePNG(t, original.PNG)
		if got.Rect != want.Rect || p.Width != original.Width || p.Height != original.Height || p.SVG != nil {
			t.Errorf("%s: %v, %g×%g mm", tt.name, got.Rect, p.Width, p.Height)
		}
		if d := difference(got, want); d > 0.13 {
			t.Errorf("%s: %.0f %% of the ink is elsewhere", tt.name, 100*d)
		}
	}
}

// difference is the ink that only one of two pictures has near a place, as a
// part of all ink: a photo is a millimetre off here and there.
func difference(a, b *image.Paletted) float64 {
	return (missing(a, b) + missing(b, a)) / 2
}

func missing(a, b *image.Paletted) float64 {
	const near = 12 // pixels, half a millimetre
	all, alone := 0, 0
	for y := near; y < a.Rect.Dy()-near; y += 3 {
		for x := near; x < a.Rect.Dx()-near; x += 3 {
			if a.Pix[y*a.Stride+x] < 4 {
				continue
			}
			all++
			found := false
			for dy := -near; dy <= near && !found; dy += 4 {
				for dx := -near; dx <= near && !found; dx += 4 {
					found = b.Pix[(y+dy)*b.Stride+x+dx] >= 4
				}
			}
			if !found {
				alone++
			}
		}
	}
	return float64(alone) / float64(all)
}

func TestCleanIsRedWithAlpha(t *testing.T) {
	t.Parallel()
	p, err := impression.Clean(impression.Statutory, 0, phone.take(t, drawn(t, impression.Spec{Kind: impression.Statutory, Name: company}).PNG))
	if err != nil {
		t.Fatal(err)
	}
	m := decodePNG(t, p.PNG)
	for _, c := range m.Palette {
		if r, g, b, a := c.RGBA(); r != a || g != 0 || b != 0 {
			t.Fatalf("palette holds %v", c)
		}
	}
	if _, _, _, a := m.At(2, 2).RGBA(); a != 0 || len(p.PNG) > 60<<10 {
		t.Errorf("corner alpha %x, %d bytes", a, len(p.PNG))
	}
}

func TestCleanHonoursTheOrientationOfTheCamera(t *testing.T) {
	t.Parallel()
	// A frame with a block at the upper left and a line at the upper right.
	upright := painted(200, 200, color.White, image.Rect(10, 10, 190, 20), image.Rect(10, 180, 190, 190),
		image.Rect(10, 10, 20, 190), image.Rect(180, 10, 190, 190), image.Rect(40, 40, 80, 80), image.Rect(130, 40, 135, 80))
	for o := 1; o <= 8; o++ {
		order := binary.AppendByteOrder(binary.BigEndian)
		if o%2 == 0 {
			order = binary.LittleEndian
		}
		file := withOrientation(jpegOf(t, stored(upright, o)), o, order)
		p, err := impression.Clean(impression.LegalRepresentative, 0, file)
		if err != nil {
			t.Fatalf("orientation %d: %v", o, err)
		}
		m := decodePNG(t, p.PNG)
		at := func(x, y int) bool { // a place of the paper in the picture
			return m.Pix[(y-10)*m.Rect.Dy()/180*m.Stride+(x-10)*m.Rect.Dx()/180] > 4
		}
		if !at(60, 60) || !at(132, 60) || at(140, 60) || at(60, 132) || at(132, 132) {
			t.Errorf("orientation %d is turned", o)
		}
	}
}

// stored is how a camera with the orientation keeps an upright picture:
// where in it the first row and the first column lie (Exif 2.3 §4.6.4).
func stored(m *image.RGBA, orientation int) *image.RGBA {
	n := m.Rect.Dx() - 1
	s := image.NewRGBA(m.Rect)
	for v := 0; v <= n; v++ {
		for u := 0; u <= n; u++ {
			at := map[int]image.Point{
				1: {u, v}, 2: {n - u, v}, 3: {n - u, n - v}, 4: {u, n - v},
				5: {v, u}, 6: {n - v, u}, 7: {n - v, n - u}, 8: {v, n - u},
			}[orientation]
			s.SetRGBA(u, v, m.RGBAAt(at.X, at.Y))
		}
	}
	return s
}

// withOrientation puts an Exif block behind the start of a JPEG.
func withOrientation(file []byte, orientation int, order binary.AppendByteOrder) []byte {
	tiff := []byte("MM")
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		tiff = []byte("II")
	}
	tiff = order.AppendUint16(tiff, 42)
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 1)
	tiff = order.AppendUint16(tiff, 0x0112)
	tiff = order.AppendUint16(tiff, 3)
	tiff = order.AppendUint32(tiff, 1)
	tiff = order.AppendUint16(tiff, uint16(orientation))
	tiff = append(tiff, 0, 0, 0, 0, 0, 0)
	block := append([]byte("Exif\x00\x00"), tiff...)
	out := []byte{0xFF, 0xD8, 0xFF, 0xE1}
	out = binary.BigEndian.AppendUint16(out, uint16(len(block)+2))
	return append(append(out, block...), file[2:]...)
}

func TestCleanRefuses(t *testing.T) {
	t.Parallel()
	seal := drawn(t, impression.Spec{Kind: impression.Statutory, Name: company})
	square := drawn(t, impression.Spec{Kind: impression.LegalRepresentative, Name: "王建国"})
	oval := drawn(t, impression.Spec{Kind: impression.Invoice, Name: company})
	blue := scan
	blue.ink = color.RGBA{40, 60, 200, 255}
	tests := []struct {
		name   string
		file   []byte
		reason string
	}{
		{"nothing", nil, "format"},
		{"a GIF", []byte("GIF89a\x01\x00\x01\x00"), "format"},
		{"a JPEG of many passes", bytes.Repeat([]byte{0xFF, 0xD8, 0xFF, 0xDA}, 40), "format"},
		{"half a file", seal.PNG[:len(seal.PNG)/2], "damaged"},
		{"half a photo", scan.take(t, seal.PNG)[:400], "damaged"},
		{"too many bytes", append(bytes.Clone(seal.PNG), make([]byte, impression.MaxUpload)...), "too-large"},
		{"too many pixels", claim(seal.PNG, 60000, 60000), "too-large"},
		{"too many bytes a pixel", claim16(seal.PNG, 4000, 4000), "too-large"},
		{"too few pixels", photo{150, 0.9, 0, 1, scan.ink, scan.paper, 0, 0, 90}.take(t, seal.PNG), "too-small"},
		{"white paper", jpegOf(t, painted(500, 500, color.White)), "no-ink"},
		{"blue ink", blue.take(t, seal.PNG), "no-ink"},
		{"a red dot", jpegOf(t, painted(500, 500, color.White, image.Rect(240, 240, 270, 270))), "no-ink"},
		{"a red sheet", jpegOf(t, painted(500, 500, color.White, image.Rect(100, 100, 400, 400))), "filled"},
		{"a red line", jpegOf(t, painted(500, 500, color.White, image.Rect(50, 240, 450, 290))), "shape"},
		{"a square seal", scan.take(t, square.PNG), "shape"},
		{"an ellipse", scan.take(t, oval.PNG), "shape"},
		{"two seals", jpegOf(t, sideBySide(decodePNG(t, seal.PNG))), "shape"},
		{"half a seal", jpegOf(t, halved(decodePNG(t, seal.PNG))), "shape"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := impression.Clean(impression.Statutory, 0, tt.file)
			if !errors.Is(err, fault.ImpressionBad) || fault.From(err).Fields["reason"] != tt.reason || p.PNG != nil {
				t.Errorf("got %v %v", err, fault.From(err).Fields)
			}
		})
	}
	if _, err := impression.Clean("other", 0, seal.PNG); !errors.Is(err, fault.SealKindBad) {
		t.Errorf("unknown kind: %v", err)
	}
	if _, err := impression.Clean(impression.Statutory, 400, seal.PNG); !errors.Is(err, fault.ImpressionBad) {
		t.Errorf("400 mm: %v", err)
	}
}

// claim writes another size into the header of a PNG.
func claim(file []byte, w, h uint32) []byte {
	out := bytes.Clone(file)
	binary.BigEndian.PutUint32(out[16:], w)
	binary.BigEndian.PutUint32(out[20:], h)
	binary.BigEndian.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

// claim16 says 16 bits a channel with alpha as well.
func claim16(file []byte, w, h uint32) []byte {
	out := bytes.Clone(file)
	out[24], out[25] = 16, 6
	return claim(out, w, h)
}

func painted(w, h int, ground color.Color, red ...image.Rectangle) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(ground), image.Point{}, draw.Src)
	for _, r := range red {
		draw.Draw(m, r, image.NewUniform(color.RGBA{220, 30, 30, 255}), image.Point{}, draw.Src)
	}
	return m
}

func sideBySide(m image.Image) *image.RGBA {
	r := m.Bounds()
	both := painted(2*r.Dx()+40, r.Dy()+40, color.White)
	draw.Draw(both, r.Add(image.Pt(10, 10)), m, image.Point{}, draw.Over)
	draw.Draw(both, r.Add(image.Pt(r.Dx()+30, 30)), m, image.Point{}, draw.Over)
	return both
}

// halved is a seal of which the stamp took only the upper half, and a spot
// below that makes the whole as high as wide.
func halved(m image.Image) *image.RGBA {
	r := m.Bounds()
	half := painted(r.Dx()+20, r.Dy()+20, color.White, image.Rect(r.Dx()/2, r.Dy()-20, r.Dx()/2+30, r.Dy()+10))
	draw.Draw(half, image.Rect(10, 10, r.Dx()+10, r.Dy()/2), m, image.Point{}, draw.Over)
	return half
}

func TestSignatureIsBlackAndKeepsItsProportions(t *testing.T) {
	t.Parallel()
	paper := painted(900, 500, color.RGBA{225, 222, 215, 255})
	pen := image.NewUniform(color.RGBA{50, 48, 60, 255})
	for i := range 400 {
		draw.Draw(paper, image.Rect(200+i, 200+i%90, 208+i, 208+i%90), pen, image.Point{}, draw.Src)
	}
	p, err := impression.Clean(impression.Signature, 0, jpegOf(t, paper))
	if err != nil {
		t.Fatal(err)
	}
	m := decodePNG(t, p.PNG)
	if p.Width != 20 || p.Height != 10 || m.Rect.Dx() != 472 || m.Rect.Dy() != 236 {
		t.Errorf("%g×%g mm, %v", p.Width, p.Height, m.Rect)
	}
	used := image.Rectangle{}
	for i, ink := range m.Pix {
		if r, g, b, a := m.Palette[ink].RGBA(); a > 0x8000 {
			used = used.Union(image.Rect(i%m.Stride, i/m.Stride, i%m.Stride+1, i/m.Stride+1))
			if r != 0 || g != 0 || b != 0 {
				t.Fatalf("ink %v", m.Palette[ink])
			}
		}
	}
	// 408 by 97 pixels on the paper fill the width.
	if w, h := used.Dx(), used.Dy(); w < 465 || h < 105 || h > 118 {
		t.Errorf("ink takes %v", used)
	}
}

func BenchmarkClean(b *testing.B) {
	c := phone
	c.side = 3000
	file := c.take(b, drawn(b, impression.Spec{Kind: impression.Statutory, Name: company}).PNG)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := impression.Clean(impression.Statutory, 0, file); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzClean(f *testing.F) {
	seal := painted(200, 200, color.White, image.Rect(20, 20, 180, 30), image.Rect(20, 170, 180, 180),
		image.Rect(20, 20, 30, 180), image.Rect(170, 20, 180, 180), image.Rect(60, 60, 90, 140))
	jpeg := jpegOf(f, seal)
	f.Add(jpeg)
	f.Add(withOrientation(jpeg, 6, binary.LittleEndian))
	f.Add(withOrientation(jpeg, 3, binary.BigEndian))
	f.Add(encodePNG(f, seal))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 16<<10 {
			return
		}
		p, err := impression.Clean(impression.LegalRepresentative, impression.MinSize, file)
		switch {
		case err == nil && decodePNG(t, p.PNG).Rect.Dx() != 236:
			t.Error("another size")
		case err != nil && !errors.Is(err, fault.ImpressionBad):
			t.Errorf("no fault: %v", err)
		case err != nil && p.PNG != nil:
			t.Error("a picture in spite of an error")
		}
	})
}
