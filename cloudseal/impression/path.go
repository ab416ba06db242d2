package impression

import (
	"fmt"
	"image"
	"math"
	"strconv"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/vector"
)

// point is a place or a direction, in mm from the picture's top left, y down.
type point struct{ x, y float64 }

func (p point) plus(q point, times float64) point {
	return point{p.x + q.x*times, p.y + q.y*times}
}

// path is everything that is red in a picture: closed outlines, filled by the
// nonzero rule. Coordinates are kept in whole micrometres, from which PNG and
// SVG are both made.
type path struct {
	steps []step
}

type step struct {
	op     sfnt.SegmentOp
	points [3][2]int32 // micrometres
}

func (p *path) add(op sfnt.SegmentOp, points ...point) {
	s := step{op: op}
	for i, q := range points {
		s.points[i] = [2]int32{int32(math.Round(q.x * 1000)), int32(math.Round(q.y * 1000))}
	}
	p.steps = append(p.steps, s)
}

// polygon adds straight lines through the points.
func (p *path) polygon(points ...point) {
	for i, q := range points {
		op := sfnt.SegmentOpLineTo
		if i == 0 {
			op = sfnt.SegmentOpMoveTo
		}
		p.add(op, q)
	}
}

// ellipse adds an ellipse with the half axes a and b; a negative b runs the
// other way round, which cuts it out of what is there.
func (p *path) ellipse(centre point, a, b float64) {
	const k = 0.5522847498307936 // a quarter of a circle as one cubic curve
	at := func(x, y float64) point { return point{centre.x + a*x, centre.y + b*y} }
	p.add(sfnt.SegmentOpMoveTo, at(1, 0))
	p.add(sfnt.SegmentOpCubeTo, at(1, k), at(k, 1), at(0, 1))
	p.add(sfnt.SegmentOpCubeTo, at(-k, 1), at(-1, k), at(-1, 0))
	p.add(sfnt.SegmentOpCubeTo, at(-1, -k), at(-k, -1), at(0, -1))
	p.add(sfnt.SegmentOpCubeTo, at(k, -1), at(1, -k), at(1, 0))
}

// ring adds a border of the given thickness inside an ellipse.
func (p *path) ring(centre point, a, b, border float64) {
	p.ellipse(centre, a, b)
	p.ellipse(centre, a-border, border-b)
}

// frame adds a border of the given thickness along the inside of a rectangle.
func (p *path) frame(width, height, border float64) {
	w, h := width-border, height-border
	p.polygon(point{0, 0}, point{width, 0}, point{width, height}, point{0, height})
	p.polygon(point{border, border}, point{border, h}, point{w, h}, point{w, border})
}

// star adds a five-pointed star whose points lie on a circle.
func (p *path) star(centre point, radius float64) {
	inner := radius * math.Sin(math.Pi/10) / math.Sin(3*math.Pi/10)
	var points []point
	for i := range 10 {
		r := radius
		if i%2 == 1 {
			r = inner
		}
		sin, cos := math.Sincos(float64(i) * math.Pi / 5)
		points = append(points, point{centre.x + r*sin, centre.y - r*cos})
	}
	p.polygon(points...)
}

// seat is where a letter goes: the middle of the letter, the direction of
// reading and the direction down, each as long as one em is there.
type seat struct{ middle, right, down point }

// letter adds an outline on its seat.
func (p *path) letter(f *face, l letter, s seat) {
	x0, y0 := (l.left+l.right)/2, (f.top+f.bottom)/2
	for _, seg := range l.outline {
		var to [3]point
		n := count(seg.op)
		for i, q := range seg.points[:n] {
			to[i] = s.middle.plus(s.right, q.x-x0).plus(s.down, q.y-y0)
		}
		p.add(seg.op, to[:n]...)
	}
}

// svg writes the path as an SVG document of the given size in mm.
func (p *path) svg(width, height float64) []byte {
	b := fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %d %d"><path fill="%s" d="`,
		width, height, int(math.Round(width*1000)), int(math.Round(height*1000)), hex(Ink))
	for i, s := range p.steps {
		if s.op == sfnt.SegmentOpMoveTo && i > 0 {
			b = append(b, 'Z')
		}
		b = append(b, "MLQC"[s.op])
		for j, q := range s.points[:count(s.op)] {
			if j > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendInt(b, int64(q[0]), 10)
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(q[1]), 10)
		}
	}
	return append(b, `Z"/></svg>`...)
}

// mask paints the path: how much of each pixel is covered.
func (p *path) mask(width, height float64) *image.Alpha {
	w, h := pixels(width), pixels(height)
	sx, sy := float32(w)/float32(width*1000), float32(h)/float32(height*1000)
	z := vector.NewRasterizer(w, h)
	for i, s := range p.steps {
		var q [3][2]float32
		for j, at := range s.points {
			q[j] = [2]float32{float32(at[0]) * sx, float32(at[1]) * sy}
		}
		switch s.op {
		case sfnt.SegmentOpMoveTo:
			if i > 0 {
				z.ClosePath()
			}
			z.MoveTo(q[0][0], q[0][1])
		case sfnt.SegmentOpLineTo:
			z.LineTo(q[0][0], q[0][1])
		case sfnt.SegmentOpQuadTo:
			z.QuadTo(q[0][0], q[0][1], q[1][0], q[1][1])
		case sfnt.SegmentOpCubeTo:
			z.CubeTo(q[0][0], q[0][1], q[1][0], q[1][1], q[2][0], q[2][1])
		}
	}
	z.ClosePath()
	m := image.NewAlpha(image.Rect(0, 0, w, h))
	z.Draw(m, m.Bounds(), image.Opaque, image.Point{})
	return m
}
