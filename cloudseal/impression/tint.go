package impression

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"yunzhang.dev/authz/fault"
)

// Grey is the colour of an impression that is filed and not claimed.
var Grey = color.NRGBA{R: 140, G: 140, B: 140, A: 255}

// Tint gives a drawn or cleaned impression in another colour, for the states in
// which a seal may not be used. The ground stays transparent.
func (p Picture) Tint(ink color.NRGBA) (Picture, error) {
	m, err := png.Decode(bytes.NewReader(p.PNG))
	if err != nil {
		return Picture{}, fault.ImpressionBad.With("reason", "damaged").Because(err)
	}
	mask := image.NewAlpha(image.Rectangle{Max: m.Bounds().Size()})
	draw.Draw(mask, mask.Rect, m, m.Bounds().Min, draw.Src)
	if p.PNG, err = encodePNG(mask, ink); err != nil {
		return Picture{}, err
	}
	p.SVG = bytes.Replace(p.SVG, []byte(`fill="`+hex(Ink)), []byte(`fill="`+hex(ink)), 1)
	return p, nil
}
