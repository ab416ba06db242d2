package gm_test

import (
	"bytes"
	"sync"
	"testing"

	"yunzhang.dev/cloudseal/gm"
)

func FuzzParsePublicKey(f *testing.F) {
	f.Add(newKey(f).Public().SPKI())
	f.Fuzz(func(t *testing.T, spki []byte) {
		key, err := gm.ParsePublicKey(spki)
		if err != nil {
			return
		}
		if !bytes.Equal(key.SPKI(), spki) || key.IsZero() {
			t.Fatal("a key has two encodings")
		}
	})
}

func FuzzParsePrivateKey(f *testing.F) {
	f.Add(newKey(f).PKCS8())
	f.Fuzz(func(t *testing.T, pkcs8 []byte) {
		key, err := gm.ParsePrivateKey(pkcs8)
		if err != nil {
			return
		}
		sig, err := key.Sign(pkcs8)
		if err != nil || !key.Public().Verify(pkcs8, sig) {
			t.Fatalf("a key was read that does not sign: %v", err)
		}
	})
}

func FuzzParseDigest(f *testing.F) {
	f.Add(gm.SM3(nil).Hex())
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := gm.ParseDigest(s); err == nil && d.Hex() != s {
			t.Fatal("a digest has two spellings")
		}
	})
}

// Only the signature itself verifies, whatever is done to it.
func FuzzVerify(f *testing.F) {
	key, message := newKey(f), []byte("message")
	sig, err := key.Sign(message)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sig)
	f.Fuzz(func(t *testing.T, other []byte) {
		if key.Public().Verify(message, other) && !bytes.Equal(other, sig) {
			t.Fatalf("another signature verifies: %x", other)
		}
		_ = key.Public().VerifyRaw(message, other)
		if _, err := gm.Open(sig[:16], other, nil); err == nil {
			t.Fatal("a value was opened that was never sealed")
		}
	})
}

// One key serves many requests at once.
func TestKeysAreSharedBetweenGoroutines(t *testing.T) {
	t.Parallel()
	key, message := newKey(t), []byte("message")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			sig, err := key.Sign(message)
			if err != nil || !key.Public().Verify(message, sig) {
				t.Errorf("does not verify: %v", err)
			}
		})
	}
	all.Wait()
}
