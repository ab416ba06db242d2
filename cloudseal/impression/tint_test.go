package impression_test

import (
	"bytes"
	"errors"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/impression"
)

func TestTintChangesTheColourOnly(t *testing.T) {
	t.Parallel()
	red := drawn(t, impression.Spec{Kind: impression.LegalRepresentative, Name: "张伟"})
	grey, err := red.Tint(impression.Grey)
	if err != nil {
		t.Fatal(err)
	}
	a, b := decodePNG(t, red.PNG), decodePNG(t, grey.PNG)
	if !bytes.Equal(a.Pix, b.Pix) || grey.Width != red.Width || !bytes.Equal(red.PNG[33:54], grey.PNG[33:54]) {
		t.Error("the shape changed")
	}
	if r, g, bl, a := b.Palette[len(b.Palette)-1].RGBA(); r>>8 != 140 || g != r || bl != r || a != 0xFFFF {
		t.Errorf("ink %x %x %x %x", r, g, bl, a)
	}
	if !bytes.Contains(grey.SVG, []byte(`fill="#8c8c8c"`)) || bytes.Contains(grey.SVG, []byte("#ff0000")) {
		t.Errorf("%.120s", grey.SVG)
	}
	back, err := grey.Tint(impression.Ink)
	if err != nil || !bytes.Equal(back.PNG, red.PNG) {
		t.Errorf("red again differs: %v", err)
	}
	if _, err := (impression.Picture{PNG: []byte("x")}).Tint(impression.Grey); !errors.Is(err, fault.ImpressionBad) {
		t.Errorf("no picture: %v", err)
	}
}
