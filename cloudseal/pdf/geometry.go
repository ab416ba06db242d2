package pdf

import "math"

// mmPerPoint: a point is 1/72 inch.
const mmPerPoint = 25.4 / 72

// Place is where a stamp stands: a page, counted from 1, and millimetres from
// the top left corner of the page as displayed, to the right and down.
type Place struct {
	Page int     `bson:"page" json:"page"`
	X    float64 `bson:"x" json:"x"`
	Y    float64 `bson:"y" json:"y"`
	W    float64 `bson:"w" json:"w"`
	H    float64 `bson:"h" json:"h"`
}

// box is a rectangle in user space: lower left and upper right corner.
type box struct{ x0, y0, x1, y1 float64 }

func (b box) empty() bool     { return !(b.x1 > b.x0 && b.y1 > b.y0) }
func (b box) width() float64  { return b.x1 - b.x0 }
func (b box) height() float64 { return b.y1 - b.y0 }

func (b box) within(o box) box {
	return box{max(b.x0, o.x0), max(b.y0, o.y0), min(b.x1, o.x1), min(b.y1, o.y1)}
}

// scale is how many millimetres one unit of the page's user space is.
func (p *page) scale() float64 { return mmPerPoint * p.unit }

// turned reports whether displaying swaps width and height.
func (p *page) turned() bool { return p.rotate%180 != 0 }

func (p *page) displayed() Page {
	w, h := p.box.width()*p.scale(), p.box.height()*p.scale()
	if p.turned() {
		w, h = h, w
	}
	return Page{Width: w, Height: h}
}

// rect gives a displayed place in user space. Turning a page clockwise brings
// its lower left corner to the top left (90), its lower right corner (180) or
// its upper right corner (270).
func (p *page) rect(at Place) box {
	s := p.scale()
	x, y, w, h := at.X/s, at.Y/s, at.W/s, at.H/s
	b := p.box
	switch p.rotate {
	case 90:
		return box{b.x0 + y, b.y0 + x, b.x0 + y + h, b.y0 + x + w}
	case 180:
		return box{b.x1 - x - w, b.y0 + y, b.x1 - x, b.y0 + y + h}
	case 270:
		return box{b.x1 - y - h, b.y1 - x - w, b.x1 - y, b.y1 - x}
	}
	return box{b.x0 + x, b.y1 - y - h, b.x0 + x + w, b.y1 - y}
}

// place is the inverse of rect, in hundredths of a millimetre.
func (p *page) place(number int, r box) Place {
	b, at := p.box, Place{Page: number, W: r.width(), H: r.height()}
	if p.turned() {
		at.W, at.H = at.H, at.W
	}
	switch p.rotate {
	case 90:
		at.X, at.Y = r.y0-b.y0, r.x0-b.x0
	case 180:
		at.X, at.Y = b.x1-r.x1, r.y0-b.y0
	case 270:
		at.X, at.Y = b.y1-r.y1, b.x1-r.x1
	default:
		at.X, at.Y = r.x0-b.x0, b.y1-r.y1
	}
	s := p.scale()
	at.X, at.Y, at.W, at.H = hundredth(at.X*s), hundredth(at.Y*s), hundredth(at.W*s), hundredth(at.H*s)
	return at
}

func hundredth(f float64) float64 { return math.Round(f*100) / 100 }

// upright is the matrix that turns an appearance against the page's rotation,
// so that it stands upright when displayed, with its corner at the origin
// (ISO 32000-1 §12.5.5, algorithm 8.1 does the rest).
func (p *page) upright() [4]int {
	switch p.rotate {
	case 90:
		return [4]int{0, 1, -1, 0}
	case 180:
		return [4]int{-1, 0, 0, -1}
	case 270:
		return [4]int{0, -1, 1, 0}
	}
	return [4]int{1, 0, 0, 1}
}
