package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/ses"
)

var errSelfCheck = errors.New("keys: the signature just made does not verify")

// finish brings an entry to its end and gives the stamp. It signs what the
// journal holds and nothing else, so that running it twice, or after a crash,
// gives the same stamp.
func (s *Signer) finish(ctx context.Context, e *Entry) (Signed, error) {
	k, err := s.key(ctx, e)
	if err != nil {
		return Signed{}, err
	}
	var stamp, value []byte
	if e.State != Done {
		if value, stamp, err = s.value(e, k); err != nil {
			return Signed{}, err
		}
		s.checkpoint("value")
		if e, err = s.keep(ctx, e, value); err != nil {
			return Signed{}, err
		}
		s.checkpoint("kept")
	}
	if !bytes.Equal(e.Value, value) { // stored before, now or by another call
		if stamp, err = ses.AssembleSignature(e.TBS, k.Certificate, e.Value); err != nil {
			return Signed{}, err
		}
	}
	return Signed{Document: e.Document, Signature: stamp, Time: e.SignTime}, nil
}

func (s *Signer) key(ctx context.Context, e *Entry) (k *Key, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) (err error) {
		k, err = s.keys.Get(tx, KeyID(e.Seal, e.Version))
		return err
	})
	return k, err
}

// value opens the key for the time of one signature, and proves the signature
// before anything leaves.
func (s *Signer) value(e *Entry, k *Key) (value, stamp []byte, err error) {
	key, err := s.unwrap(k)
	if err != nil {
		return nil, nil, err
	}
	defer key.Destroy()
	if value, err = key.Sign(e.TBS); err != nil {
		return nil, nil, err
	}
	stamp, err = selfCheck(e, k, value)
	return value, stamp, err
}

// selfCheck assembles the stamp and reads it as a stranger would (protocol.md
// §2.8 step 6): a fault in the signing computation must not leave this process.
// AssembleSignature verifies signer and maker from the finished bytes, with the
// keys of the certificates in them; what is left is that it is our content.
func selfCheck(e *Entry, k *Key, value []byte) ([]byte, error) {
	der, err := ses.AssembleSignature(e.TBS, k.Certificate, value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSelfCheck, err)
	}
	stamp, err := ses.ParseSignature(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSelfCheck, err)
	}
	switch {
	case !bytes.Equal(stamp.TBS, e.TBS), !bytes.Equal(stamp.SignerCert, k.Certificate),
		!bytes.Equal(stamp.DataHash, e.Data[:]), stamp.Seal.Hash() != k.SealHash:
		return nil, errSelfCheck
	}
	return der, nil
}

// keep stores the signature unless one is stored: the first is the only one
// that ever leaves.
func (s *Signer) keep(ctx context.Context, e *Entry, value []byte) (kept *Entry, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		if kept, err = s.journal.Get(tx, e.ID); err != nil {
			return err
		}
		switch kept.State {
		case Done:
			return nil
		case Committed:
			kept.State, kept.Value = Done, value
			return s.journal.Replace(tx, kept)
		}
		return fmt.Errorf("keys: entry %s is %s", e.ID, kept.State)
	})
	return kept, err
}
