package impression

import (
	"math"
	"sort"
)

// arc is the line on which the middles of letters stand: inside an ellipse, at
// the same distance from it everywhere. Places on it are lengths in mm from its
// top, clockwise.
type arc struct {
	centre  point
	a, b    float64 // half axes of the ellipse
	inset   float64
	lengths []float64 // from the top to each of arcSteps equal angles
}

// arcSteps cuts half the ellipse; the error in place is far under a micrometre.
const arcSteps = 2048

func newArc(centre point, a, b, inset float64) *arc {
	c := &arc{centre: centre, a: a, b: b, inset: inset, lengths: make([]float64, arcSteps+1)}
	last, _ := c.angle(0)
	for i := 1; i <= arcSteps; i++ {
		p, _ := c.angle(float64(i) * math.Pi / arcSteps)
		c.lengths[i] = c.lengths[i-1] + math.Hypot(p.x-last.x, p.y-last.y)
		last = p
	}
	return c
}

// angle gives the place at an angle from the top, and the direction outward.
func (c *arc) angle(phi float64) (at, out point) {
	sin, cos := math.Sincos(phi)
	out = point{c.b * sin, -c.a * cos}
	n := math.Hypot(out.x, out.y)
	out = point{out.x / n, out.y / n}
	return c.centre.plus(point{c.a * sin, -c.b * cos}, 1).plus(out, -c.inset), out
}

// at gives the place at a length from the top, and the direction outward.
func (c *arc) at(length float64) (at, out point) {
	return c.angle(math.Copysign(c.angleOf(math.Abs(length)), length))
}

func (c *arc) angleOf(length float64) float64 {
	i := sort.SearchFloat64s(c.lengths, length)
	if i == 0 {
		return 0
	}
	i = min(i, arcSteps)
	part := (length - c.lengths[i-1]) / (c.lengths[i] - c.lengths[i-1])
	return (float64(i-1) + part) * math.Pi / arcSteps
}

// sweep is the length of the arc that opens an angle to both sides of the top.
func (c *arc) sweep(angle float64) float64 {
	return 2 * c.lengths[int(math.Round(angle/2/math.Pi*arcSteps))]
}

// half is the length from the top to the bottom.
func (c *arc) half() float64 { return c.lengths[arcSteps] }

// squeeze is how much narrower the feet of upright letters stand than their
// middles, where the arc bends most.
func (c *arc) squeeze(height float64) float64 {
	radius := min(c.b*c.b/c.a, c.a*c.a/c.b) - c.inset
	return (radius - height/2) / radius
}

// caption is a text along an arc. Lengths in mm.
type caption struct {
	face    *face
	letters []letter
	// rim is the distance from the ellipse to the letters' outer side.
	rim float64
	// height of the letters. Long names get narrow letters first; when these
	// would be thinner than slim times their height, lower ones, down to least.
	height, least, slim float64
	sweep               float64 // most of the circle that the text may take, in radians
	pitch               float64 // greatest distance between letters: short names stay together
	lower               bool    // reads along the bottom, feet outward
}

// widest is the greatest width of a letter as a part of its height: Song on
// seals is never wider than it is high.
const widest = 0.82

// write adds the caption inside the ellipse.
func (t caption) write(p *path, centre point, a, b float64) {
	var line *arc
	var height, width, pitch float64
	room := t.room()
	for height = t.height; ; height -= 0.05 {
		line = newArc(centre, a, b, t.rim+height/2)
		pitch = min(t.pitch, line.sweep(t.sweep)/room)
		squeeze := 1.0
		if !t.lower {
			squeeze = line.squeeze(height)
		}
		width = min(widest*height, 0.95*pitch*squeeze)
		if width >= t.slim*height || height <= t.least {
			break
		}
	}
	em := point{width / (1 - 2*t.face.side), height / (t.face.bottom - t.face.top)}
	from := -pitch * room / 2
	for _, l := range t.letters {
		share := t.share(l) * pitch
		p.letter(t.face, l, t.seat(line, from+share/2, em))
		from += share
	}
}

// seat turns a letter at a length from the middle of the text.
func (t caption) seat(line *arc, length float64, em point) seat {
	if t.lower {
		at, out := line.at(line.half() - length)
		return seat{at, point{out.y * em.x, -out.x * em.x}, point{out.x * em.y, out.y * em.y}}
	}
	at, out := line.at(length)
	return seat{at, point{-out.y * em.x, out.x * em.x}, point{-out.x * em.y, -out.y * em.y}}
}

// share is the room of a letter, an ideograph taking 1.
func (t caption) share(l letter) float64 {
	return (l.right - l.left) / (1 - 2*t.face.side)
}

func (t caption) room() float64 {
	sum := 0.0
	for _, l := range t.letters {
		sum += t.share(l)
	}
	return sum
}
