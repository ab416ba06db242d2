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

// finish brings a line to its end and gives the stamp. It signs what the
// journal holds and nothing else, so that running it twice, or after a crash,
// gives the same stamp.
func (s *Signer) finish(ctx context.Context, l *line) (Signed, error) {
	var stamp, value []byte
	var err error
	kept := l.Entry
	if kept.State != Done {
		if value, stamp, err = s.value(l); err != nil {
			return Signed{}, err
		}
		s.checkpoint("value")
		if kept, err = s.keep(ctx, l.ID, value); err != nil {
			return Signed{}, err
		}
		s.checkpoint("kept")
	}
	if !bytes.Equal(kept.Value, value) { // stored before, or by another call
		if stamp, err = ses.AssembleSignature(l.text, l.key.Certificate, kept.Value); err != nil {
			return Signed{}, err
		}
	}
	return Signed{Document: l.Document, Signature: stamp, Time: l.SignTime}, nil
}

// value opens the key for the time of one signature, and proves the signature
// before anything leaves.
func (s *Signer) value(l *line) (value, stamp []byte, err error) {
	key, err := s.unwrap(l.key)
	if err != nil {
		return nil, nil, err
	}
	defer key.Destroy()
	if value, err = key.Sign(l.text); err != nil {
		return nil, nil, err
	}
	stamp, err = selfCheck(l, value)
	return value, stamp, err
}

// selfCheck assembles the stamp and reads it as a stranger would (protocol.md
// §2.8 step 6): a fault in the signing computation must not leave this process.
// AssembleSignature verifies signer and maker from the finished bytes, with the
// keys of the certificates in them; what is left is that it is our content.
func selfCheck(l *line, value []byte) ([]byte, error) {
	der, err := ses.AssembleSignature(l.text, l.key.Certificate, value)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSelfCheck, err)
	}
	stamp, err := ses.ParseSignature(der)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSelfCheck, err)
	}
	if !bytes.Equal(stamp.TBS, l.text) || !bytes.Equal(stamp.SignerCert, l.key.Certificate) || !bytes.Equal(stamp.DataHash, l.Data[:]) {
		return nil, errSelfCheck
	}
	return der, nil
}

// keep stores the signature unless one is stored: the first is the only one
// that ever leaves.
func (s *Signer) keep(ctx context.Context, id string, value []byte) (kept *Entry, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		if kept, err = s.journal.Get(tx, id); err != nil {
			return err
		}
		switch kept.State {
		case Done:
			return nil
		case Committed:
			kept.State, kept.Value = Done, value
			return s.journal.Replace(tx, kept)
		}
		return fmt.Errorf("keys: entry %s is %s", id, kept.State)
	})
	return kept, err
}
