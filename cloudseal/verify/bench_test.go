package verify_test

import (
	"testing"

	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/verify"
)

// BenchmarkDocument verifies a stamped document of 100 KiB with everything
// there is: seven certificates' and seals' signatures, five statements', one
// pass over the file.
func BenchmarkDocument(b *testing.B) {
	f := newForge(b)
	f.original = cloudsealtest.PDF(3, 100<<10)
	file := f.make()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if r := verify.Document(file, f.trust); r.Verdict != verify.Genuine {
			b.Fatal(r.Verdict)
		}
	}
}

// BenchmarkSeal is the check of a seal alone.
func BenchmarkSeal(b *testing.B) {
	f := newForge(b)
	der := f.sealDER()
	for b.Loop() {
		if r := verify.Seal(der, f.trust); r.Verdict != verify.Genuine {
			b.Fatal(r.Verdict)
		}
	}
}
