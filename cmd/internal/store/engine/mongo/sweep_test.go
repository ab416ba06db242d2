package mongo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// An upload that slept in the middle, until others may take it for an orphan, puts
// no head: nobody is told that a blob is there whose chunks are swept.
func TestUploadThatSleptPutsNoHead(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	b, database := bucket(t, set)
	calls, began := 0, time.Now()
	b.At(func() time.Time { // the beginning, the note, the end
		if calls++; calls < 3 {
			return began
		}
		return began.Add(mongo.UploadLife + time.Second)
	})
	if err := b.Put(t.Context(), "slept", noise(1, 2*mongo.ChunkSize)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("put: %v", err)
	}
	if _, err := b.Get(t.Context(), "slept"); !errors.Is(err, unit.ErrAbsent) {
		t.Errorf("get: %v", err)
	}
	if n, err := b.Sweep(t.Context(), began.Add(time.Second)); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if n := count(t, raw(t, set, database), "yz_chunks"); n != 0 {
		t.Errorf("%d chunks left", n)
	}
}

// Several nodes sweep at once, as when one that lost its lease goes on, while
// blobs are put: what is a blob's stays, what is an orphan's goes.
func TestManySweepAtOnce(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	b, database := bucket(t, set)
	db := raw(t, set, database)
	old := time.Now().Add(-mongo.OrphanAge - time.Hour)
	for i := range 20 {
		upload := fmt.Sprintf("LOST%02d", i)
		_, err := db.Collection("yz_uploads").InsertOne(t.Context(), bson.D{{Key: "_id", Value: upload}, {Key: "blob", Value: "x"}, {Key: "at", Value: old}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = db.Collection("yz_chunks").InsertOne(t.Context(), bson.D{{Key: "_id", Value: upload + ".000000"}, {Key: "data", Value: []byte("x")}}); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			if _, err := b.Sweep(t.Context(), time.Now().Add(-mongo.OrphanAge)); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := b.Put(t.Context(), fmt.Sprint("x", i), noise(byte(i), mongo.ChunkSize+1)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 3 {
		if got, err := b.Get(t.Context(), fmt.Sprint("x", i)); err != nil || !bytes.Equal(got, noise(byte(i), mongo.ChunkSize+1)) {
			t.Errorf("x%d: %d bytes, %v", i, len(got), err)
		}
	}
	if n := count(t, db, "yz_chunks"); n != 3*2 {
		t.Errorf("%d chunks, want those of three blobs", n)
	}
	if n := count(t, db, "yz_uploads"); n != 0 {
		t.Errorf("%d notes left", n)
	}
}
