package mobileapi

import (
	"context"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
)

// veil keeps PINs out of the idempotency records. The fingerprint of a request
// is a hash of its body; of a short body that holds a PIN, whoever reads the
// records could find the PIN by trying. Keyed with the Idempotency-Key, of which
// the records keep a hash only, it tells nothing and still says whether two
// requests are the same.
type veil struct{ httpx.Idempotency }

// Begin implements httpx.Idempotency. The key is hashed here, whatever the
// store does with it.
func (v veil) Begin(ctx context.Context, c httpx.Client, route, key string, fingerprint gm.Digest) (httpx.Stored, httpx.Run, error) {
	return v.Idempotency.Begin(ctx, c, route, veiled(key), gm.HMAC([]byte(key), fingerprint[:]))
}

func veiled(key string) string {
	return gm.SM3([]byte("yunzhang-idempotency/1\x00"), []byte(key)).Hex()
}
