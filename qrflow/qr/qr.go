// Package qr draws and reads QR codes (GB/T 18284, ISO/IEC 18004): as SVG for
// pages and prints, PNG, and terminal text; level M throughout.
//
// It knows nothing of what a code says. The waiting page draws its own codes
// (web/vendor); this package serves first paint, prints, the command line and
// the test double of a phone.
package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strconv"

	"github.com/skip2/go-qrcode"
)

// quiet is the border that readers need, in modules (ISO/IEC 18004 §9.1).
const quiet = 4

// capacity is what level M holds in bytes, by version from 1 (ISO/IEC 18004
// table 7). Codes are never larger than version 10: beyond it phones of the
// cheap sort begin to fail at arm's length.
var capacity = [...]int{14, 26, 42, 62, 84, 106, 122, 152, 180, 213}

// MaxText is the length of the longest text in bytes.
const MaxText = 213

// ErrTooLong says that a text does not fit.
var ErrTooLong = errors.New("qr: text is longer than version 10 at level M holds")

// Code is a drawn QR code without its border.
type Code struct {
	Version int      // 1 to 10
	modules [][]bool // rows, true is dark
}

// New encodes text. The version follows from the length alone, so that the codes
// of one page keep their size while they change.
func New(text string) (*Code, error) {
	version, err := versionFor(len(text))
	if err != nil {
		return nil, err
	}
	q, err := qrcode.NewWithForcedVersion(text, version, qrcode.Medium)
	if err != nil {
		return nil, fmt.Errorf("encode qr: %w", err)
	}
	q.DisableBorder = true
	return &Code{Version: version, modules: q.Bitmap()}, nil
}

func versionFor(size int) (int, error) {
	if size == 0 {
		return 0, errors.New("qr: nothing to encode")
	}
	for i, holds := range capacity {
		if size <= holds {
			return i + 1, nil
		}
	}
	return 0, ErrTooLong
}

// Size is the number of modules on a side, without border.
func (c *Code) Size() int { return len(c.modules) }

// Dark reports the module at column x and row y; outside of the code all is light.
func (c *Code) Dark(x, y int) bool {
	return 0 <= y && y < c.Size() && 0 <= x && x < c.Size() && c.modules[y][x]
}

// SVG draws one path on white, one unit for a module, border included. It scales
// to whatever box it is put in; label is what a screen reader says.
func (c *Code) SVG(label string) []byte {
	var b bytes.Buffer
	side := c.Size() + 2*quiet
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges">`,
		side, side, escape(label))
	fmt.Fprintf(&b, `<path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, side, side)
	for y := range c.modules {
		c.row(&b, y)
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes()
}

// row writes each run of dark modules as one rectangle.
func (c *Code) row(b *bytes.Buffer, y int) {
	for x := 0; x < c.Size(); x++ {
		if !c.Dark(x, y) {
			continue
		}
		start := x
		for c.Dark(x, y) {
			x++
		}
		fmt.Fprintf(b, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, x-start, x-start)
	}
}

func escape(label string) []byte {
	var b bytes.Buffer
	for _, r := range label {
		switch r {
		case '&', '<', '>', '"', '\'':
			b.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		default:
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

// maxScale bounds a picture to about 4 000 pixels a side.
const maxScale = 64

// PNG draws with scale pixels a module (1 to 64), border included.
func (c *Code) PNG(scale int) ([]byte, error) {
	if scale < 1 || scale > maxScale {
		return nil, fmt.Errorf("qr: scale %d is not within 1…%d", scale, maxScale)
	}
	side := (c.Size() + 2*quiet) * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			if c.Dark(x/scale-quiet, y/scale-quiet) {
				img.Pix[y*img.Stride+x] = 1
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("write qr as png: %w", err)
	}
	return b.Bytes(), nil
}

// Text draws for a terminal with half blocks, two rows a line. invert is for
// dark letters on a light ground; without it the code is drawn for light letters
// on a dark ground, as terminals usually are.
func (c *Code) Text(invert bool) string {
	var b bytes.Buffer
	blocks := [4]string{" ", "▄", "▀", "█"} // by upper·2 + lower, inked
	for y := -quiet; y < c.Size()+quiet; y += 2 {
		for x := -quiet; x < c.Size()+quiet; x++ {
			upper, lower := c.Dark(x, y) == invert, c.Dark(x, y+1) == invert
			b.WriteString(blocks[2*bit(upper)+bit(lower)])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func bit(v bool) int {
	if v {
		return 1
	}
	return 0
}
