package impression

// box is a rectangle in mm.
type box struct{ x, y, w, h float64 }

// line adds a straight text that fills the box: its height always, its width
// as far as letters of at most the given part of their height reach; the rest
// stays free at both sides.
func (p *path) line(f *face, letters []letter, in box, most float64) {
	room := 0.0
	for _, l := range letters {
		room += l.right - l.left
	}
	const gap = 0.08 // between letters, in em
	room += gap * float64(len(letters)-1)
	em := point{in.w / room, in.h / (f.bottom - f.top)}
	em.x = min(em.x, most*em.y)
	x := in.x + (in.w-em.x*room)/2
	for _, l := range letters {
		w := (l.right - l.left) * em.x
		p.letter(f, l, seat{point{x + w/2, in.y + in.h/2}, point{em.x, 0}, point{0, em.y}})
		x += w + gap*em.x
	}
}

// fill adds one letter that fills the box in both directions.
func (p *path) fill(f *face, l letter, in box) {
	em := point{in.w / (l.right - l.left), in.h / (f.bottom - f.top)}
	p.letter(f, l, seat{point{in.x + in.w/2, in.y + in.h/2}, point{em.x, 0}, point{0, em.y}})
}
