package pdf_test

import (
	"testing"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
)

func BenchmarkSample(b *testing.B) {
	file := samples(b)["Test3.pdf"] // 84 KiB
	at := pdf.Place{Page: 1, X: 100, Y: 200}
	seal := paletted(42)
	b.Run("Open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := pdf.Open(file); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Findings", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d, _ := pdf.Open(file)
			if len(d.Findings()) > 0 {
				b.Fatal(d.Findings())
			}
		}
	})
	var p *pdf.Prepared
	b.Run("Place", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d, err := pdf.Open(file)
			if err != nil {
				b.Fatal(err)
			}
			if p, err = d.Place(at, seal, pdf.PlaceOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	var dtbs gm.Digest
	b.Run("Digests", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, dtbs, _ = p.Digests(file)
		}
	})
	der := fakeSignature(dtbs)
	var out []byte
	b.Run("Complete", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			out, _ = p.Complete(file, der)
		}
	})
	b.Run("Find", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if s, err := pdf.Find(out); err != nil || len(s) != 1 {
				b.Fatal(err)
			}
		}
	})
	b.Logf("increment %d bytes", len(p.Tail))
}
