package impression_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"testing"

	scale "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// photo says how a printed seal is photographed.
type photo struct {
	side    int     // pixels of the picture
	part    float64 // of it that the seal takes
	turn    float64 // degrees
	squash  float64 // seen from above: height over width
	ink     color.RGBA
	paper   color.RGBA
	shadow  float64 // how much darker the right side is
	noise   int
	quality int
}

var (
	phone = photo{900, 0.7, 2.5, 0.97, color.RGBA{196, 48, 62, 255}, color.RGBA{232, 226, 214, 255}, 0.35, 24, 80}
	scan  = photo{700, 0.9, -1, 1, color.RGBA{225, 60, 60, 255}, color.RGBA{250, 250, 250, 255}, 0, 6, 90}
	faded = photo{600, 0.8, 0.5, 1, color.RGBA{235, 150, 150, 255}, color.RGBA{245, 243, 240, 255}, 0.1, 8, 75}
)

// take gives the photo of a picture as a JPEG.
func (c photo) take(t testing.TB, file []byte) []byte {
	t.Helper()
	return encodeJPEG(t, c.expose(decodePNG(t, file)), c.quality)
}

func jpegOf(t testing.TB, m image.Image) []byte { return encodeJPEG(t, m, 90) }

func encodeJPEG(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (c photo) expose(m image.Image) *image.RGBA {
	sheet := image.NewRGBA(image.Rect(0, 0, c.side, c.side))
	draw.Draw(sheet, sheet.Rect, image.NewUniform(c.paper), image.Point{}, draw.Src)
	stamp := image.NewRGBA(m.Bounds())
	draw.DrawMask(stamp, stamp.Rect, image.NewUniform(c.ink), image.Point{}, m, m.Bounds().Min, draw.Src)
	k := c.part * float64(c.side) / float64(max(m.Bounds().Dx(), m.Bounds().Dy()))
	sin, cos := math.Sincos(c.turn * math.Pi / 180)
	w, h := float64(m.Bounds().Dx())/2, float64(m.Bounds().Dy())/2
	mid := float64(c.side) / 2
	at := f64.Aff3{
		k * cos, -k * sin, mid - k*(cos*w-sin*h),
		c.squash * k * sin, c.squash * k * cos, mid - c.squash*k*(sin*w+cos*h),
	}
	scale.ApproxBiLinear.Transform(sheet, at, stamp, stamp.Rect, scale.Over, nil)
	c.spoil(sheet)
	return sheet
}

// spoil lays a shadow and noise over the picture, the same for the same photo.
func (c photo) spoil(m *image.RGBA) {
	random := rand.New(rand.NewPCG(1, uint64(c.side)))
	for i := 0; i < len(m.Pix); i += 4 {
		light := 1 - c.shadow*float64(i/4%c.side)/float64(c.side)
		for j := range 3 {
			v := light*float64(m.Pix[i+j]) + float64(random.IntN(2*c.noise+1)-c.noise)
			m.Pix[i+j] = uint8(max(0, min(255, v)))
		}
	}
}

// decodePNG reads a picture of ours.
func decodePNG(t testing.TB, file []byte) *image.Paletted {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return m.(*image.Paletted)
}

func encodePNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
