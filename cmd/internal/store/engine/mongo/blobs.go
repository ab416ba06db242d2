package mongo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/authz/unit"
)

// Collections of blobs. Like the anchor's, their names have an underscore.
const (
	blobsName   = "yz_blobs"
	chunksName  = "yz_chunks"
	uploadsName = "yz_uploads"
)

// ChunkSize is how much of a blob one document holds: a message carries some
// twenty of them, and a document stays far below the server's 16 MiB.
const ChunkSize = 2 << 20

// Blobs is a bucket of write-once blobs (store.Bucket): a head under the blob's
// name, which holds a small blob whole, and chunks for what is larger. The
// head is written last and with a majority: a blob that has one is complete.
// Chunks belong to an upload and not to a name, since two that put the same
// blob at once have sealed it differently. While chunks may be without a head,
// a note names their upload: what a crash leaves behind is found by it.
type Blobs struct {
	e                      *Engine
	now                    func() time.Time // for notes: any node's clock does, see [OrphanAge]
	heads, chunks, uploads *mongo.Collection
}

// head is the document of a blob.
type head struct {
	ID     string `bson:"_id"`
	Size   int64  `bson:"size"`
	Whole  []byte `bson:"whole,omitempty"`  // when it is small
	Upload string `bson:"upload,omitempty"` // names its chunks otherwise
	Chunks int    `bson:"chunks"`
}

type chunk struct {
	ID   string `bson:"_id"` // upload and number
	Data []byte `bson:"data"`
}

// note says that an upload is being made or removed.
type note struct {
	Upload string    `bson:"_id"`
	Blob   string    `bson:"blob"`
	At     time.Time `bson:"at"`
}

// NewBlobs makes the collections of a bucket if they are not there. The engine
// stays the caller's to close.
func NewBlobs(ctx context.Context, e *Engine) (*Blobs, error) {
	b := &Blobs{
		e: e, now: time.Now, heads: e.db.Collection(blobsName), chunks: e.db.Collection(chunksName), uploads: e.db.Collection(uploadsName),
	}
	for _, name := range []string{blobsName, chunksName, uploadsName} {
		if err := e.db.CreateCollection(ctx, name); err != nil && !hasCode(err, codeNamespaceExists) {
			return nil, e.explain("create collection "+name, err)
		}
	}
	return b, nil
}

// Put stores a blob and returns when it is durable. A name that exists is left
// as it is.
func (b *Blobs) Put(ctx context.Context, name string, sealed []byte) error {
	leave, err := b.e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	h := head{ID: name, Size: int64(len(sealed))}
	if len(sealed) <= ChunkSize {
		h.Whole = sealed
		return b.putHead(ctx, h)
	}
	if _, err := b.headOf(ctx, name); !errors.Is(err, unit.ErrAbsent) {
		return err // it is there, or nobody knows
	}
	return b.upload(ctx, h, sealed)
}

// upload puts what is larger than a chunk, or gives up behind uploadLife.
func (b *Blobs) upload(ctx context.Context, h head, sealed []byte) (err error) {
	ctx, cancel := context.WithTimeout(ctx, uploadLife)
	defer cancel()
	h.Upload = rand.Text()
	began := b.now().Round(0) // a machine that sleeps stops the context's clock, but not this one
	if err := b.note(ctx, h); err != nil {
		return err
	}
	if h.Chunks, err = b.putChunks(ctx, h.Upload, sealed); err != nil {
		return err
	}
	if took := b.now().Sub(began); took > uploadLife {
		return fmt.Errorf("put a blob: given up, it took %s: %w", took, context.DeadlineExceeded)
	}
	if err := b.putHead(ctx, h); err != nil {
		return err
	}
	return b.forget(ctx, h.Upload)
}

func (b *Blobs) note(ctx context.Context, h head) error {
	inner, cancel := b.e.within(ctx)
	defer cancel()
	_, err := b.uploads.InsertOne(inner, note{h.Upload, h.ID, b.now()})
	if mongo.IsDuplicateKeyError(err) {
		return nil // a removal goes on that was broken off
	}
	return ctxErr(ctx, b.e.explain("begin to put or delete a blob", err))
}

func (b *Blobs) forget(ctx context.Context, upload string) error {
	inner, cancel := b.e.within(ctx)
	defer cancel()
	_, err := b.uploads.DeleteOne(inner, bson.D{{Key: "_id", Value: upload}})
	return ctxErr(ctx, b.e.explain("end to put or delete a blob", err))
}

// putHead gives a blob its name. When it has one already, what was just
// uploaded is removed.
func (b *Blobs) putHead(ctx context.Context, h head) error {
	inner, cancel := b.e.within(ctx)
	defer cancel()
	_, err := b.heads.InsertOne(inner, h)
	if !mongo.IsDuplicateKeyError(err) {
		return ctxErr(ctx, b.e.explain("put a blob", err))
	}
	// The driver sends an insert again when the answer was lost: it may be
	// this very one that is there.
	there, err := b.headOf(ctx, h.ID)
	if err == nil && h.Upload != "" && there.Upload != h.Upload {
		return b.dropChunks(ctx, h.Upload)
	}
	return err
}

func (b *Blobs) putChunks(ctx context.Context, upload string, sealed []byte) (n int, err error) {
	for ; len(sealed) > 0; n++ {
		piece := sealed[:min(ChunkSize, len(sealed))]
		sealed = sealed[len(piece):]
		inner, cancel := b.e.within(ctx)
		_, err := b.chunks.InsertOne(inner, chunk{chunkID(upload, n), piece})
		cancel()
		if err != nil {
			return n, ctxErr(ctx, b.e.explain("put a piece of a blob", err))
		}
	}
	return n, nil
}

func chunkID(upload string, n int) string { return fmt.Sprintf("%s.%06d", upload, n) }

// ofUpload is the ids of the chunks of an upload.
func ofUpload(upload string) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: upload + "."}, {Key: "$lt", Value: upload + "/"}}}}
}

// Get reads a blob whole, or gives unit.ErrAbsent.
func (b *Blobs) Get(ctx context.Context, name string) ([]byte, error) {
	leave, err := b.e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	h, err := b.headOf(ctx, name)
	if err != nil || h.Upload == "" {
		return h.Whole, err
	}
	inner, cancel := b.e.within(ctx)
	defer cancel()
	cursor, err := b.chunks.Find(inner, ofUpload(h.Upload), options.Find().SetSort(hintID).SetHint(hintID))
	if err != nil {
		return nil, ctxErr(ctx, b.e.explain("get a blob", err))
	}
	defer cursor.Close(context.WithoutCancel(ctx))
	whole, n := make([]byte, 0, h.Size), 0
	for ; cursor.Next(inner); n++ {
		_, data := cursor.Current.Lookup("data").Binary()
		whole = append(whole, data...)
	}
	switch {
	case cursor.Err() != nil:
		return nil, ctxErr(ctx, b.e.explain("get a blob", cursor.Err()))
	case n != h.Chunks || int64(len(whole)) != h.Size:
		return nil, unit.ErrAbsent // it was deleted under us
	}
	return whole, nil
}

func (b *Blobs) headOf(ctx context.Context, name string) (h head, err error) {
	inner, cancel := b.e.within(ctx)
	defer cancel()
	err = b.heads.FindOne(inner, bson.D{{Key: "_id", Value: name}}).Decode(&h)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return h, unit.ErrAbsent
	}
	return h, ctxErr(ctx, b.e.explain("get a blob", err))
}

// Delete removes a blob; one that is not there is no error.
func (b *Blobs) Delete(ctx context.Context, name string) error {
	leave, err := b.e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	h, err := b.headOf(ctx, name)
	if errors.Is(err, unit.ErrAbsent) {
		return nil
	}
	if err == nil && h.Upload != "" {
		err = b.note(ctx, h)
	}
	if err != nil {
		return err
	}
	inner, cancel := b.e.within(ctx)
	defer cancel()
	which := bson.D{{Key: "_id", Value: name}}
	if h.Upload != "" {
		which = append(which, bson.E{Key: "upload", Value: h.Upload}) // not one that was put meanwhile
	}
	_, err = b.heads.DeleteOne(inner, which)
	if err != nil || h.Upload == "" {
		return ctxErr(ctx, b.e.explain("delete a blob", err))
	}
	return errors.Join(b.dropChunks(ctx, h.Upload), b.forget(ctx, h.Upload))
}

func (b *Blobs) dropChunks(ctx context.Context, upload string) error {
	inner, cancel := b.e.within(ctx)
	defer cancel()
	_, err := b.chunks.DeleteMany(inner, ofUpload(upload), options.DeleteMany().SetHint(hintID))
	return ctxErr(ctx, b.e.explain("delete a blob", err))
}
