package pdf_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"yunzhang.dev/cloudseal/pdf"
)

// files are the samples, and one generated file of each style.
func files(t testing.TB) map[string][]byte {
	all := samples(t)
	for _, style := range styles() {
		all[style] = a4().bytes(style)
	}
	return all
}

func TestStampTwiceAndFind(t *testing.T) {
	t.Parallel()
	seal := paletted(42)
	for name, original := range files(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := pdf.Place{Page: 1, X: 120, Y: 57, W: 42, H: 42}
			one := stamped(t, original, first, seal, pdf.PlaceOptions{})
			checkOutside(t, one)
			stamps := find(t, one)
			if len(stamps) != 1 || !intact(one, stamps[0]) || !stamps[0].WholeFile {
				t.Fatalf("one stamp: %+v", described(stamps))
			}
			s := stamps[0]
			if s.Field != "Seal1" || s.Filter != "GM.PKILite" || s.SubFilter != "GM.sm2seal" || s.Place != first || s.Page != 1 {
				t.Fatalf("stamp: %+v", described(stamps))
			}
			two := stamped(t, one, pdf.Place{Page: 1, X: 20, Y: 200}, seal, pdf.PlaceOptions{Field: "Second"})
			checkOutside(t, two)
			stamps = find(t, two)
			if len(stamps) != 2 || !intact(two, stamps[0]) || !intact(two, stamps[1]) {
				t.Fatalf("two stamps: %+v", described(stamps))
			}
			if stamps[0].WholeFile || !stamps[1].WholeFile || stamps[1].Field != "Second" {
				t.Fatalf("order: %+v", described(stamps))
			}
			later := stamps[0].LaterRevisions
			want := pdf.Revision{From: int64(len(one)), To: int64(len(two)), Kind: pdf.RevisionSignature, Field: "Second"}
			if len(later) != 1 || later[0] != want {
				t.Fatalf("later revisions: %+v", later)
			}
		})
	}
}

// described drops the long parts of stamps.
func described(stamps []pdf.Stamp) []pdf.Stamp {
	out := append([]pdf.Stamp(nil), stamps...)
	for i := range out {
		out[i].Contents, out[i].DER = nil, nil
	}
	return out
}

// checkOutside asks another program, where there is one.
func checkOutside(t *testing.T, file []byte) {
	t.Helper()
	if _, err := exec.LookPath("qpdf"); err != nil {
		return
	}
	path := filepath.Join(t.TempDir(), "stamped.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "qpdf", "--check", path).CombinedOutput(); err != nil {
		t.Fatalf("qpdf: %v\n%s", err, out)
	}
}
