package keys

import "context"

import "yunzhang.dev/cloudseal/gm"

// RowMAC is the MAC the signer would give a key row: what somebody with the row
// key can forge.
func RowMAC(rowKey []byte, k *Key) gm.Digest {
	return guarded[Key, *Key]{name: "keys", key: rowKey}.mac(k)
}

// ErrMismatch is errMismatch.
var ErrMismatch = errMismatch

// Rewrap puts another key into a row's envelopes: what somebody with the
// key-encryption key can do.
func Rewrap(s *Signer, k *Key, key *gm.PrivateKey) error { return s.wrap(k, key) }

// TurnFirst turns the row of an application that speaks for the others, and no
// other.
func (s *Signer) TurnFirst(ctx context.Context, app string, version int64, stopped bool) error {
	return s.turnRow(ctx, stopID(StopApplication, app), version, stopped)
}
