package impression

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math"
)

// Resolution of the pictures: 600 dots per inch, as the seals of government
// bodies have it.
const (
	dotsPerInch  = 600
	dotsPerMetre = 23622 // in the pHYs chunk
)

// Ink is the colour of every seal, Black that of handwriting.
var (
	Ink   = color.NRGBA{R: 255, A: 255}
	Black = color.NRGBA{A: 255}
)

// hex is a colour as SVG has it.
func hex(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// pixels is a length in mm at the resolution of the pictures.
func pixels(mm float64) int { return int(math.Round(mm / 25.4 * dotsPerInch)) }

// encodePNG writes a mask in one colour. The palette is that colour in eight
// degrees of transparency: edges stay smooth at this resolution, and the file
// takes half of what 256 degrees take.
func encodePNG(mask *image.Alpha, ink color.NRGBA) ([]byte, error) {
	const degrees = 8
	palette := make(color.Palette, degrees)
	for i := range palette {
		palette[i] = color.NRGBA{ink.R, ink.G, ink.B, uint8(i * 255 / (degrees - 1))}
	}
	picture := image.NewPaletted(mask.Rect, palette)
	for i, cover := range mask.Pix {
		picture.Pix[i] = uint8((int(cover)*(degrees-1) + 127) / 255)
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := encoder.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("write picture: %w", err)
	}
	return withResolution(b.Bytes()), nil
}

// withResolution inserts the pHYs chunk behind the header (PNG §11.3.4.3),
// which the standard encoder does not write: 33 bytes of signature and IHDR.
func withResolution(file []byte) []byte {
	const header = 33
	chunk := []byte("\x00\x00\x00\x09pHYs")
	chunk = binary.BigEndian.AppendUint32(chunk, dotsPerMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, dotsPerMetre)
	chunk = append(chunk, 1) // the unit is the metre
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	out := make([]byte, 0, len(file)+len(chunk))
	out = append(out, file[:header]...)
	out = append(out, chunk...)
	return append(out, file[header:]...)
}
