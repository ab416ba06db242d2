package ses_test

import (
	"testing"

	"yunzhang.dev/cloudseal/ses"
)

func BenchmarkParseSeal(b *testing.B) {
	der := sample(b, "seal/UserV4.esl")
	for b.Loop() {
		if _, err := ses.ParseSeal(der); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseAndCheckSeal(b *testing.B) {
	der := sample(b, "seal/UserV4.esl")
	for b.Loop() {
		s, err := ses.ParseSeal(der)
		if err != nil || s.CheckMaker() != nil {
			b.Fatal("does not verify")
		}
	}
}

func BenchmarkParseAndCheckSignature(b *testing.B) {
	der := entry(b, "ofd/v4signed.ofd", "Doc_0/Signs/Sign_0/SignedValue.dat")
	for b.Loop() {
		s, err := ses.ParseSignature(der)
		if err != nil || s.CheckSigner() != nil || s.Seal.CheckMaker() != nil || !s.Seal.Allows(s.SignerCert) {
			b.Fatal("does not verify")
		}
	}
}

func BenchmarkCheckOwn(b *testing.B) {
	s := parseSignature(b, newWorld(b).signature(b))
	for b.Loop() {
		if err := ses.CheckOwn(s); err != nil {
			b.Fatal(err)
		}
	}
}
