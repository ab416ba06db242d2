package store

import (
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// MaxBlob bounds one blob: a stamped document of the largest size with room to
// spare. A blob is sealed and opened in memory.
const MaxBlob = 64 << 20

// blobClass is the class of the key that blobs are encrypted under.
const blobClass = "document"

// Bucket keeps sealed blobs by name: files in a folder, or chunks in a
// database.
type Bucket interface {
	// Put stores a blob that will never change and returns when it is durable.
	// A name that exists is left as it is: it stands for the same contents.
	Put(ctx context.Context, name string, sealed []byte) error
	// Get reads a blob whole, or gives unit.ErrAbsent. The bytes are the caller's.
	Get(ctx context.Context, name string) ([]byte, error)
	// Delete removes a blob; one that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// Blobs keeps write-once bytes under tenant and SM3, encrypted with SM4-GCM
// under a key of their own each. It implements cloudseal.Blobs.
//
// The digest is the caller's word and is not computed again here. What Get
// gives was authenticated with tenant and digest as additional data, so it is
// what was put under them. Tenants share nothing, not even equal contents.
type Blobs struct {
	bucket Bucket
	key    []byte // of the class
}

// NewBlobs makes a store of blobs over a bucket.
func NewBlobs(b Bucket, keys Keys) (*Blobs, error) {
	key, err := classKey(keys, blobClass)
	if err != nil {
		return nil, fmt.Errorf("store: blobs: %w", err)
	}
	return &Blobs{b, key}, nil
}

// Put stores data and returns when it is durable. Putting the same again is no
// error; more than MaxBlob is fault.BodyTooLarge.
func (b *Blobs) Put(ctx context.Context, tenant string, digest gm.Digest, data []byte) error {
	if len(data) > MaxBlob {
		return fault.BodyTooLarge.Becausef("store: a blob of %d bytes", len(data))
	}
	sealed, err := gm.Seal(b.keyOf(tenant, digest), data, blobAAD(tenant, digest))
	if err == nil {
		err = b.bucket.Put(ctx, blobName(tenant, digest), sealed)
	}
	if err != nil {
		return fmt.Errorf("store: put a blob: %w", err)
	}
	return nil
}

// Get reads what was put. A blob that is not there, or is no longer what was
// put, is fault.Absent with unit.ErrAbsent as its cause.
func (b *Blobs) Get(ctx context.Context, tenant string, digest gm.Digest) ([]byte, error) {
	sealed, err := b.bucket.Get(ctx, blobName(tenant, digest))
	if errors.Is(err, unit.ErrAbsent) {
		return nil, fault.Absent.Becausef("store: blob %s: %w", digest, err)
	}
	if err != nil {
		return nil, fmt.Errorf("store: get blob %s: %w", digest, err)
	}
	key, err := gm.NewSealer(b.keyOf(tenant, digest))
	if err != nil {
		return nil, err
	}
	data, err := key.OpenInPlace(sealed, blobAAD(tenant, digest))
	if err != nil {
		return nil, fault.Absent.Becausef("store: blob %s was altered, or sealed under another key: %w", digest, unit.ErrAbsent)
	}
	return data, nil
}

// Delete removes a blob that nothing refers to any more; one that is not there
// is no error.
func (b *Blobs) Delete(ctx context.Context, tenant string, digest gm.Digest) error {
	if err := b.bucket.Delete(ctx, blobName(tenant, digest)); err != nil {
		return fmt.Errorf("store: delete blob %s: %w", digest, err)
	}
	return nil
}

func (b *Blobs) keyOf(tenant string, digest gm.Digest) []byte {
	return oneKey(b.key, "cseal-blob/1", []byte(tenant), digest[:])
}

// blobName is where a blob is kept. The tenant's name comes from outside and
// becomes part of no path: it is hashed with the digest, whose length is fixed.
func blobName(tenant string, digest gm.Digest) string {
	return gm.SM3([]byte(tenant), digest[:]).Hex()
}

// blobAAD binds a sealed blob to its tenant and digest.
func blobAAD(tenant string, digest gm.Digest) []byte {
	return append([]byte("cseal-blob/1\x00"+tenant), digest[:]...)
}
