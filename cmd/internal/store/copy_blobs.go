package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"yunzhang.dev/cloudseal/gm"
)

// Lister is a Bucket whose blobs can be listed, which a move needs.
type Lister interface {
	Bucket
	// Names calls fn with every name, in order, until fn fails.
	Names(ctx context.Context, fn func(name string) error) error
}

// CopyBlobs brings blobs to another bucket, sealed as they are; those that are
// there are left. It tells after each how many there are by now.
func CopyBlobs(ctx context.Context, from, to Lister, tell func(blobs int)) error {
	there := map[string]bool{}
	err := to.Names(ctx, func(name string) error { there[name] = true; return nil })
	if err != nil {
		return err
	}
	count := 0
	return from.Names(ctx, func(name string) error {
		if !there[name] {
			if err := copyBlob(ctx, from, to, name); err != nil {
				return err
			}
		}
		count++
		tell(count)
		return nil
	})
}

func copyBlob(ctx context.Context, from, to Bucket, name string) error {
	sealed, err := from.Get(ctx, name)
	if err == nil {
		err = to.Put(ctx, name, sealed)
	}
	if err != nil {
		return fmt.Errorf("copy blob %s: %w", name, err)
	}
	return nil
}

// SumBlobs reads a whole bucket.
func SumBlobs(ctx context.Context, l Lister) (Sum, error) {
	s, h := Sum{Name: "blobs"}, gm.NewSM3()
	err := l.Names(ctx, func(name string) error {
		sealed, err := l.Get(ctx, name)
		if err != nil {
			return fmt.Errorf("sum blob %s: %w", name, err)
		}
		_, _ = h.Write(append(binary.BigEndian.AppendUint64([]byte(name), uint64(len(sealed))), sealed...))
		s.Rows++
		return nil
	})
	copy(s.SM3[:], h.Sum(nil))
	return s, err
}

// noBlobs reports that a bucket is empty.
func noBlobs(ctx context.Context, l Lister) error {
	err := l.Names(ctx, func(string) error { return ErrNotEmpty })
	if errors.Is(err, ErrNotEmpty) {
		return fmt.Errorf("%w: there are blobs", err)
	}
	return err
}
