package qr_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"yunzhang.dev/qrflow/qr"
)

// frame is a code of the protocol's annex A, 71 characters.
const frame = "https://s.example.gov.cn/q#1.oKGio6SlpqeoqaqrrK2urw.0.hTkP6AlkdG2r-boR"

func TestWhatIsDrawnCanBeRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"A", frame, strings.Repeat("x", 100), strings.Repeat("~", qr.MaxText), "印章 ✓"} {
		code, err := qr.New(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, scale := range []int{1, 3, 8} {
			picture, err := code.PNG(scale)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := qr.Read(picture); err != nil || got != text {
				t.Errorf("%d characters, scale %d: %q, %v", len(text), scale, got, err)
			}
		}
		for name, picture := range map[string][]byte{"svg": fromSVG(t, code), "text": fromText(t, code.Text(true), '█'), "dark": fromText(t, code.Text(false), ' ')} {
			if got, err := qr.Read(picture); err != nil || got != text {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	}
}

// The page reserves room for version 5, which holds every frame whose host has
// up to 13 characters more than the vector's.
func TestFramesHaveVersionFive(t *testing.T) {
	t.Parallel()
	for size := 70; size <= 84; size++ {
		for _, letter := range []string{"a", "7", "A"} {
			code, err := qr.New(strings.Repeat(letter, size))
			if err != nil {
				t.Fatal(err)
			}
			if code.Version != 5 || code.Size() != 37 {
				t.Errorf("%d × %s: version %d, %d modules", size, letter, code.Version, code.Size())
			}
		}
	}
	if code, err := qr.New(strings.Repeat("a", 85)); err != nil || code.Version != 6 {
		t.Errorf("85 characters: %+v, %v", code, err)
	}
}

func TestWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	if _, err := qr.New(strings.Repeat("a", qr.MaxText+1)); !errors.Is(err, qr.ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, err := qr.New(""); err == nil {
		t.Error("nothing was encoded")
	}
	code, err := qr.New("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []int{0, -1, 65} {
		if _, err := code.PNG(scale); err == nil {
			t.Errorf("scale %d", scale)
		}
	}
}

func TestSVGIsSafeMarkup(t *testing.T) {
	t.Parallel()
	code, err := qr.New(frame)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Label string `xml:"aria-label,attr"`
		Box   string `xml:"viewBox,attr"`
	}
	const label = `扫码 "><script>&'`
	if err := xml.Unmarshal(code.SVG(label), &doc); err != nil || doc.Label != label || doc.Box != "0 0 45 45" {
		t.Errorf("%+v, %v", doc, err)
	}
	if size := len(code.SVG("")); size > 8000 {
		t.Errorf("%d bytes", size)
	}
}

func TestReadRefusesHostilePictures(t *testing.T) {
	t.Parallel()
	blank := new(bytes.Buffer)
	if err := png.Encode(blank, image.NewGray(image.Rect(0, 0, 50, 50))); err != nil {
		t.Fatal(err)
	}
	if _, err := qr.Read(blank.Bytes()); !errors.Is(err, qr.ErrNone) {
		t.Errorf("no code: %v", err)
	}
	for name, picture := range map[string][]byte{
		"nothing": nil, "no picture": []byte("hello"), "cut": blank.Bytes()[:60],
		"claims 2^62 pixels": claiming(1<<31-1, 1<<31-1), "claims a line": claiming(1<<30, 1), "too many bytes": make([]byte, qr.MaxPicture+1),
	} {
		if text, err := qr.Read(picture); err == nil {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// claiming is the head of a PNG with a size and no content.
func claiming(width, height uint32) []byte {
	chunk := fmt.Appendf(nil, "IHDR%s%s\x08\x00\x00\x00\x00", be(width), be(height))
	return fmt.Appendf(nil, "\x89PNG\r\n\x1a\n%s%s%s", be(13), chunk, be(crc32.ChecksumIEEE(chunk)))
}

func be(v uint32) []byte { return []byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)} }

// FuzzRead: hostile pictures are refused without a panic.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"a", frame} {
		code, err := qr.New(text)
		if err != nil {
			f.Fatal(err)
		}
		picture, err := code.PNG(2)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(picture)
	}
	f.Add(claiming(1<<31-1, 1<<31-1))
	f.Fuzz(func(_ *testing.T, picture []byte) {
		if len(picture) < 1<<16 {
			_, _ = qr.Read(picture)
		}
	})
}

// raster draws modules that a test collected, four pixels each.
func raster(t *testing.T, width, height int, dark func(x, y int) bool) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width*4, height*4))
	for y := range height * 4 {
		for x := range width * 4 {
			if !dark(x/4, y/4) {
				img.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var run = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1`)

// fromSVG draws the rectangles of the path.
func fromSVG(t *testing.T, code *qr.Code) []byte {
	t.Helper()
	inked := map[[2]int]bool{}
	for _, m := range run.FindAllStringSubmatch(string(code.SVG("")), -1) {
		x, _ := strconv.Atoi(m[1])
		y, _ := strconv.Atoi(m[2])
		w, _ := strconv.Atoi(m[3])
		for i := range w {
			inked[[2]int{x + i, y}] = true
		}
	}
	side := code.Size() + 8
	return raster(t, side, side, func(x, y int) bool { return inked[[2]int{x, y}] })
}

// fromText reads half blocks back; full is the letter with both halves dark.
func fromText(t *testing.T, text string, full rune) []byte {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	dark := func(x, y int) bool {
		letter := []rune(lines[y/2])[x]
		inked := letter == '█' || letter == '▀' && y%2 == 0 || letter == '▄' && y%2 == 1
		return inked == (full == '█')
	}
	return raster(t, len([]rune(lines[0])), 2*len(lines), dark)
}
