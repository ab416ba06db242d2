package impression

import (
	"math"
	"unicode"
	"unicode/utf8"
)

func degrees(d float64) float64 { return d * math.Pi / 180 }

// round draws the seals with the star: the name on the upper arc, the purpose
// under the star, the number on the lower arc. Measures are those of the seal
// of 40 mm and grow with it; the border does not.
func (f *fonts) round(p *path, s Spec) error {
	name, err := f.song.letters(s.Name)
	if err != nil {
		return err
	}
	purpose, err := f.song.letters(s.Purpose)
	if err != nil {
		return err
	}
	number, err := f.figures.letters(s.Number)
	if err != nil {
		return err
	}
	r, k := s.Width/2, s.Width/40
	centre := point{r, r}
	p.ring(centre, r, r, s.Border)
	p.star(centre, 7*k) // 14 mm from point to point
	caption{
		face: f.song, letters: name, rim: s.Border + 0.9*k,
		height: 6 * k, least: 3.6 * k, slim: 0.46,
		sweep: degrees(roundSweep(s)), pitch: 7.6 * k,
	}.write(p, centre, r, r)
	if len(purpose) > 0 {
		p.line(f.song, purpose, box{r - 8.75*k, r + 8.6*k, 17.5 * k, 3.9 * k}, 0.9)
	}
	if len(number) > 0 {
		caption{
			face: f.figures, letters: number, rim: s.Border + 0.7*k,
			height: 1.7 * k, least: 1.7 * k, sweep: degrees(80), pitch: 2.6 * k, lower: true,
		}.write(p, centre, r, r)
	}
	return nil
}

// roundSweep is the part of the circle the name may take beside what else is
// on the seal, in degrees.
func roundSweep(s Spec) float64 {
	switch {
	case s.Purpose != "":
		return 236
	case s.Number != "":
		return 252
	default:
		return 276
	}
}

// oval draws the invoice seal by the measures of the Announcement 2011 No. 7:
// name 4.2 mm high on an arc of up to 260°, 0.5 mm from the border; taxpayer
// number in the middle, 3.7 mm high, 26 mm wide; "发票专用章" 4.6 mm high with
// letters of 3 mm, its top 4.2 mm under the middle; a serial 10 mm under it.
func (f *fonts) oval(p *path, s Spec) error {
	name, err := f.song.letters(s.Name)
	if err != nil {
		return err
	}
	purpose, err := f.song.letters(s.Purpose)
	if err != nil {
		return err
	}
	taxpayer, err := f.figures.letters(s.Number)
	if err != nil {
		return err
	}
	serial, err := f.figures.letters(s.Serial)
	if err != nil {
		return err
	}
	a, b, k := s.Width/2, s.Height/2, s.Width/40
	centre := point{a, b}
	p.ring(centre, a, b, s.Border)
	caption{
		face: f.song, letters: name, rim: s.Border + 0.5*k,
		height: 4.2 * k, least: 3.4 * k, slim: 0.34, sweep: degrees(250), pitch: 5 * k,
	}.write(p, centre, a, b)
	if len(taxpayer) > 0 {
		p.line(f.figures, taxpayer, box{a - 13*k, b - 1.85*k, 26 * k, 3.7 * k}, 1)
	}
	p.line(f.song, purpose, box{a - 8*k, b + 4.2*k, 16 * k, 4.6 * k}, 0.72)
	if len(serial) > 0 {
		p.line(f.figures, serial, box{a - 4*k, b + 10*k, 8 * k, 2.2 * k}, 1)
	}
	return nil
}

// square draws the name seal: the name and 印, in columns from right to left
// as on hand-cut seals; long names and names in letters in rows.
func (f *fonts) square(p *path, s Spec) error {
	p.frame(s.Width, s.Height, s.Border)
	edge := s.Border + 0.05*s.Width
	in := box{edge, edge, s.Width - 2*edge, s.Height - 2*edge}
	if inRows(s.Name) {
		return f.rows(p, s.Name, in)
	}
	text := s.Name + "印"
	if utf8.RuneCountInString(s.Name) == 2 {
		text = s.Name + "之印" // four letters make a square
	}
	letters, err := f.song.letters(text)
	if err != nil {
		return err
	}
	first := (len(letters) + 1) / 2
	f.column(p, letters[:first], box{in.x + in.w/2, in.y, in.w / 2, in.h})
	f.column(p, letters[first:], box{in.x, in.y, in.w / 2, in.h})
	return nil
}

func inRows(name string) bool {
	han := 0
	for _, r := range name {
		if !unicode.Is(unicode.Han, r) {
			return true
		}
		han++
	}
	return han > 5
}

// cell is the part of its place that a letter of a name seal fills.
const cell = 0.94

func (f *fonts) column(p *path, letters []letter, in box) {
	h := in.h / float64(len(letters))
	for i, l := range letters {
		free := point{in.w * (1 - cell) / 2, h * (1 - cell) / 2}
		p.fill(f.song, l, box{in.x + free.x, in.y + float64(i)*h + free.y, in.w * cell, h * cell})
	}
}

// rows breaks a long name into lines of about equal length.
func (f *fonts) rows(p *path, name string, in box) error {
	lines := breakLines(name)
	h := in.h / float64(len(lines))
	for i, text := range lines {
		letters, err := f.song.letters(text)
		if err != nil {
			return err
		}
		y := in.y + float64(i)*h
		p.line(f.song, letters, box{in.x, y + h*(1-cell)/2, in.w, h * cell}, 1)
	}
	return nil
}

// breakLines cuts at the marks between parts of a name where there are some,
// or into lines of about as many letters as there are lines.
func breakLines(name string) []string {
	var lines []string
	var line []rune
	flush := func() {
		if len(line) > 0 {
			lines = append(lines, string(line))
		}
		line = nil
	}
	for _, r := range name {
		if r == ' ' {
			flush()
			continue
		}
		line = append(line, r)
		if r == '·' || r == '•' {
			flush()
		}
	}
	flush()
	if len(lines) > 1 {
		return lines
	}
	runes := []rune(name)
	n := int(math.Ceil(math.Sqrt(float64(len(runes)))))
	lines = nil
	for i := range n {
		lines = append(lines, string(runes[i*len(runes)/n:(i+1)*len(runes)/n]))
	}
	return lines
}
