package impression

import (
	"image"
	"math"
)

// Agreement is the score of [Similar] from which an uploaded picture counts as
// the filed impression. Photos and scans of the same seal score 0.78 to 0.95
// (0.72 for a faded photo of 500 pixels), a seal with one other character in a
// name of 14 at most 0.70, the seal of another organization 0.40. Below it a
// clerk looks. One stroke in a name of 40 characters, such as 第一 for 第二,
// cannot be told apart: that the name agrees is for the registry to say, not
// for a picture.
const Agreement = 0.75

// Pictures are compared on a grid of gridSide cells, in overlapping tiles of
// tileSide cells, about a character wide. Each tile may have moved by slack
// cells (lens, paper), the whole be turned by up to mostTurn degrees.
const (
	gridSide = 192
	tileSide = 24
	slack    = 4
	mostTurn = 6
	// innerPart leaves out the border, which all seals share.
	innerPart = 0.9
)

// Variances of ink in a tile: under blank it has nothing to compare; under
// flat it is noise, which must not count as ink that disagrees.
const (
	blank = 0.05
	flat  = 0.01
)

// grid is ink by cell, 0 to 1.
type grid [gridSide][gridSide]float64

// Similar says how well two pictures of a red seal agree, from 0 to 1: the
// correlation of the tile that agrees least, because two seals of one office
// differ in little. The pictures are PNG or JPEG, drawn, cleaned or as taken.
// Errors are those of Clean about the files.
func Similar(a, b []byte) (float64, error) {
	first, aspectA, err := gridOf(a)
	if err != nil {
		return 0, err
	}
	second, aspectB, err := gridOf(b)
	if err != nil {
		return 0, err
	}
	if math.Abs(aspectA/aspectB-1) > outOfShape {
		return 0, nil
	}
	return first.agreement(first.align(second)), nil
}

func gridOf(file []byte) (g *grid, aspect float64, err error) {
	m, part, err := findInk(file, red)
	if err != nil {
		return nil, 0, err
	}
	g = gridFrom(resize(m, part, gridSide, gridSide))
	return g, float64(part.Dx()) / float64(part.Dy()), nil
}

func gridFrom(cells *image.Alpha) *grid {
	var g grid
	middle := func(i int) float64 { return 2*(float64(i)+0.5)/gridSide - 1 }
	for y := range g {
		for x := range g[y] {
			if math.Hypot(middle(x), middle(y)) < innerPart {
				g[y][x] = float64(cells.Pix[y*cells.Stride+x]) / 255
			}
		}
	}
	return &g
}

// align turns the other grid to where it agrees best as a whole.
func (g *grid) align(other *grid) *grid {
	var aligned *grid
	best := math.Inf(-1)
	for turn := -mostTurn; turn <= mostTurn; turn++ {
		turned := other.turned(degrees(float64(turn)))
		if c, _ := g.correlation(turned, 0, 0, gridSide, 0, 0); c > best {
			best, aligned = c, turned
		}
	}
	return aligned
}

// agreement is that of the tile that agrees least; 0 when there are no tiles.
// Tiles keep off the edge by the slack: there is no ink outside innerPart.
func (g *grid) agreement(other *grid) float64 {
	const last = gridSide - tileSide - slack
	worst := 2.0
	for y := slack; y <= last; y += tileSide / 2 {
		for x := slack; x <= last; x += tileSide / 2 {
			if _, inked := g.correlation(other, x, y, tileSide, 0, 0); inked {
				worst = min(worst, g.tile(other, x, y))
			}
		}
	}
	if worst > 1 {
		return 0
	}
	return worst
}

// tile is the agreement of one tile with what lies nearby in the other grid.
// All places are tried: strokes are two cells wide, so coarser steps miss.
func (g *grid) tile(other *grid, x, y int) float64 {
	best := 0.0
	for dy := -slack; dy <= slack; dy++ {
		for dx := -slack; dx <= slack; dx++ {
			c, _ := g.correlation(other, x, y, tileSide, dx, dy)
			best = max(best, c)
		}
	}
	return best
}

// correlation is Pearson's, of a square of cells with one of the other grid
// that lies dx, dy beside it; inked when either holds more than noise.
func (g *grid) correlation(other *grid, x0, y0, side, dx, dy int) (c float64, inked bool) {
	var sumA, sumB, squareA, squareB, product float64
	for y := y0; y < y0+side; y++ {
		row := other[y+dy][x0+dx:]
		for i, a := range g[y][x0 : x0+side] {
			b := row[i]
			sumA, sumB = sumA+a, sumB+b
			squareA, squareB = squareA+a*a, squareB+b*b
			product += a * b
		}
	}
	n := float64(side * side)
	varA, varB := squareA/n-sumA*sumA/n/n, squareB/n-sumB*sumB/n/n
	c = (product/n - sumA*sumB/n/n) / math.Sqrt(max(varA, flat)*max(varB, flat))
	return c, varA > blank || varB > blank
}

// turned gives the grid turned about its middle.
func (g *grid) turned(angle float64) *grid {
	sin, cos := math.Sincos(angle)
	const c = (gridSide - 1) / 2.0
	var t grid
	for y := range t {
		for x := range t[y] {
			dx, dy := float64(x)-c, float64(y)-c
			t[y][x] = g.between(c+cos*dx+sin*dy, c-sin*dx+cos*dy)
		}
	}
	return &t
}

// between reads the grid between four cells.
func (g *grid) between(x, y float64) float64 {
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := x-x0, y-y0
	i, j := int(x0), int(y0)
	upper := g.at(i, j)*(1-fx) + g.at(i+1, j)*fx
	lower := g.at(i, j+1)*(1-fx) + g.at(i+1, j+1)*fx
	return upper*(1-fy) + lower*fy
}

// at reads a cell; outside there is no ink.
func (g *grid) at(x, y int) float64 {
	if x < 0 || y < 0 || x >= gridSide || y >= gridSide {
		return 0
	}
	return g[y][x]
}
