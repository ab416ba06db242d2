package impression

import (
	"image"
	"math"

	"yunzhang.dev/authz/fault"
)

// What a picture of a seal must satisfy.
const (
	// outOfShape is how far the sides may be from those of the kind: a photo
	// taken at 20° from above is 6 % off.
	outOfShape = 0.08
	// leastInk and mostInk of the area: a border alone has 6 %, the densest
	// seals 45 %; more is a filled shape, less is not a seal.
	leastInk, mostInk = 0.04, 0.60
	// leastBorder is the part of the border that must be there: worn and
	// scanned seals lose some.
	leastBorder = 0.65
	// mostOutside is the ink that may lie outside the border.
	mostOutside = 0.01
)

// Clean makes an impression of an uploaded photo or scan, PNG or JPEG: one seal
// or one signature on light ground. It is cropped to the ink, brought to the
// given width in mm (0: usual for the kind) at 600 dpi, and made pure red, for
// signatures black, on transparent ground. SVG is nil.
//
// Errors: fault.SealKindBad; fault.ImpressionBad with a "reason": too-large,
// too-small, format, damaged, no-ink (not red enough, or nothing there), shape
// (not the outline of the kind, or more than one seal), filled.
func Clean(kind Kind, width float64, file []byte) (Picture, error) {
	l := kind.look()
	if l.kind == "" {
		return Picture{}, fault.SealKindBad
	}
	if width == 0 {
		width = l.width
	}
	if !(width >= MinSize && width <= MaxSize) {
		return Picture{}, refuse("size")
	}
	height := width * l.height / l.width
	mask, err := cleanMask(l.shape, width, height, file)
	if err != nil {
		return Picture{}, err
	}
	ink := Ink
	if l.shape == Free {
		ink = Black
	}
	cleaned, err := encodePNG(mask, ink)
	if err != nil {
		return Picture{}, err
	}
	return Picture{PNG: cleaned, Width: width, Height: height}, nil
}

func cleanMask(shape Shape, width, height float64, file []byte) (*image.Alpha, error) {
	of := red
	if shape == Free {
		of = dark
	}
	m, part, err := findInk(file, of)
	if err != nil {
		return nil, err
	}
	w, h := pixels(width), pixels(height)
	if shape == Free {
		return fit(m, part, w, h), nil
	}
	wanted, found := width/height, float64(part.Dx())/float64(part.Dy())
	if math.Abs(found/wanted-1) > outOfShape {
		return nil, refuse("shape")
	}
	mask := resize(m, part, w, h)
	return mask, checkOutline(shape, mask)
}

// findInk gives the ink of a file and the rectangle around it.
func findInk(file []byte, of shade) (*image.Gray, image.Rectangle, error) {
	picture, err := decode(file)
	if err != nil {
		return nil, image.Rectangle{}, err
	}
	m := measure(picture, of)
	if !contrast(m) {
		return nil, image.Rectangle{}, refuse("no-ink")
	}
	m = upright(m, orientation(file))
	part := bounds(m)
	if part.Dx() < MinSide/4 || part.Dy() < MinSide/16 {
		return nil, image.Rectangle{}, refuse("no-ink")
	}
	return m, part, nil
}

// fit scales handwriting into the picture without changing its proportions.
func fit(m *image.Gray, part image.Rectangle, w, h int) *image.Alpha {
	k := min(float64(w)/float64(part.Dx()), float64(h)/float64(part.Dy()))
	pw, ph := max(1, int(k*float64(part.Dx()))), max(1, int(k*float64(part.Dy())))
	scaled := resize(m, part, pw, ph)
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	for y := range ph {
		copy(mask.Pix[(y+(h-ph)/2)*mask.Stride+(w-pw)/2:], scaled.Pix[y*scaled.Stride:y*scaled.Stride+pw])
	}
	return mask
}

// checkOutline looks at where the ink is: a border most of the way round,
// nothing outside it, not too much within.
func checkOutline(shape Shape, mask *image.Alpha) error {
	w, h := mask.Rect.Dx(), mask.Rect.Dy()
	var ink, outside int
	var border [360]bool
	for y := range h {
		for x := range w {
			if mask.Pix[y*mask.Stride+x] < 128 {
				continue
			}
			ink++
			dx, dy := 2*(float64(x)+0.5)/float64(w)-1, 2*(float64(y)+0.5)/float64(h)-1
			switch r := math.Hypot(dx, dy); {
			case r > 1.03:
				outside++
			case r > 0.86:
				border[int((math.Atan2(dy, dx)+math.Pi)/(2*math.Pi)*360)%360] = true
			}
		}
	}
	area := float64(w * h)
	switch {
	case float64(ink) < leastInk*area:
		return refuse("no-ink")
	case float64(ink) > mostInk*area:
		return refuse("filled")
	case shape == Square:
		return nil
	}
	round := 0
	for _, there := range border {
		if there {
			round++
		}
	}
	if float64(round) < leastBorder*360 || float64(outside) > mostOutside*area {
		return refuse("shape")
	}
	return nil
}
