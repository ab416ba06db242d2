package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
)

// fromPixels decodes any PNG and splits it into colours and mask.
func (p Picture) fromPixels() (drawing, error) {
	decoded, err := png.Decode(bytes.NewReader(p.PNG))
	if err != nil {
		return drawing{}, fmt.Errorf("read picture: %w", err)
	}
	m := straight(decoded)
	mask, err := opacity(m)
	if err != nil {
		return drawing{}, err
	}
	width, height := m.Rect.Dx(), m.Rect.Dy()
	d := drawing{mask: xobject{imageEntries(width, height, 8, "/ColorSpace /DeviceGray /Filter /FlateDecode"), deflate(mask)}}
	if ink, ok := singleInk(m); ok {
		d.colors = oneColor(width, height, ink)
		return d, nil
	}
	d.colors = xobject{imageEntries(width, height, 8, "/ColorSpace /DeviceRGB /Filter /FlateDecode"), deflate(colors(m))}
	return d, nil
}

// straight gives the picture with colours not multiplied by their opacity.
func straight(m image.Image) *image.NRGBA {
	if n, ok := m.(*image.NRGBA); ok && n.Stride == 4*n.Rect.Dx() {
		return n
	}
	n := image.NewNRGBA(m.Bounds())
	draw.Draw(n, n.Rect, m, m.Bounds().Min, draw.Src)
	return n
}

// opacity gives the alpha of each pixel. Some must show, and some must let
// through what is behind.
func opacity(m *image.NRGBA) ([]byte, error) {
	mask := make([]byte, len(m.Pix)/4)
	shown, through := false, false
	for i := range mask {
		a := m.Pix[4*i+3]
		mask[i] = a
		shown = shown || a > 0
		through = through || a < 255
	}
	switch {
	case !shown:
		return nil, errInvisible
	case !through:
		return nil, errOpaque
	}
	return mask, nil
}

// singleInk reports whether all that shows has one colour.
func singleInk(m *image.NRGBA) (ink color.NRGBA, ok bool) {
	for i := 0; i < len(m.Pix); i += 4 {
		if m.Pix[i+3] == 0 {
			continue
		}
		c := color.NRGBA{m.Pix[i], m.Pix[i+1], m.Pix[i+2], 255}
		if ok && c != ink {
			return ink, false
		}
		ink, ok = c, true
	}
	return ink, ok
}

// colors gives the colours; what does not show is white.
func colors(m *image.NRGBA) []byte {
	out := make([]byte, 0, len(m.Pix)/4*3)
	for i := 0; i < len(m.Pix); i += 4 {
		if m.Pix[i+3] == 0 {
			out = append(out, 255, 255, 255)
			continue
		}
		out = append(out, m.Pix[i], m.Pix[i+1], m.Pix[i+2])
	}
	return out
}
