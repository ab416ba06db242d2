package mongosim_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// told reads n events, as "operation:id".
func told(t *testing.T, cs *mongo.ChangeStream, n int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var s []string
	for range n {
		if !cs.Next(ctx) {
			return fmt.Sprint(s, cs.Err())
		}
		s = append(s, cs.Current.Lookup("operationType").StringValue()+":"+strings.Trim(cs.Current.Lookup("documentKey", "_id").String(), `{}"`))
	}
	return strings.Join(s, " ")
}

func TestAStreamTellsOfEveryKindOfChangeUntilTheDrop(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	cs := must[*mongo.ChangeStream](t)(c.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetFullDocument(options.UpdateLookup)))
	must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, m{"_id": "x", "e": m{"f": 1}, "l": a{1, 2}}))
	must[*mongo.UpdateResult](t)(c.UpdateByID(ctx, "x", m{"$set": m{"e.f": 2, "n": 1}, "$unset": m{"l": 1}}))
	must[*mongo.UpdateResult](t)(c.ReplaceOne(ctx, m{"_id": "x"}, m{"r": 1}))
	must[*mongo.DeleteResult](t)(c.DeleteOne(ctx, m{}))
	if err := c.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	if got := told(t, cs, 1); got != "insert:x" {
		t.Error(got)
	}
	if got := told(t, cs, 1); got != "update:x" {
		t.Error(got)
	}
	desc := cs.Current.Lookup("updateDescription").String()
	for _, want := range []string{`"e.f": {"$numberInt":"2"}`, `"n": {"$numberInt":"1"}`, `"removedFields": ["l"]`} {
		if !strings.Contains(desc, want) {
			t.Errorf("the update is described as %s: no %s", desc, want)
		}
	}
	if got := told(t, cs, 4); got != "replace:x delete:x drop: invalidate:" {
		t.Error(got)
	}
	if cs.Next(ctx) || cs.ID() != 0 {
		t.Error("the stream goes on after invalidate")
	}
	end := cs.ResumeToken()
	if _, err := c.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetResumeAfter(end)); code(err) != 260 {
		t.Errorf("resumeAfter an invalidate: %v", err)
	}
	again := must[*mongo.ChangeStream](t)(c.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetStartAfter(end)))
	must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, m{"_id": "y"}))
	if got := told(t, again, 1); got != "insert:y" {
		t.Error(got)
	}
}

func TestAStreamResumesBehindItsToken(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	cs := must[*mongo.ChangeStream](t)(c.Watch(ctx, mongo.Pipeline{{{Key: "$match", Value: m{"operationType": "insert"}}}}))
	s, sctx := began(t, client, "1")
	must[*mongo.InsertOneResult](t)(c.InsertOne(sctx, m{"_id": "2"}))
	if err := s.CommitTransaction(sctx); err != nil {
		t.Fatal(err)
	}
	if got := told(t, cs, 1); got != "insert:1" {
		t.Error(got)
	}
	token := cs.ResumeToken()
	resumed := must[*mongo.ChangeStream](t)(c.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetResumeAfter(token)))
	if got := told(t, resumed, 1); got != "insert:2" {
		t.Errorf("resumed in the midst of a transaction: %s", got)
	}
	for _, f := range []mongosim.Fault{mongosim.DropBefore, mongosim.DropAfter, mongosim.KillBefore, mongosim.StepDown, mongosim.Labelled} {
		set.DropNext("getMore", f)
		id := "after " + f.String()
		must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, m{"_id": id}))
		if got := told(t, resumed, 1); got != "insert:"+id {
			t.Errorf("resumed by the driver: %s", got)
		}
	}
}

func TestAStreamStartsAtATime(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	s := must[*mongo.Session](t)(client.StartSession())
	for i := range 3 {
		must[*mongo.InsertOneResult](t)(c.InsertOne(mongo.NewSessionContext(ctx, s), m{"_id": fmt.Sprint(i)}))
		if i == 1 {
			defer func(at bson.Timestamp) {
				cs := must[*mongo.ChangeStream](t)(c.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetStartAtOperationTime(&at)))
				if got := told(t, cs, 2); got != "insert:1 insert:2" {
					t.Error(got)
				}
			}(*s.OperationTime())
		}
	}
}

func TestHistoryThatIsGoneIsSaidToBe(t *testing.T) {
	_, client := start(t, mongosim.Options{OplogSize: 16, History: 4})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	cs := must[*mongo.ChangeStream](t)(c.Watch(ctx, mongo.Pipeline{}))
	must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, m{"_id": "x"}))
	if got := told(t, cs, 1); got != "insert:x" {
		t.Error(got)
	}
	for range 50 {
		must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, m{}))
	}
	_, err := c.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetResumeAfter(cs.ResumeToken()))
	if code(err) != 286 || !labelled(err, "NonResumableChangeStreamError") {
		t.Errorf("resume beyond the oplog: %v", err)
	}
}

func TestAStreamTellsOnlyWhatAMajorityHas(t *testing.T) {
	set, client := start(t, mongosim.Options{Election: slow})
	ctx := t.Context()
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(ctx, m{"_id": "0"}))
	old := set.Primary()
	alone := direct(t, old)
	cs := must[*mongo.ChangeStream](t)(at(alone, nil, nil).Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetMaxAwaitTime(10*time.Millisecond)))
	old.Cut()
	must[*mongo.InsertOneResult](t)(at(alone, writeconcern.W1(), nil).InsertOne(ctx, m{"_id": "lost"}))
	if cs.TryNext(ctx) {
		t.Errorf("told before a majority had it: %v", cs.Current)
	}
	eventually(t, "another primary", func() bool { p := set.Primary(); return p != nil && p != old })
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(ctx, m{"_id": "kept"}))
	old.Heal()
	if got := told(t, cs, 1); got != "insert:kept" {
		t.Errorf("after healing: %s", got)
	}
}

func TestAnEmptyBatchMovesTheToken(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	ctx := t.Context()
	cs := must[*mongo.ChangeStream](t)(client.Database("d").Collection("c").Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetMaxAwaitTime(5*time.Millisecond)))
	first := cs.ResumeToken()
	must[*mongo.InsertOneResult](t)(client.Database("d").Collection("other").InsertOne(ctx, m{}))
	for range 2 { // the first call only reads the first batch
		if cs.TryNext(ctx) {
			t.Error("an event of another collection")
		}
	}
	if second := cs.ResumeToken(); first == nil || second.String() <= first.String() {
		t.Errorf("token before %s, after %s", first, second)
	}
	whole := must[*mongo.ChangeStream](t)(client.Watch(ctx, mongo.Pipeline{}))
	must[*mongo.InsertOneResult](t)(client.Database("e").Collection("c").InsertOne(ctx, m{"_id": "all"}))
	if got := told(t, whole, 1); got != "insert:all" {
		t.Error(got)
	}
	if err := errors.Join(cs.Close(ctx), whole.Close(ctx)); err != nil {
		t.Error(err)
	}
}
