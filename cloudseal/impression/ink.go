package impression

import (
	"image"
	"image/draw"

	scale "golang.org/x/image/draw"
)

// shade measures how much of the wanted colour a pixel has, 0 to 255.
type shade func(r, g, b uint8) uint8

// red is what seal ink has over paper, shadows and black print.
func red(r, g, b uint8) uint8 { return r - min(r, max(g, b)) }

// dark is what pen ink has over paper.
func dark(r, g, b uint8) uint8 {
	return uint8(255 - (299*int(r)+587*int(g)+114*int(b))/1000)
}

// measure gives the shade of every pixel over white ground. It works in strips,
// so that a large picture is not copied as a whole.
func measure(picture image.Image, of shade) *image.Gray {
	const strip = 64
	r := picture.Bounds()
	m := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
	if p, ok := picture.(*image.Paletted); ok {
		measurePalette(m, p, of)
		return m
	}
	rows := image.NewRGBA(image.Rect(0, 0, r.Dx(), min(strip, r.Dy())))
	for top := 0; top < r.Dy(); top += strip {
		n := min(strip, r.Dy()-top)
		draw.Draw(rows, rows.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(rows, image.Rect(0, 0, r.Dx(), n), picture, r.Min.Add(image.Pt(0, top)), draw.Over)
		for i := range n * r.Dx() {
			p := rows.Pix[4*i : 4*i+3 : 4*i+3]
			m.Pix[top*m.Stride+i] = of(p[0], p[1], p[2])
		}
	}
	return m
}

// measurePalette is measure for pictures of few colours, such as all of ours,
// which the general way is slow with.
func measurePalette(m *image.Gray, p *image.Paletted, of shade) {
	var shades [256]uint8
	for i, c := range p.Palette {
		r, g, b, a := c.RGBA()
		white := 0xFFFF - a
		shades[i] = of(uint8((r+white)>>8), uint8((g+white)>>8), uint8((b+white)>>8))
	}
	for y := range m.Rect.Dy() {
		for x, i := range p.Pix[y*p.Stride:][:m.Rect.Dx()] {
			m.Pix[y*m.Stride+x] = shades[i]
		}
	}
}

// faint is the least shade over the paper's that counts as ink: noise and
// colour fringes of cameras stay under it.
const faint = 32

// contrast turns shades into ink: 0 for paper, 255 for what is as strong as
// most of the ink, with a soft edge between. It reports false when hardly
// anything stands out.
func contrast(m *image.Gray) bool {
	var count [256]int
	for _, v := range m.Pix {
		count[v]++
	}
	paper := level(count[:], len(m.Pix)/2)
	inked := 0
	for v := paper + faint; v < 256; v++ {
		inked += count[v]
	}
	if inked*500 < len(m.Pix) { // a seal in a wide picture is still over 0.2 %
		return false
	}
	strong := paper + faint + level(count[paper+faint:], inked/2) - paper
	from, to := paper+strong*2/5, paper+strong*4/5
	for i, v := range m.Pix {
		m.Pix[i] = uint8(max(0, min(255, (int(v)-from)*255/(to-from))))
	}
	return true
}

// level is the value under which n of the counted values lie.
func level(count []int, n int) int {
	for v, c := range count {
		if n -= c; n < 0 {
			return v
		}
	}
	return len(count) - 1
}

// bounds is the rectangle around the ink. Rows and columns with only a speck
// do not count.
func bounds(m *image.Gray) image.Rectangle {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	rows, columns := make([]int, h), make([]int, w)
	for y := range h {
		for x, v := range m.Pix[y*m.Stride : y*m.Stride+w] {
			if v >= 128 {
				rows[y]++
				columns[x]++
			}
		}
	}
	top, bottom := extent(rows, 2+w/500)
	left, right := extent(columns, 2+h/500)
	return image.Rect(left, top, right, bottom)
}

func extent(counts []int, least int) (from, to int) {
	from = len(counts)
	for i, n := range counts {
		if n >= least {
			from, to = min(from, i), i+1
		}
	}
	return min(from, to), to
}

// resize scales a part of a mask.
func resize(m *image.Gray, part image.Rectangle, w, h int) *image.Alpha {
	// This scaler is fast into RGBA only; any of the three colours is the mask.
	scaled := image.NewRGBA(image.Rect(0, 0, w, h))
	scale.BiLinear.Scale(scaled, scaled.Rect, m, part, scale.Src, nil)
	mask := image.NewAlpha(scaled.Rect)
	for i := range mask.Pix {
		mask.Pix[i] = scaled.Pix[4*i]
	}
	return mask
}
