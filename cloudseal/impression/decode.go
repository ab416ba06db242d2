package impression

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"

	"yunzhang.dev/authz/fault"
)

// Limits of an uploaded picture.
const (
	// MaxUpload in bytes: a photo at full resolution has 3 to 6 MB.
	MaxUpload = 8 << 20
	// MaxDecoded in bytes: 16 megapixels of 4 bytes. It keeps a small file
	// from unpacking into all memory.
	MaxDecoded = 64 << 20
	// MinSide in pixels: 40 mm at 127 dpi; below it names cannot be read.
	MinSide = 200
	// maxScans of a progressive JPEG: every scan costs a pass over the whole
	// picture, whatever its length; usual files have ten.
	maxScans = 32
)

func refuse(reason string) error { return fault.ImpressionBad.With("reason", reason) }

// decode reads a PNG or JPEG within the limits.
func decode(file []byte) (image.Image, error) {
	if len(file) > MaxUpload {
		return nil, refuse("too-large")
	}
	readConfig, read := png.DecodeConfig, png.Decode
	switch {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
	case bytes.HasPrefix(file, []byte{0xFF, 0xD8, 0xFF}):
		readConfig, read = jpeg.DecodeConfig, jpeg.Decode
		if bytes.Count(file, []byte{0xFF, 0xDA}) > maxScans {
			return nil, refuse("format")
		}
	default:
		return nil, refuse("format")
	}
	config, err := readConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fault.ImpressionBad.With("reason", "damaged").Because(err)
	}
	if config.Width < MinSide || config.Height < MinSide {
		return nil, refuse("too-small")
	}
	if int64(config.Width)*int64(config.Height)*pixelBytes(config.ColorModel) > MaxDecoded {
		return nil, refuse("too-large")
	}
	picture, err := read(bytes.NewReader(file))
	if err != nil {
		return nil, fault.ImpressionBad.With("reason", "damaged").Because(err)
	}
	return picture, nil
}

func pixelBytes(m color.Model) int64 {
	switch m {
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	default:
		return 4
	}
}

// orientation reads how a camera held the picture: the Exif tag 0x0112 of a
// JPEG, 1 to 8; 1, upright, when there is none.
func orientation(file []byte) int {
	for at := 2; at+4 <= len(file) && file[at] == 0xFF && file[at+1] != 0xDA; {
		length := int(binary.BigEndian.Uint16(file[at+2:]))
		end := at + 2 + length
		if length < 2 || end > len(file) {
			break
		}
		body := file[at+4 : end]
		if tiff, is := bytes.CutPrefix(body, []byte("Exif\x00\x00")); is && file[at+1] == 0xE1 {
			return tiffOrientation(tiff)
		}
		at = end
	}
	return 1
}

func tiffOrientation(tiff []byte) int {
	var order binary.ByteOrder = binary.LittleEndian
	if bytes.HasPrefix(tiff, []byte("MM")) {
		order = binary.BigEndian
	}
	if len(tiff) < 8 {
		return 1
	}
	at := int64(order.Uint32(tiff[4:])) // the first directory
	if at+2 > int64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			break
		}
		if order.Uint16(entries) == 0x0112 {
			if o := order.Uint16(entries[8:]); o >= 1 && o <= 8 {
				return int(o)
			}
		}
		entries = entries[12:]
	}
	return 1
}

// upright turns a picture that was taken with the given orientation.
func upright(m *image.Gray, orientation int) *image.Gray {
	if orientation == 1 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	turned := image.NewGray(image.Rect(0, 0, w, h))
	if orientation > 4 {
		turned = image.NewGray(image.Rect(0, 0, h, w))
	}
	for y := range turned.Rect.Dy() {
		for x := range turned.Rect.Dx() {
			u, v := source(orientation, x, y, w, h)
			turned.Pix[y*turned.Stride+x] = m.Pix[v*m.Stride+u]
		}
	}
	return turned
}

// source is the stored place of an upright pixel (Exif 2.3 §4.6.4: where the
// first row and the first column of the stored picture are).
func source(orientation, x, y, w, h int) (u, v int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	default:
		return w - 1 - y, x
	}
}
