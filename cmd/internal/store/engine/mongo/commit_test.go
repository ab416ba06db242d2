package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

var rows = engine.Collection{Name: "rows", Indexes: []engine.Index{{Fields: []string{"code"}, Unique: true}}}

func row(t testing.TB, id string, ver int64) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(bson.D{{Key: "_id", Value: id}, {Key: "ver", Value: ver}, {Key: "code", Value: id}})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func declared(t testing.TB, set *mongotest.Set, o mongo.Options) *mongo.Engine {
	t.Helper()
	e := mongotest.Open(t, set, o)
	if err := e.Declare(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	return e
}

func versionOf(t testing.TB, e engine.Engine, id string) (ver int64) {
	t.Helper()
	err := e.View(t.Context(), func(tx engine.Tx) error {
		doc, err := tx.Get("rows", id)
		if errors.Is(err, unit.ErrAbsent) {
			return nil
		}
		if err == nil {
			_, ver, err = engine.Head(doc)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ver
}

// A commit whose answer is lost is settled: what Update says is so.
func TestCommitWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]mongosim.Fault{
		"the connection breaks before it":    {mongosim.DropBefore},
		"the connection breaks behind it":    {mongosim.DropAfter},
		"twice":                              {mongosim.DropAfter, mongosim.DropAfter, mongosim.DropAfter},
		"the primary steps down before it":   {mongosim.StepDown},
		"the primary steps down behind it":   {mongosim.StepDownAfter},
		"the primary dies before it":         {mongosim.KillBefore},
		"the primary dies behind it":         {mongosim.KillAfter},
		"its write concern fails":            {mongosim.ConcernError},
		"it is refused with a label":         {mongosim.Labelled},
		"the others are cut off":             {mongosim.CutOff},
		"no answer, and then a dead primary": {mongosim.DropAfter, mongosim.KillBefore},
		"no answer, and then a conflict":     {mongosim.DropBefore, mongosim.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Seed: 1, TxnLifetime: 100 * time.Millisecond}})
			e := declared(t, set, mongo.Options{})
			for _, f := range faults {
				set.Sim.DropNext("commitTransaction", f)
			}
			err := e.Update(t.Context(), func(tx engine.Tx) error {
				return errors.Join(tx.Insert("rows", row(t, "a", 1)), tx.Insert("rows", row(t, "b", 1)))
			})
			switch a, b := versionOf(t, e, "a"), versionOf(t, e, "b"); {
			case a != b:
				t.Fatalf("half of the unit is there: %d, %d", a, b)
			case err == nil && a != 1:
				t.Error("acknowledged and lost")
			case errors.Is(err, unit.ErrConflict) && a != 0:
				t.Error("said to have lost a race, and it is there")
			case err != nil && !errors.Is(err, unit.ErrConflict):
				t.Errorf("not settled: %v", err)
			}
			t.Logf("%v", err)
		})
	}
}

// What the row of a commit without an answer tells: another unit may have gone on
// from it, or from what was before it.
func TestWhatARowTellsOfItsCommit(t *testing.T) {
	t.Parallel()
	other := func(ver int64) bson.Raw {
		raw, err := bson.Marshal(bson.D{{Key: "_id", Value: "a"}, {Key: "ver", Value: ver}, {Key: "code", Value: "other"}})
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, c := range []struct {
		name             string
		inserted         bool
		ver              int64
		stored           bson.Raw
		written, certain bool
	}{
		{"inserted, and there", true, 1, row(t, "a", 1), true, true},
		{"inserted, and not there", true, 1, nil, false, true},
		{"another has inserted it", true, 1, other(1), false, true},
		{"inserted, and somebody went on from this or that", true, 1, other(2), false, false},
		{"replaced, and there", false, 3, row(t, "a", 3), true, true},
		{"not replaced", false, 3, row(t, "a", 2), false, true},
		{"another has replaced it", false, 3, other(3), false, true},
		{"replaced, and begun anew", false, 3, other(1), false, false},
		{"replaced, and somebody went on", false, 3, other(4), false, false},
		{"replaced, and removed since", false, 3, nil, false, false},
		{"not to be read", false, 3, bson.Raw("x"), false, false},
	} {
		if written, certain := mongo.Became(c.inserted, row(t, "a", c.ver), c.stored); written != c.written || certain != c.certain {
			t.Errorf("%s: written %v, certain %v", c.name, written, certain)
		}
	}
}

// whenCommitting does something as soon as a commit goes out.
func whenCommitting(do func()) *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if e.CommandName == "commitTransaction" {
			do()
		}
	}}
}

func TestCallerLeavesDuringCommit(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	e := declared(t, mongotest.Start(t, mongotest.Options{}), mongo.Options{Monitor: whenCommitting(leave)})
	err := e.Update(ctx, func(tx engine.Tx) error { return tx.Insert("rows", row(t, "a", 1)) })
	if err != nil || versionOf(t, e, "a") != 1 {
		t.Errorf("got %v, version %d", err, versionOf(t, e, "a"))
	}
	err = e.Update(ctx, func(tx engine.Tx) error { return tx.Insert("rows", row(t, "b", 1)) })
	if !errors.Is(err, context.Canceled) || versionOf(t, e, "b") != 0 {
		t.Errorf("got %v, version %d", err, versionOf(t, e, "b"))
	}
}

func TestCallerLeavesBeforeCommit(t *testing.T) {
	t.Parallel()
	e := declared(t, mongotest.Start(t, mongotest.Options{}), mongo.Options{})
	ctx, leave := context.WithCancel(t.Context())
	err := e.Update(ctx, func(tx engine.Tx) error {
		err := tx.Insert("rows", row(t, "a", 1))
		leave()
		return err
	})
	if !errors.Is(err, context.Canceled) || versionOf(t, e, "a") != 0 {
		t.Errorf("got %v, version %d", err, versionOf(t, e, "a"))
	}
}

// Nobody answers for longer than anybody waits: then it is said so.
func TestCommitThatNobodyCanSettle(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	pause := func() {
		for i := range set.Members() {
			set.Pause(i)
		}
	}
	e := declared(t, set, mongo.Options{
		Monitor: whenCommitting(pause), CommandTimeout: time.Second, CommitPatience: 1500 * time.Millisecond,
	})
	err := e.Update(t.Context(), func(tx engine.Tx) error { return tx.Insert("rows", row(t, "a", 1)) })
	if !errors.Is(err, engine.ErrUnknown) || errors.Is(err, unit.ErrConflict) {
		t.Errorf("got %v", err)
	}
	for i := range set.Members() {
		set.Resume(t, i)
	}
}
