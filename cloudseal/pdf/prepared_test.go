package pdf_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
)

func prepare(t testing.TB, file []byte) *pdf.Prepared {
	t.Helper()
	d, err := pdf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Place(pdf.Place{Page: 1, X: 10, Y: 10}, tiny(), pdf.PlaceOptions{Slot: smallSlot})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPreparedSurvivesStorage: stored, loaded and completed it gives the same.
func TestPreparedSurvivesStorage(t *testing.T) {
	t.Parallel()
	file := a4().bytes(stream)
	p := prepare(t, file)
	row, err := bson.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var loaded pdf.Prepared
	if err := bson.Unmarshal(row, &loaded); err != nil {
		t.Fatal(err)
	}
	whole, dtbs, err := loaded.Digests(file)
	if err != nil {
		t.Fatal(err)
	}
	if whole != gm.SM3(file) {
		t.Error("digest of the original")
	}
	der := fakeSignature(dtbs)
	one, err1 := p.Complete(file, der)
	two, err2 := loaded.Complete(file, der)
	if err1 != nil || err2 != nil || !bytes.Equal(one, two) || !clean(one, 1) {
		t.Error("completed differently")
	}
	// The slot: small letters, and zeros behind the signature.
	slot := one[p.ByteRange[1]:p.ByteRange[2]]
	want := "<" + hex.EncodeToString(der)
	if !bytes.HasPrefix(slot, []byte(want)) || len(bytes.Trim(slot[len(want):len(slot)-1], "0")) > 0 {
		t.Error("slot is not the digits and zeros")
	}
	// What the signature covers is everything else, and it has not moved.
	if !bytes.Equal(one[:p.ByteRange[1]], append(bytes.Clone(file), p.Tail[:p.ByteRange[1]-p.Base]...)) {
		t.Error("covered bytes changed")
	}
	if dtbs != gm.SM3(one[:p.ByteRange[1]], one[p.ByteRange[2]:]) {
		t.Error("digest of the covered bytes")
	}
}

func TestSignatureMustFitItsSlot(t *testing.T) {
	t.Parallel()
	file := a4().bytes(classic)
	p := prepare(t, file)
	value := func(n int) []byte {
		return append([]byte{0x30, 0x82, byte((n - 4) >> 8), byte(n - 4)}, make([]byte, n-4)...)
	}
	out, err := p.Complete(file, value(smallSlot))
	if err != nil {
		t.Fatalf("a signature as long as the slot: %v", err)
	}
	if s := find(t, out); len(s) != 1 || len(s[0].DER) != smallSlot || len(s[0].Problems) > 0 {
		t.Errorf("found: %+v", described(s))
	}
	if _, err := p.Complete(file, value(smallSlot+1)); !errors.Is(err, pdf.ErrSlot) {
		t.Errorf("one byte more: %v", err)
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "no DER": []byte("hello"), "cut short": value(300)[:299], "something behind": append(value(300), 0),
		"length in a longer form": append([]byte{0x30, 0x81, 2}, 1, 1), "leading zero": append([]byte{0x30, 0x82, 0, 200}, make([]byte, 200)...),
		"indefinite": {0x30, 0x80, 0, 0},
	} {
		if _, err := p.Complete(file, bad); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

// TestPreparedIsChecked: neither another original nor a changed row is used.
func TestPreparedIsChecked(t *testing.T) {
	t.Parallel()
	file := a4().bytes(classic)
	for name, change := range map[string]func(*pdf.Prepared){
		"base":            func(p *pdf.Prepared) { p.Base-- },
		"no base":         func(p *pdf.Prepared) { p.Base = 0 },
		"tail cut":        func(p *pdf.Prepared) { p.Tail = p.Tail[:len(p.Tail)-1] },
		"no tail":         func(p *pdf.Prepared) { p.Tail = nil },
		"range begins":    func(p *pdf.Prepared) { p.ByteRange[0] = 1 },
		"gap moved":       func(p *pdf.Prepared) { p.ByteRange[1]-- },
		"gap in original": func(p *pdf.Prepared) { p.ByteRange[1] = 5 },
		"gap wider":       func(p *pdf.Prepared) { p.ByteRange[2]++; p.ByteRange[3]-- },
		"gap inside out":  func(p *pdf.Prepared) { p.ByteRange[1], p.ByteRange[2] = p.ByteRange[2], p.ByteRange[1] },
		"end":             func(p *pdf.Prepared) { p.ByteRange[3]++ },
		"overflow":        func(p *pdf.Prepared) { p.ByteRange[2] = 1<<63 - 1 },
		"slot used":       func(p *pdf.Prepared) { p.Tail[p.ByteRange[1]-p.Base+9] = '1' },
	} {
		p := prepare(t, file)
		if _, _, err := p.Digests(file); err != nil {
			t.Fatal(err)
		}
		change(p)
		if _, _, err := p.Digests(file); err == nil {
			t.Errorf("%s: digests all the same", name)
		}
		if _, err := p.Complete(file, fakeSignature(gm.Digest{})); err == nil {
			t.Errorf("%s: completed all the same", name)
		}
	}
}
