package pdf

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image/color"
	"io"
)

// fromPalette takes over the compressed data of a picture as our own are: one
// ink in evenly spaced degrees of transparency, as an indexed PNG. Its indices
// are read as shades of the mask, so that nothing is decoded to pixels and
// compressed again. It is not ok for any other picture.
func (p Picture) fromPalette(h pngHead) (d drawing, ok bool, err error) {
	if h.palette == nil || h.interlaced != 0 || len(h.palette) < 2 {
		return drawing{}, false, nil
	}
	ink, decode, ok := evenDegrees(h.palette, int(h.depth))
	if !ok {
		return drawing{}, false, nil
	}
	data, err := imageData(p.PNG)
	if err != nil {
		return drawing{}, false, err
	}
	if err := checkRows(data, h); err != nil {
		return drawing{}, false, err
	}
	// PNG's row filters are predictor 15 (ISO 32000-1 §7.4.4.4).
	more := fmt.Sprintf("/ColorSpace /DeviceGray /Filter /FlateDecode /Decode [%s %s] "+
		"/DecodeParms << /Predictor 15 /Colors 1 /BitsPerComponent %d /Columns %d >>",
		number(decode[0]), number(decode[1]), h.depth, h.width)
	return drawing{
		colors: oneColor(h.width, h.height, ink),
		mask:   xobject{imageEntries(h.width, h.height, int(h.depth), more), data},
	}, true, nil
}

// evenDegrees reports whether the palette is one ink whose opacity grows evenly
// from nothing, within rounding, and gives the Decode array that makes an index
// that opacity.
func evenDegrees(palette color.Palette, depth int) (ink color.NRGBA, decode [2]float64, ok bool) {
	last := len(palette) - 1
	ink = nrgba(palette[last])
	top := float64(ink.A)
	if ink.A == 0 || nrgba(palette[0]).A != 0 {
		return ink, decode, false
	}
	for i, c := range palette {
		n := nrgba(c)
		even := top * float64(i) / float64(last)
		if off := float64(n.A) - even; off < -1 || off > 1 {
			return ink, decode, false
		}
		if n.A > 0 && (n.R != ink.R || n.G != ink.G || n.B != ink.B) {
			return ink, decode, false
		}
	}
	decode[1] = top / 255 * float64(int(1)<<depth-1) / float64(last)
	ink.A = 255
	return ink, decode, true
}

func nrgba(c color.Color) color.NRGBA { return color.NRGBAModel.Convert(c).(color.NRGBA) }

// imageData joins the IDAT chunks and checks their sums (PNG §5.3).
func imageData(file []byte) ([]byte, error) {
	var data []byte
	for rest := file[8:]; len(rest) >= 12; {
		n := binary.BigEndian.Uint32(rest)
		if uint64(n)+12 > uint64(len(rest)) {
			return nil, errPictureBytes
		}
		body, sum := rest[4:8+n], binary.BigEndian.Uint32(rest[8+n:])
		if string(body[:4]) == "IDAT" {
			if crc32.ChecksumIEEE(body) != sum {
				return nil, errPictureBytes
			}
			data = append(data, body[4:]...)
		}
		rest = rest[12+n:]
	}
	if data == nil {
		return nil, errPictureBytes
	}
	return data, nil
}

// checkRows inflates once to see that there are exactly the rows the header
// promises, with known filters, and that something of them shows. The data's
// own sum, the last of the 6 bytes around it (RFC 1950 §2.2), adds nothing to
// that of the chunks.
func checkRows(data []byte, h pngHead) error {
	const method, dictionary = 0x08, 0x20
	if len(data) < 6 || data[0]&0x0F != method || data[1]&dictionary != 0 {
		return errPictureBytes
	}
	z := flate.NewReader(bytes.NewReader(data[2 : len(data)-4]))
	row := make([]byte, 1+(h.width*int(h.depth)+7)/8)
	visible := false
	for range h.height {
		if _, err := io.ReadFull(z, row); err != nil || row[0] > 4 {
			return errPictureBytes
		}
		visible = visible || !zero(row[1:])
	}
	if n, err := z.Read(row[:1]); n != 0 || err != io.EOF {
		return errPictureBytes
	}
	if !visible {
		return errInvisible
	}
	return nil
}

func zero(b []byte) bool { return len(b) == bytes.Count(b, []byte{0}) }
