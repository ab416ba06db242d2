package gm_test

import (
	"testing"

	"yunzhang.dev/cloudseal/gm"
)

func BenchmarkSign(b *testing.B) {
	key, message := newKey(b), gm.Random(64)
	for b.Loop() {
		if _, err := key.Sign(message); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	key, message := newKey(b), gm.Random(64)
	sig, err := key.Sign(message)
	if err != nil {
		b.Fatal(err)
	}
	public := key.Public()
	for b.Loop() {
		if !public.Verify(message, sig) {
			b.Fatal("does not verify")
		}
	}
}

// Verifying with a key read anew every time, as a server does with stored keys.
func BenchmarkParseAndVerify(b *testing.B) {
	key, message := newKey(b), gm.Random(64)
	sig, err := key.Sign(message)
	if err != nil {
		b.Fatal(err)
	}
	spki := key.Public().SPKI()
	for b.Loop() {
		public, err := gm.ParsePublicKey(spki)
		if err != nil || !public.Verify(message, sig) {
			b.Fatal("does not verify")
		}
	}
}

func BenchmarkSM3(b *testing.B) {
	data := make([]byte, 100<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		gm.SM3(data)
	}
}

func BenchmarkSeal(b *testing.B) {
	key, data := gm.Random(16), make([]byte, 100<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := gm.Seal(key, data, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	key, data := gm.Random(16), make([]byte, 100<<10)
	sealed, err := gm.Seal(key, data, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := gm.Open(key, sealed, nil); err != nil {
			b.Fatal(err)
		}
	}
}
