package impression

import (
	"sync"
	"unicode/utf8"

	"yunzhang.dev/authz/fault"
)

// Limits of what goes on a seal.
const (
	// MaxName: no registered name is longer, and letters would be illegible.
	MaxName = 50
	// MaxPurpose, MaxNumber and MaxSerial: what fits under the star, on the
	// lower arc or in the middle, and under the purpose.
	MaxPurpose = 10
	MaxNumber  = 18
	MaxSerial  = 5
	// MinSize and MaxSize in mm: from a name seal to the State Council's.
	MinSize = 10.0
	MaxSize = 60.0
)

// Spec says what to draw. Empty fields take what is usual for the kind.
type Spec struct {
	Kind Kind
	// Name of the organization, or of the person for a name seal.
	Name string
	// Number on the lower arc, 13 or 14 digits; on an invoice seal the taxpayer
	// number (USCC) in the middle. Empty for none.
	Number string
	// Serial of an invoice seal, such as "(1)", under its purpose.
	Serial string
	// Purpose is the text under the star; empty: the kind's own, which the
	// organization seal has not.
	Purpose string
	// Width, Height and Border in mm; a round seal needs only its Width.
	Width, Height, Border float64
}

// Picture is an impression, of one size in all its forms.
type Picture struct {
	PNG []byte // 600 dpi, one colour on transparent ground
	SVG []byte // nil when the picture was not drawn but cleaned
	// Width and Height in mm.
	Width, Height float64
}

// Drawer draws seals. It is safe for concurrent use. The fonts are unpacked
// at the first drawing, which takes about a tenth of a second and 8 MB.
type Drawer struct {
	fonts func() (*fonts, error)
}

type fonts struct{ song, figures *face }

// New makes a Drawer.
func New() *Drawer { return &Drawer{fonts: sync.OnceValues(openFonts)} }

func openFonts() (*fonts, error) {
	song, err := openSong()
	if err != nil {
		return nil, err
	}
	figures, err := openFigures()
	if err != nil {
		return nil, err
	}
	return &fonts{song, figures}, nil
}

// Draw draws a seal. The same Spec gives the same bytes. Errors:
// fault.SealKindBad for a kind that is not drawn, fault.GlyphMissing with the
// character that the font lacks, fault.ImpressionBad with a "reason".
func (d *Drawer) Draw(s Spec) (Picture, error) {
	s, err := s.complete()
	if err != nil {
		return Picture{}, err
	}
	f, err := d.fonts()
	if err != nil {
		return Picture{}, err
	}
	var p path
	switch s.Kind.Shape() {
	case Round:
		err = f.round(&p, s)
	case Ellipse:
		err = f.oval(&p, s)
	case Square:
		err = f.square(&p, s)
	default:
		err = fault.SealKindBad
	}
	if err != nil {
		return Picture{}, err
	}
	file, err := encodePNG(p.mask(s.Width, s.Height), Ink)
	if err != nil {
		return Picture{}, err
	}
	return Picture{PNG: file, SVG: p.svg(s.Width, s.Height), Width: s.Width, Height: s.Height}, nil
}

// Check reports whether a name can be drawn on a seal of the kind, with the
// errors of Draw, without drawing it.
func (d *Drawer) Check(kind Kind, name string) error {
	s, err := Spec{Kind: kind, Name: name}.complete()
	if err != nil {
		return err
	}
	f, err := d.fonts()
	if err != nil {
		return err
	}
	_, err = f.song.letters(s.Name)
	return err
}

// complete fills in what is usual and refuses what cannot be drawn.
func (s Spec) complete() (Spec, error) {
	l := s.Kind.look()
	if l.kind == "" || l.shape == Free {
		return s, fault.SealKindBad
	}
	if s.Purpose == "" && s.Kind != Statutory {
		s.Purpose = l.chinese
	}
	if s.Width == 0 {
		s.Width, s.Height = l.width, l.height
	}
	if s.Height == 0 || l.shape == Round {
		s.Height = s.Width * l.height / l.width
	}
	if s.Border == 0 {
		s.Border = l.border
	}
	for _, limit := range []struct {
		reason string
		ok     bool
	}{
		{"name", within(s.Name, 2, MaxName)},
		{"purpose", within(s.Purpose, 0, MaxPurpose)},
		{"number", within(s.Number, 0, MaxNumber)},
		{"serial", within(s.Serial, 0, MaxSerial)},
		{"size", s.Width >= MinSize && s.Width <= MaxSize && s.Height >= MinSize && s.Height <= MaxSize},
		{"border", s.Border >= 0.1 && s.Border <= 2},
	} {
		if !limit.ok {
			return s, fault.ImpressionBad.With("reason", limit.reason)
		}
	}
	return s, nil
}

func within(text string, least, most int) bool {
	n := utf8.RuneCountInString(text)
	return utf8.ValidString(text) && n >= least && n <= most
}
