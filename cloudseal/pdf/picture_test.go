package pdf_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/pdf"
)

// place tries a picture on a fresh page.
func place(t *testing.T, p pdf.Picture) error {
	t.Helper()
	d, err := pdf.Open(a4().bytes(classic))
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Place(pdf.Place{Page: 1}, p, pdf.PlaceOptions{})
	return err
}

// chunk replaces the body of the first chunk of a name, with a right sum.
func chunk(file []byte, name string, body []byte) []byte {
	at := bytes.Index(file, []byte(name)) - 4
	n := int(binary.BigEndian.Uint32(file[at:]))
	fresh := append([]byte(name), body...)
	out := append(bytes.Clone(file[:at]), binary.BigEndian.AppendUint32(nil, uint32(len(body)))...)
	out = append(out, fresh...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(fresh))
	return append(out, file[at+12+n:]...)
}

func header(w, h uint32, depth, kind, interlace byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, w)
	b = binary.BigEndian.AppendUint32(b, h)
	return append(b, depth, kind, 0, 0, interlace)
}

// TestBadPictures: none is embedded, and none takes more than its limit allows.
func TestBadPictures(t *testing.T) {
	t.Parallel()
	indexed, direct := paletted(4), smooth(4)
	n := uint32(94) // 4 mm at 600 dpi
	with := func(p pdf.Picture, png []byte) pdf.Picture { p.PNG = png; return p }
	flipped := func(p pdf.Picture) []byte {
		b := bytes.Clone(p.PNG)
		b[bytes.Index(b, []byte("IDAT"))+20] ^= 1
		return b
	}
	rows := map[string]pdf.Picture{
		"empty":                  with(indexed, nil),
		"no picture":             with(indexed, []byte("GIF89a")),
		"indexed, changed":       with(indexed, flipped(indexed)),
		"direct, changed":        with(direct, flipped(direct)),
		"indexed, cut":           with(indexed, indexed.PNG[:len(indexed.PNG)-30]),
		"direct, cut":            with(direct, direct.PNG[:len(direct.PNG)-30]),
		"indexed, rows missing":  with(indexed, chunk(indexed.PNG, "IHDR", header(n, n+1, 4, 3, 0))),
		"indexed, rows too many": with(indexed, chunk(indexed.PNG, "IHDR", header(n, n-1, 4, 3, 0))),
		"indexed, no data":       with(indexed, chunk(indexed.PNG, "IDAT", nil)),
		"indexed, not deflated":  with(indexed, chunk(indexed.PNG, "IDAT", []byte("hello, world"))),
		"indexed, row filter 9":  with(indexed, chunk(indexed.PNG, "IDAT", squash(bytes.Repeat(append([]byte{9}, make([]byte, 47)...), 94)))),
		"indexed, nothing shows": with(indexed, chunk(indexed.PNG, "IDAT", squash(make([]byte, 48*94)))),
		"too many pixels":        with(direct, chunk(direct.PNG, "IHDR", header(2000, 2001, 8, 6, 0))),
		"far too many pixels":    with(direct, chunk(direct.PNG, "IHDR", header(1<<30, 1<<30, 8, 6, 0))),
		"too many bytes":         with(direct, make([]byte, pdf.MaxPictureBytes+1)),
	}
	for name, p := range rows {
		if err := place(t, p); !errors.Is(err, fault.ImpressionBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := place(t, indexed); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

// TestKindsOfPictures: palettes that are not one ink in even degrees, and other
// kinds of PNG, are converted by way of their pixels.
func TestKindsOfPictures(t *testing.T) {
	t.Parallel()
	uneven := color.Palette{color.NRGBA{}, color.NRGBA{R: 255, A: 30}, color.NRGBA{R: 255, A: 255}}
	inks := color.Palette{color.NRGBA{}, color.NRGBA{B: 255, A: 127}, color.NRGBA{R: 255, A: 255}}
	reversed := color.Palette{color.NRGBA{R: 255, A: 255}, color.NRGBA{}}
	two := color.Palette{color.NRGBA{}, color.NRGBA{R: 255, A: 255}}
	deep := image.NewNRGBA64(image.Rect(0, 0, 3, 3))
	deep.SetNRGBA64(1, 1, color.NRGBA64{R: 0xFFFF, A: 0x8000})
	all := map[string]image.Image{
		"16 bits": deep,
		"opaque":  image.NewGray(image.Rect(0, 0, 3, 3)),
	}
	for name, p := range map[string]color.Palette{"uneven": uneven, "inks": inks, "reversed": reversed, "two": two} {
		m := image.NewPaletted(image.Rect(0, 0, 9, 9), p)
		m.Pix[40], m.Pix[41] = 1, uint8(len(p)-1)
		all[name] = m
	}
	for name, m := range all {
		err := place(t, picture(m, 3))
		if opaque := name == "opaque"; opaque != errors.Is(err, fault.ImpressionBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
