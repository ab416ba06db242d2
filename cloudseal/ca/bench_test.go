package ca_test

import "testing"

func BenchmarkIssueSealCertificate(b *testing.B) {
	w := newTree(b)
	for b.Loop() {
		if _, err := w.issuing.IssueSealCertificate(company, w.sealKey.Public(), twoYears); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyChain(b *testing.B) {
	w := newTree(b)
	trust := w.trust(b)
	for b.Loop() {
		if _, err := trust.Verify(w.seal, day(2027, 1, 1)); err != nil {
			b.Fatal(err)
		}
	}
}
