package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// MaxBlob bounds one blob: a stamped document of the largest size, which is
// held in memory anyway.
const MaxBlob = 96 << 20

// Blobs keeps bytes that never change in a folder, encrypted, under tenant and
// SM3 of the plaintext. It implements cloudseal.Blobs.
type Blobs struct {
	dir string
	key []byte
}

// OpenBlobs uses a folder, made on first use, and the key of class "document".
func OpenBlobs(dir string, keys Keys) (*Blobs, error) {
	key, err := keys.Class("document")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the documents: %w", err)
	}
	return &Blobs{dir: dir, key: key}, nil
}

// path spreads blobs over folders by digest. The tenant's name is hashed: it
// comes from outside and must not become a path.
func (b *Blobs) path(tenant string, digest gm.Digest) string {
	name := gm.SM3([]byte(tenant), []byte{0}, digest[:]).Hex()
	return filepath.Join(b.dir, name[:2], name)
}

func blobAAD(tenant string, digest gm.Digest) []byte {
	return append([]byte("blob\x00"+tenant+"\x00"), digest[:]...)
}

// Put stores a blob durably before it returns. What is there already stays as
// it is: the same name means the same bytes.
func (b *Blobs) Put(ctx context.Context, tenant string, digest gm.Digest, data []byte) error {
	if len(data) > MaxBlob {
		return fmt.Errorf("store: a blob of %d bytes is over the limit", len(data))
	}
	path := b.path(tenant, digest)
	if _, err := os.Stat(path); err == nil {
		return ctx.Err()
	}
	sealed, err := gm.Seal(b.key, data, blobAAD(tenant, digest))
	if err != nil {
		return err
	}
	if err := writeOnce(path, sealed); err != nil {
		return fmt.Errorf("store blob: %w", err)
	}
	return ctx.Err()
}

// writeOnce writes beside the place, flushes, and moves the file there, so that
// a half-written blob never has a name; then it flushes the folder.
func writeOnce(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get gives the bytes, or unit.ErrAbsent when they are not there or are no
// longer what was put: the encryption authenticates them, so they are not
// hashed again.
func (b *Blobs) Get(ctx context.Context, tenant string, digest gm.Digest) ([]byte, error) {
	sealed, err := os.ReadFile(b.path(tenant, digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unit.ErrAbsent
	}
	if err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	data, err := gm.Open(b.key, sealed, blobAAD(tenant, digest))
	if err != nil {
		return nil, fmt.Errorf("a blob was altered: %w", unit.ErrAbsent)
	}
	return data, ctx.Err()
}

// Delete removes a blob that nothing names any more.
func (b *Blobs) Delete(ctx context.Context, tenant string, digest gm.Digest) error {
	err := os.Remove(b.path(tenant, digest))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return ctx.Err()
}
