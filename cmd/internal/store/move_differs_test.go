package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/unit"
	signer "yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// placeOn is place on a replica set.
func placeOn(t testing.TB, set *mongotest.Set, name string) *store.Stores {
	t.Helper()
	main := mongotest.Open(t, set, mongo.Options{})
	bucket, err := mongo.NewBlobs(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	s := &store.Stores{
		Name: name, Main: store.NewMain(store.New(main, keys{})),
		Journal: store.NewJournal(store.New(mongotest.Open(t, set, mongo.Options{}), keys{})), Blobs: bucket,
	}
	if err := errors.Join(s.Main.Ready(t.Context()), s.Journal.Ready(t.Context())); err != nil {
		t.Fatal(err)
	}
	return s
}

// lastly does something behind the last blob that a move brings, which is the last
// of what it brings: the comparison comes next.
type lastly struct {
	store.Lister
	left int
	do   func() error
}

func (l *lastly) Put(ctx context.Context, name string, sealed []byte) error {
	err := l.Lister.Put(ctx, name, sealed)
	if l.left--; err == nil && l.left == 0 {
		err = l.do()
	}
	return err
}

// Blobs that furnish puts, by their numbers.
func blob(n int) string { return fmt.Sprintf("%02x%062d", n, n) }

// alter changes a row behind the back of everybody: one bit of a field, under the
// same version.
func alter(ctx context.Context, db *store.DB, collection, id, field string) error {
	return db.Engine().Update(ctx, func(t engine.Tx) error {
		row, err := t.Get(collection, id)
		if err != nil {
			return err
		}
		value := row.Lookup(field) // it is part of the row
		if value.Type != bson.TypeBinary && value.Type != bson.TypeBoolean {
			return fmt.Errorf("%s is of type %s", field, value.Type)
		}
		value.Value[len(value.Value)-1] ^= 1
		return errors.Join(t.Delete(collection, id), t.Insert(collection, row))
	})
}

func drop(ctx context.Context, db *store.DB, collection, id string) error {
	return db.Engine().Update(ctx, func(t engine.Tx) error { return t.Delete(collection, id) })
}

// rewrite has other bytes under the name of a blob.
func rewrite(ctx context.Context, b store.Bucket, name string, sealed []byte) error {
	return errors.Join(b.Delete(ctx, name), b.Put(ctx, name, sealed))
}

// swap has two blobs change places.
func swap(ctx context.Context, b store.Bucket, one, other string) error {
	first, err := b.Get(ctx, one)
	second, err2 := b.Get(ctx, other)
	return errors.Join(err, err2, rewrite(ctx, b, one, second), rewrite(ctx, b, other, first))
}

// tampering is what somebody does to a target between copy and comparison.
type tampering struct {
	where string
	do    func(ctx context.Context, to *store.Stores) error
	// heals: a second move finds that it is missing and brings it.
	heals bool
}

// source is a place with more rows than one page of a sum, and two stops.
func source(t testing.TB) *store.Stores {
	t.Helper()
	a := place(t, "a")
	furnish(t, a, 203)
	if err := stop(t.Context(), a, "seal:2"); err != nil {
		t.Fatal(err)
	}
	return a
}

func stop(ctx context.Context, s *store.Stores, id string) error {
	return s.Journal.Work.Update(ctx, func(tx unit.Tx) error {
		return s.Journal.Keys.Stops.Insert(tx, &signer.Stop{Row: unit.Row{ID: id}, Stopped: true, At: tx.Now()})
	})
}

// rowTamperings are those of people and of the signer's journal.
var rowTamperings = map[string]tampering{
	"a row is altered": {where: "main.people", do: func(ctx context.Context, to *store.Stores) error {
		return alter(ctx, to.Main.DB, "people", "us_00202", "name")
	}},
	"a row is dropped": {where: "main.people", do: func(ctx context.Context, to *store.Stores) error {
		return drop(ctx, to.Main.DB, "people", "us_00101")
	}},
	"a row is added": {where: "main.people", do: func(ctx context.Context, to *store.Stores) error {
		return to.Main.Work.Update(ctx, func(tx unit.Tx) error {
			return to.Main.Authz.People.Insert(tx, &authz.Person{Row: unit.Row{ID: "us_00101b"}, IDHash: "another", Name: "李四"})
		})
	}},
	"a stop is lifted": {where: "signer.stops", do: func(ctx context.Context, to *store.Stores) error {
		return alter(ctx, to.Journal.DB, "stops", "seal:1", "stopped")
	}},
	"a stop is dropped": {where: "signer.stops", do: func(ctx context.Context, to *store.Stores) error {
		return drop(ctx, to.Journal.DB, "stops", "seal:1")
	}},
	"a stop is added": {where: "signer.stops", do: func(ctx context.Context, to *store.Stores) error { return stop(ctx, to, "seal:3") }},
}

// blobTamperings are those of sealed documents: furnish makes the n-th of n bytes.
var blobTamperings = map[string]tampering{
	"a blob is altered": {where: "blobs", do: func(ctx context.Context, to *store.Stores) error {
		return rewrite(ctx, to.Blobs, blob(3), []byte("xyx"))
	}},
	"two blobs are swapped": {where: "blobs", do: func(ctx context.Context, to *store.Stores) error {
		return swap(ctx, to.Blobs, blob(2), blob(3))
	}},
	"a blob has another name": {where: "blobs", do: func(ctx context.Context, to *store.Stores) error {
		return errors.Join(to.Blobs.Delete(ctx, blob(3)), to.Blobs.Put(ctx, blob(3)[:63]+"9", []byte("xxx")))
	}},
	"a blob is dropped": {where: "blobs", heals: true, do: func(ctx context.Context, to *store.Stores) error {
		return to.Blobs.Delete(ctx, blob(3))
	}},
	"a blob is added": {where: "blobs", do: func(ctx context.Context, to *store.Stores) error {
		return to.Blobs.Put(ctx, blob(9), []byte("new"))
	}},
}

// targets are empty places of both kinds.
func targets(t testing.TB) map[string]func(testing.TB) *store.Stores {
	set := mongotest.Start(t, mongotest.Options{})
	return map[string]func(testing.TB) *store.Stores{
		"embedded": func(t testing.TB) *store.Stores { return place(t, "b") },
		"MongoDB":  func(t testing.TB) *store.Stores { return placeOn(t, set, "b") },
	}
}

// Whatever is not the same at the end, the move says where, and neither place
// becomes the other: the source is one for the next case too.
func TestMoveFindsWhatDiffers(t *testing.T) {
	t.Parallel()
	a := source(t)
	for on, target := range targets(t) {
		for _, some := range []map[string]tampering{rowTamperings, blobTamperings} {
			for name, one := range some {
				if !t.Run(on+"/"+name, func(t *testing.T) { differs(t, a, target(t), one) }) {
					return // the source may be handed over
				}
			}
		}
	}
}

func differs(t *testing.T, a, b *store.Stores, one tampering) {
	b.Blobs = &lastly{Lister: b.Blobs, left: 5, do: func() error { return one.do(t.Context(), b) }}
	was, is, err := store.Move(t.Context(), a, b, "f1", quietly)
	if !errors.Is(err, store.ErrDiffers) || !strings.HasSuffix(err.Error(), ": "+one.where) {
		t.Fatalf("the move ends with %v", err)
	}
	if got := differing(was, is); len(was) == 0 || got != one.where {
		t.Errorf("the sums differ in %q", got)
	}
	notHandedOver(t, a, b)
	if one.heals {
		return
	}
	// Run again, it takes nothing for equal that is not.
	if _, _, err := store.Move(t.Context(), a, b, "f1", quietly); !errors.Is(err, store.ErrDiffers) {
		t.Errorf("again: %v", err)
	}
	notHandedOver(t, a, b)
}

// What only never arrived, a move that is run again brings.
func TestMoveRunAgainBringsWhatIsMissing(t *testing.T) {
	t.Parallel()
	for on, target := range targets(t) {
		t.Run(on, func(t *testing.T) {
			a, b := source(t), target(t)
			b.Blobs = &lastly{Lister: b.Blobs, left: 5, do: func() error {
				ctx := t.Context()
				return errors.Join(drop(ctx, b.Main.DB, "people", "us_00202"), drop(ctx, b.Journal.DB, "stops", "seal:2"), b.Blobs.Delete(ctx, blob(2)))
			}}
			was, is, err := store.Move(t.Context(), a, b, "f1", quietly)
			if got := differing(was, is); !errors.Is(err, store.ErrDiffers) || got != "blobs main.people signer.stops" {
				t.Fatalf("the sums differ in %q: %v", got, err)
			}
			notHandedOver(t, a, b)
			was, is, err = store.Move(t.Context(), a, b, "f1", quietly)
			if got := differing(was, is); err != nil || len(was) == 0 || got != "" {
				t.Errorf("again: the sums differ in %q: %v", got, err)
			}
			if err := errors.Join(visit(t.Context(), b.Main, "f1"), b.Journal.Admit(t.Context(), "f1")); err != nil {
				t.Errorf("the target: %v", err)
			}
		})
	}
}

// differing names the sums that are not the same.
func differing(was, is []store.Sum) string {
	var names []string
	for i := range was {
		if i >= len(is) || was[i] != is[i] {
			names = append(names, was[i].Name)
		}
	}
	return strings.Join(names, " ")
}

// notHandedOver: nodes go on at the source, and none begins at the target.
func notHandedOver(t *testing.T, from, to *store.Stores) {
	t.Helper()
	ctx := t.Context()
	if err := errors.Join(visit(ctx, from.Main, "f1"), from.Journal.Admit(ctx, "f1")); err != nil {
		t.Errorf("the source: %v", err)
	}
	if err := visit(ctx, to.Main, "f1"); !errors.Is(err, store.ErrMoving) {
		t.Errorf("a node works on the target: %v", err)
	}
	if err := to.Journal.Admit(ctx, "f1"); !errors.Is(err, store.ErrMoving) {
		t.Errorf("a signer works on the target: %v", err)
	}
}
