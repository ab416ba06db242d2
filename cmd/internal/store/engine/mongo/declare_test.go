package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// The program of last year, of this and of the next: an index comes, an index goes.
var (
	byCode = engine.Index{Fields: []string{"code"}, Unique: true}
	byN    = engine.Index{Fields: []string{"n"}}
	older  = []engine.Index{byCode}
	newer  = []engine.Index{byCode, byN}
	newest = []engine.Index{byN}
)

func numbered(t testing.TB, id string, ver int64, code string, n int) bson.Raw {
	t.Helper()
	doc, err := bson.Marshal(bson.D{{Key: "_id", Value: id}, {Key: "ver", Value: ver}, {Key: "code", Value: code}, {Key: "n", Value: n}})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func program(t testing.TB, set *mongotest.Set, o mongo.Options, indexes []engine.Index) *mongo.Engine {
	t.Helper()
	e := mongotest.Open(t, set, o)
	if err := e.Declare(t.Context(), engine.Collection{Name: "rows", Indexes: indexes}); err != nil {
		t.Fatal(err)
	}
	return e
}

// listedBy gives the ids of all rows in the order of an index.
func listedBy(t testing.TB, e engine.Engine, index string) (ids []string) {
	t.Helper()
	err := e.View(t.Context(), func(tx engine.Tx) error {
		docs, err := tx.Find("rows", unit.Query{Index: index})
		for _, d := range docs {
			id, _, _ := engine.Head(d)
			ids = append(ids, id)
		}
		return err
	})
	if err != nil {
		t.Errorf("by %s: %v", index, err)
	}
	return ids
}

func retired(t testing.TB, e *mongo.Engine) []string {
	t.Helper()
	list, err := e.Retired(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// An upgrade goes node by node: programs that declare other indexes write to the
// same rows in turn, and each lists them all by its own.
func TestOldAndNewSideBySide(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	database := set.Database(t)
	o := mongo.Options{Database: database}
	last, this, next := program(t, set, o, older), program(t, set, o, newer), program(t, set, o, newest)
	programs := []*mongo.Engine{last, this, next, this}
	for i := range 8 {
		do := func(tx engine.Tx) error {
			return tx.Insert("rows", numbered(t, fmt.Sprint("r", i), 1, fmt.Sprint(i), -i))
		}
		if err := programs[i%4].Update(t.Context(), do); err != nil {
			t.Fatal(err)
		}
	}
	for v := int64(2); v < 10; v++ {
		do := func(tx engine.Tx) error { return tx.Replace("rows", numbered(t, "r0", v, fmt.Sprint("0.", v), int(v))) }
		if err := programs[v%4].Update(t.Context(), do); err != nil {
			t.Fatal(err)
		}
	}
	up, down := "[r0 r1 r2 r3 r4 r5 r6 r7]", "[r7 r6 r5 r4 r3 r2 r1 r0]"
	same(t, listedBy(t, last, "code"), up)
	same(t, listedBy(t, this, "code"), up)
	same(t, listedBy(t, this, "n"), down)
	same(t, listedBy(t, next, "n"), down)

	twice := func(tx engine.Tx) error { return tx.Insert("rows", numbered(t, "x", 1, "7", 1)) }
	if err := next.Update(t.Context(), twice); !errors.Is(err, unit.ErrTaken) {
		t.Errorf("unique while a node of the older program may run: %v", err)
	}
	same(t, retired(t, this), "[]")
	same(t, retired(t, next), "[rows: yz code unique]")
	if err := raw(t, set, database).Collection("rows").Indexes().DropOne(t.Context(), "yz code unique"); err != nil {
		t.Fatal(err)
	}
	same(t, retired(t, next), "[]")
	if err := next.Update(t.Context(), twice); err != nil {
		t.Errorf("and no longer behind it: %v", err)
	}
}

// A node of the new program starts in the midst of a unit of the old one, which is
// not spoiled: it loses a race at most.
func TestAnIndexThatComesInTheMidstOfAUnit(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	o := mongo.Options{Database: set.Database(t)}
	last := program(t, set, o, older)
	runs := 0
	for err := unit.ErrConflict; errors.Is(err, unit.ErrConflict) && runs < 10; {
		err = last.Update(t.Context(), func(tx engine.Tx) error {
			if runs++; runs == 1 {
				_ = tx.Now() // the unit has begun
				program(t, set, o, newer)
			}
			return tx.Insert("rows", numbered(t, "a", 1, "a", 1))
		})
		if err != nil && !errors.Is(err, unit.ErrConflict) {
			t.Fatal(err)
		}
	}
	same(t, listedBy(t, program(t, set, o, newer), "n"), "[a]")
}

// together holds each of n up behind a command until all have sent it, or ctx ends.
func together(ctx context.Context, n int32, command string) *event.CommandMonitor {
	var sent atomic.Int32
	all := make(chan struct{})
	return &event.CommandMonitor{Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
		if e.CommandName != command {
			return
		}
		if sent.Add(1) == n {
			close(all)
		}
		select {
		case <-all:
		case <-ctx.Done():
		}
	}}
}

// Nodes that start at once on an empty database both find nothing there, and both
// make everything.
func TestTheFirstStartOfSeveralAtOnce(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	programs := [][]engine.Index{older, newer, newest}
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	o := mongo.Options{URI: set.URI, Database: set.Database(t), Log: slog.New(slog.DiscardHandler), Monitor: together(ctx, int32(len(programs)), "listCollections")}
	errs := make([]error, len(programs))
	var nodes sync.WaitGroup
	for i, indexes := range programs {
		nodes.Go(func() {
			if errs[i] = startOnce(t, o, indexes, i); errs[i] != nil {
				giveUp()
			}
		})
	}
	nodes.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	e := program(t, set, mongo.Options{Database: o.Database}, newer)
	same(t, listedBy(t, e, "code"), "[r0 r1 r2]")
	same(t, listedBy(t, e, "n"), "[r0 r1 r2]")
	same(t, count(t, raw(t, set, o.Database), "yz_anchor"), 1)
}

// startOnce is a node that starts, writes a row, and ends.
func startOnce(t testing.TB, o mongo.Options, indexes []engine.Index, i int) error {
	e, err := mongo.Open(t.Context(), o)
	if err != nil {
		return err
	}
	err = e.Declare(t.Context(), engine.Collection{Name: "rows", Indexes: indexes}, events)
	if err == nil {
		err = e.Update(t.Context(), func(tx engine.Tx) error {
			id := fmt.Sprint("r", i)
			return tx.Insert("rows", numbered(t, id, 1, id, i))
		})
	}
	return errors.Join(err, e.Close())
}

// A server may answer the second of two upserts at once with a duplicate.
func TestAnAnchorThatIsMadeTwice(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	o := mongo.Options{Database: set.Database(t)}
	mongotest.Open(t, set, o)
	failing(t, set, "update", 11000)
	mongotest.Open(t, set, o)
}
