package mongo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

var _ store.Bucket = (*mongo.Blobs)(nil)

func noise(seed byte, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func bucket(t testing.TB, set *mongotest.Set) (*mongo.Blobs, string) {
	t.Helper()
	j, database := &mongotest.Judge{}, set.Database(t)
	e := mongotest.Open(t, set, mongo.Options{Database: database, Monitor: j.Monitor()})
	t.Cleanup(func() { j.Verdict(t, e, set, database) })
	b, err := mongo.NewBlobs(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return b, database
}

// raw gives the database to look at behind the engine's back.
func raw(t testing.TB, set *mongotest.Set, database string) *driver.Database {
	t.Helper()
	c, err := driver.Connect(options.Client().ApplyURI(set.URI))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(t.Context()) })
	return c.Database(database)
}

func count(t testing.TB, db *driver.Database, collection string) int {
	t.Helper()
	var found []bson.Raw
	cursor, err := db.Collection(collection).Find(t.Context(), bson.D{})
	if err == nil {
		err = cursor.All(t.Context(), &found)
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	b, database := bucket(t, set)
	db := raw(t, set, database)
	for name, size := range map[string]int{"one": 1, "a chunk": mongo.ChunkSize, "more": mongo.ChunkSize + 1, "many": 5*mongo.ChunkSize + 7} {
		first := noise(1, size)
		if _, err := b.Get(t.Context(), name); !errors.Is(err, unit.ErrAbsent) {
			t.Errorf("%s, before: %v", name, err)
		}
		for _, contents := range [][]byte{first, noise(2, size)} { // the second is not taken
			if err := b.Put(t.Context(), name, contents); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := b.Get(t.Context(), name); err != nil || !bytes.Equal(got, first) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	var names []string
	err := b.Names(t.Context(), func(name string) error { names = append(names, name); return nil })
	if err != nil || !slices.Equal(names, []string{"a chunk", "many", "more", "one"}) {
		t.Errorf("names %q, %v", names, err)
	}
	for _, name := range append(names, "many") {
		if err := b.Delete(t.Context(), name); err != nil {
			t.Error(err)
		}
		if _, err := b.Get(t.Context(), name); !errors.Is(err, unit.ErrAbsent) {
			t.Errorf("%s, behind: %v", name, err)
		}
	}
	for _, collection := range []string{"yz_blobs", "yz_chunks", "yz_uploads"} {
		if n := count(t, db, collection); n != 0 {
			t.Errorf("%d documents left in %s", n, collection)
		}
	}
}

// More blobs than one page are listed once each and in order, and nothing is read
// from a cursor that was open while somebody worked on a name: a server forgets
// one that rests.
func TestBlobNamesComeInPages(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	const blobs = 2001
	var resumed atomic.Int32
	j, database := &mongotest.Judge{}, set.Database(t)
	m := j.Monitor()
	judged := m.Started
	m.Started = func(ctx context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "getMore" {
			resumed.Add(1)
		}
		judged(ctx, e)
	}
	engine := mongotest.Open(t, set, mongo.Options{Database: database, Monitor: m})
	t.Cleanup(func() { j.Verdict(t, engine, set, database) })
	b, err := mongo.NewBlobs(t.Context(), engine)
	if err != nil {
		t.Fatal(err)
	}
	var heads []any
	for i := range blobs {
		heads = append(heads, bson.D{{Key: "_id", Value: fmt.Sprintf("%05d", i)}, {Key: "whole", Value: []byte{1}}})
	}
	db := raw(t, set, database)
	if _, err := db.Collection("yz_blobs").InsertMany(t.Context(), heads); err != nil {
		t.Fatal(err)
	}
	n := 0
	err = b.Names(t.Context(), func(name string) error {
		if name != fmt.Sprintf("%05d", n) {
			return fmt.Errorf("name %d is %s", n, name)
		}
		n++
		return nil
	})
	if err != nil || n != blobs || resumed.Load() != 0 {
		t.Errorf("%d names, %d reads from a cursor that rested, %v", n, resumed.Load(), err)
	}
}

// Two that put one blob at once have sealed it differently: one of them stays,
// whole.
func TestBlobPutByManyAtOnce(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	b, database := bucket(t, set)
	const size = 2*mongo.ChunkSize + 1
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if err := b.Put(t.Context(), "x", noise(byte(i), size)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := b.Get(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc([]byte{0, 1, 2, 3}, func(i byte) bool { return bytes.Equal(got, noise(i, size)) }) {
		t.Error("what is there was put by nobody")
	}
	db := raw(t, set, database)
	if n := count(t, db, "yz_chunks"); n != 3 {
		t.Errorf("%d chunks, want those of one upload", n)
	}
	if n := count(t, db, "yz_uploads"); n != 0 {
		t.Errorf("%d notes left", n)
	}
}

// What a crash left of an upload is removed, and what it left of a removal.
func TestBlobsAreSwept(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	b, database := bucket(t, set)
	db := raw(t, set, database)
	if err := b.Put(t.Context(), "whole", noise(1, 2*mongo.ChunkSize)); err != nil {
		t.Fatal(err)
	}
	var whole struct {
		Upload string `bson:"upload"`
	}
	if err := db.Collection("yz_blobs").FindOne(t.Context(), bson.D{{Key: "_id", Value: "whole"}}).Decode(&whole); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	for upload, blob := range map[string]string{"LOST": "never finished", whole.Upload: "whole"} {
		_, err := db.Collection("yz_uploads").InsertOne(t.Context(), bson.D{{Key: "_id", Value: upload}, {Key: "blob", Value: blob}, {Key: "at", Value: old}})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := db.Collection("yz_chunks").InsertOne(t.Context(), bson.D{{Key: "_id", Value: "LOST.000000"}, {Key: "data", Value: []byte("x")}})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := b.Sweep(t.Context(), old.Add(-time.Second)); n != 0 || err != nil {
		t.Errorf("nothing is old enough: %d, %v", n, err)
	}
	if n, err := b.Sweep(t.Context(), time.Now()); n != 1 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	if n := count(t, db, "yz_chunks"); n != 2 {
		t.Errorf("%d chunks, want the two of the blob", n)
	}
	if n := count(t, db, "yz_uploads"); n != 0 {
		t.Errorf("%d notes left", n)
	}
	if _, err := b.Get(t.Context(), "whole"); err != nil {
		t.Error(err)
	}
}

// A blob that was acknowledged is there whole, whatever broke meanwhile.
func TestBlobsUnderFaults(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	b, _ := bucket(t, set)
	set.Sim.SetFaults(mongosim.Faults{Seed: 3, Rate: 0.2, Only: []mongosim.Fault{
		mongosim.DropBefore, mongosim.DropAfter, mongosim.Labelled,
	}})
	acknowledged := map[string][]byte{}
	for i := range 8 {
		name, contents := strings.Repeat("x", i+1), noise(byte(i), i%4*mongo.ChunkSize+1)
		if b.Put(t.Context(), name, contents) == nil {
			acknowledged[name] = contents
		}
	}
	set.Sim.SetFaults(mongosim.Faults{})
	if len(acknowledged) < 3 {
		t.Fatalf("only %d of 8 were put", len(acknowledged))
	}
	for name, contents := range acknowledged {
		if got, err := b.Get(t.Context(), name); err != nil || !bytes.Equal(got, contents) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}
