package impression

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"math"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"yunzhang.dev/authz/fault"
)

// The fonts, see font/README.md.
var (
	//go:embed font/song.otf.gz
	songFile []byte
	//go:embed font/figures.otf.gz
	figuresFile []byte
)

// maxFont bounds what a font file unpacks to; the larger one has 7.8 MB.
const maxFont = 16 << 20

// face is a font and the part of its em square that letters fill. Fractions
// of the em, y down from the baseline.
type face struct {
	font        *sfnt.Font
	top, bottom float64
	side        float64 // free space at either side of an ideograph
}

func openSong() (*face, error) {
	f, err := openFont(songFile)
	// Ideographs stand between 120 units under the baseline and 880 above it
	// and leave about 4 % of the square free on each side.
	return &face{font: f, top: -0.84, bottom: 0.08, side: 0.04}, err
}

func openFigures() (*face, error) {
	f, err := openFont(figuresFile)
	return &face{font: f, top: -0.733, bottom: 0}, err // the height of capitals
}

func openFont(packed []byte) (*sfnt.Font, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack font: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, maxFont))
	if err != nil {
		return nil, fmt.Errorf("unpack font: %w", err)
	}
	f, err := sfnt.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("read font: %w", err)
	}
	return f, nil
}

// letter is the outline of one character and the room it takes, in em, y down
// from the baseline.
type letter struct {
	outline     []segment
	left, right float64
}

// segment is a piece of an outline: a move, a line, a quadratic or a cubic
// curve with its one, two or three points.
type segment struct {
	op     sfnt.SegmentOp
	points [3]point
}

// letters gives the outlines of a text; fault.GlyphMissing with the first
// character that the font lacks.
func (f *face) letters(text string) ([]letter, error) {
	var buf sfnt.Buffer
	var all []letter
	for _, r := range text {
		l, err := f.letter(&buf, r)
		if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func (f *face) letter(buf *sfnt.Buffer, r rune) (letter, error) {
	index, err := f.font.GlyphIndex(buf, r)
	if err != nil {
		return letter{}, fmt.Errorf("look up a glyph: %w", err)
	}
	if index == 0 {
		return letter{}, fault.GlyphMissing.With("glyph", string(r))
	}
	// At as many pixels per em as the em has units every coordinate is whole.
	upem := f.font.UnitsPerEm()
	ppem := fixed.I(int(upem))
	loaded, err := f.font.LoadGlyph(buf, index, ppem, nil)
	if err != nil {
		return letter{}, fmt.Errorf("load a glyph: %w", err)
	}
	l := letter{left: f.side, right: 1 - f.side}
	l.outline = outline(loaded, 64*float64(upem))
	if !unicode.Is(unicode.Han, r) {
		if err := f.narrow(buf, index, ppem, &l); err != nil {
			return letter{}, err
		}
	}
	return l, nil
}

// narrow gives a letter, digit or bracket the room its ink needs, and no more:
// a bracket in full width would tear a hole into the name.
func (f *face) narrow(buf *sfnt.Buffer, index sfnt.GlyphIndex, ppem fixed.Int26_6, l *letter) error {
	const air = 0.05
	if len(l.outline) == 0 {
		advance, err := f.font.GlyphAdvance(buf, index, ppem, 0)
		if err != nil {
			return fmt.Errorf("measure a glyph: %w", err)
		}
		l.left, l.right = 0, float64(advance)/float64(ppem)
		return nil
	}
	l.left, l.right = math.Inf(1), math.Inf(-1)
	for _, s := range l.outline {
		for _, p := range s.points[:count(s.op)] {
			l.left, l.right = math.Min(l.left, p.x-air), math.Max(l.right, p.x+air)
		}
	}
	return nil
}

func outline(loaded sfnt.Segments, unit float64) []segment {
	segments := make([]segment, len(loaded))
	for i, s := range loaded {
		segments[i].op = s.Op
		for j, p := range s.Args[:count(s.Op)] {
			segments[i].points[j] = point{float64(p.X) / unit, float64(p.Y) / unit}
		}
	}
	return segments
}

// count is the number of points of a segment.
func count(op sfnt.SegmentOp) int {
	switch op {
	case sfnt.SegmentOpQuadTo:
		return 2
	case sfnt.SegmentOpCubeTo:
		return 3
	default:
		return 1
	}
}
