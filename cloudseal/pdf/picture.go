package pdf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image/color"
	"image/png"

	"yunzhang.dev/authz/fault"
)

// Picture is a seal's picture and its true size in millimetres. It is a PNG
// with transparency: an opaque one would hide what is behind the seal.
type Picture struct {
	PNG           []byte
	Width, Height float64

	drawn *drawing // nil: Place converts it
}

// Drawn gives the picture with its conversion done, for one that is placed
// often. What is drawn is what PNG holds now. A picture that cannot be used is
// fault.ImpressionBad.
func (p Picture) Drawn() (Picture, error) {
	d, err := p.draw()
	p.drawn = &d
	return p, err
}

// xobject is a stream to be written: the entries of its dictionary beyond
// Length, and its data.
type xobject struct {
	entries string
	data    []byte
}

// drawing is a picture as PDF has it: its colours, and how much of them shows.
type drawing struct {
	colors, mask xobject
}

// pngHead is the part of a PNG's header that image/png does not tell.
type pngHead struct {
	width, height     int
	depth, interlaced byte
	palette           color.Palette // nil unless indexed
}

// draw converts the picture, within the limits of MaxPictureBytes and
// MaxPicturePixels. A picture that cannot be used is fault.ImpressionBad.
func (p Picture) draw() (drawing, error) {
	if p.drawn != nil {
		return *p.drawn, nil
	}
	head, err := readHead(p.PNG)
	if err != nil {
		return drawing{}, fault.ImpressionBad.Because(err)
	}
	if d, ok, err := p.fromPalette(head); ok || err != nil {
		return d, badPicture(err)
	}
	d, err := p.fromPixels()
	return d, badPicture(err)
}

func badPicture(err error) error {
	if err == nil {
		return nil
	}
	return fault.ImpressionBad.Because(err)
}

var (
	errPictureSize  = errors.New("picture over the limit")
	errOpaque       = errors.New("picture without transparency")
	errInvisible    = errors.New("picture without a visible point")
	errPictureBytes = errors.New("picture damaged")
)

// Where bit depth and interlace method stand: behind the signature and the
// head of the first chunk (PNG §11.2.2).
const (
	depthAt     = 8 + 8 + 8
	interlaceAt = 8 + 8 + 12
)

func readHead(b []byte) (pngHead, error) {
	if len(b) > MaxPictureBytes {
		return pngHead{}, errPictureSize
	}
	cfg, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return pngHead{}, fmt.Errorf("read picture: %w", err)
	}
	if cfg.Width > MaxPicturePixels/cfg.Height {
		return pngHead{}, errPictureSize
	}
	h := pngHead{width: cfg.Width, height: cfg.Height, depth: b[depthAt], interlaced: b[interlaceAt]}
	h.palette, _ = cfg.ColorModel.(color.Palette)
	return h, nil
}

func imageEntries(width, height, bits int, more string) string {
	return fmt.Sprintf("/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent %d %s",
		width, height, bits, more)
}

// oneColor is an image of one colour: an indexed image of zeros with a palette
// of one. It has the size of its mask, because readers scale unequal ones in
// different ways; as runs it is small without having to be compressed.
func oneColor(width, height int, c color.NRGBA) xobject {
	space := fmt.Sprintf("/ColorSpace [/Indexed /DeviceRGB 0 <%02x%02x%02x>] /Filter /RunLengthDecode", c.R, c.G, c.B)
	return xobject{entries: imageEntries(width, height, 1, space), data: runsOfZero((width + 7) / 8 * height)}
}

// runsOfZero encodes zeros in runs (ISO 32000-1 §7.4.5): 257 minus the length,
// and the byte; 128 ends the data.
func runsOfZero(n int) []byte {
	const longest = 128
	out := make([]byte, 0, 2*(n/longest)+3)
	for ; n > 1; n -= min(n, longest) {
		out = append(out, byte(257-min(n, longest)), 0)
	}
	if n == 1 {
		out = append(out, 0, 0)
	}
	return append(out, 128)
}

// deflate compresses fast: a seal is mostly empty and packs well anyway.
func deflate(b []byte) []byte {
	var out bytes.Buffer
	// Neither a known level nor writing to memory can fail.
	w, _ := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}
