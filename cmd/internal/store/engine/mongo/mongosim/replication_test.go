package mongosim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// slow is an election time-out with a window long enough for a test to act in.
const slow = 300 * time.Millisecond

// direct gives a client of one member alone.
func direct(t *testing.T, m *mongosim.Member) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + m.Addr() + "/?directConnection=true").SetRetryWrites(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

func at(client *mongo.Client, w *writeconcern.WriteConcern, r *readconcern.ReadConcern) *mongo.Collection {
	return client.Database("d").Collection("c", options.Collection().SetWriteConcern(w).SetReadConcern(r))
}

func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 60_000 {
		if cond() {
			return
		}
		<-tick.C
	}
	t.Fatalf("never: %s", what)
}

func TestWhatOneMemberAcknowledgedAloneIsRolledBack(t *testing.T) {
	set, client := start(t, mongosim.Options{Election: slow})
	ctx := t.Context()
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(ctx, bson.M{"_id": "first"}))
	old := set.Primary()
	alone := direct(t, old)
	old.Cut()
	must[*mongo.InsertOneResult](t)(at(alone, writeconcern.W1(), nil).InsertOne(ctx, bson.M{"_id": "lost"}))
	if n := must[int64](t)(at(alone, nil, readconcern.Local()).CountDocuments(ctx, bson.M{})); n != 2 {
		t.Errorf("local read on the cut primary: %d documents", n)
	}
	if n := must[int64](t)(at(alone, nil, readconcern.Majority()).CountDocuments(ctx, bson.M{})); n != 1 {
		t.Errorf("majority read on the cut primary: %d documents", n)
	}
	eventually(t, "another primary", func() bool { p := set.Primary(); return p != nil && p != old })
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(ctx, bson.M{"_id": "kept"}))
	old.Heal()
	for _, id := range []string{"first", "kept"} {
		if err := at(alone, nil, nil).FindOne(ctx, bson.M{"_id": id}).Err(); err != nil {
			t.Errorf("%s on the old primary after healing: %v", id, err)
		}
	}
	if err := at(alone, nil, nil).FindOne(ctx, bson.M{"_id": "lost"}).Err(); !errors.Is(err, mongo.ErrNoDocuments) {
		t.Errorf("what was acknowledged by one member is still there: %v", err)
	}
	if set.Stats().RolledBack == 0 {
		t.Error("nothing was rolled back")
	}
}

func TestAMajorityIsNotAcknowledgedByOneMember(t *testing.T) {
	set, client := start(t, mongosim.Options{Election: slow})
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(t.Context(), bson.M{"_id": 0}))
	old := set.Primary()
	alone := direct(t, old)
	if err := alone.Ping(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	old.Cut()
	_, err := at(alone, writeconcern.Majority(), nil).InsertOne(t.Context(), bson.M{"_id": 1})
	var we mongo.WriteException
	if !errors.As(err, &we) || we.WriteConcernError == nil || we.WriteConcernError.Code != 11602 {
		t.Fatalf("majority write on a cut primary: %v", err)
	}
	if old.IsPrimary() {
		t.Error("it is still primary")
	}
}

func TestOnlyAMemberThatHasWhatIsCommittedIsElected(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	set.Member(2).Hold()
	for i := range 20 {
		must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(t.Context(), bson.M{"_id": i}))
	}
	if set.Member(2).Elect() {
		t.Fatal("a member that is behind the majority won")
	}
	set.Primary().Kill()
	eventually(t, "member 1 is primary", func() bool { return set.Primary() == set.Member(1) })
	if n := must[int64](t)(at(client, nil, nil).CountDocuments(t.Context(), bson.M{})); n != 20 {
		t.Errorf("%d of 20 documents", n)
	}
}

func TestWithoutAMajorityThereIsNoPrimary(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	set.Member(1).Kill()
	set.Member(2).Kill()
	eventually(t, "no primary", func() bool { return set.Primary() == nil })
	short, stop := context.WithTimeout(ctx, 200*time.Millisecond)
	defer stop()
	if _, err := at(client, nil, nil).InsertOne(short, bson.M{"_id": 1}); err == nil {
		t.Error("a write without a majority of members succeeded")
	}
	set.Member(1).Restart()
	eventually(t, "a primary again", func() bool { return set.Primary() != nil })
}

func TestWhatIsNotOnDiskDiesWithTheProcess(t *testing.T) {
	set, client := start(t, mongosim.Options{Members: 3})
	ctx := t.Context()
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(ctx, bson.M{"_id": "disk"}))
	set.Member(1).Hold()
	set.Member(2).Hold()
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.W1(), nil).InsertOne(ctx, bson.M{"_id": "memory"}))
	set.Member(0).Kill()
	set.Member(1).Release()
	set.Member(2).Release()
	set.Member(0).Restart()
	if err := at(client, nil, nil).FindOne(ctx, bson.M{"_id": "disk"}).Err(); err != nil {
		t.Error(err)
	}
	if err := at(client, nil, nil).FindOne(ctx, bson.M{"_id": "memory"}).Err(); !errors.Is(err, mongo.ErrNoDocuments) {
		t.Errorf("what was never on disk is there: %v", err)
	}
}

func TestAPausedPrimaryIsReplaced(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(t.Context(), bson.M{"_id": 1}))
	old := set.Primary()
	old.Pause()
	eventually(t, "another primary", func() bool { p := set.Primary(); return p != nil && p != old })
	must[*mongo.InsertOneResult](t)(at(connect(t, set.URI()), nil, nil).InsertOne(t.Context(), bson.M{"_id": 2}))
	old.Resume()
	if old.IsPrimary() {
		t.Error("the paused member still believes that it is primary")
	}
}

func TestAStaleSecondaryAnswersOldAndCausalReadsWait(t *testing.T) {
	set, client := start(t, mongosim.Options{Members: 2})
	ctx := t.Context()
	must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(ctx, bson.M{"_id": 1}))
	set.Member(1).Hold()
	w1 := at(client, writeconcern.W1(), nil)
	second := client.Database("d").Collection("c", options.Collection().SetReadPreference(readpref.Secondary()))
	s := must[*mongo.Session](t)(client.StartSession(options.Session().SetCausalConsistency(true)))
	sctx := mongo.NewSessionContext(ctx, s)
	must[*mongo.InsertOneResult](t)(w1.InsertOne(sctx, bson.M{"_id": 2}))
	if n := must[int64](t)(second.CountDocuments(ctx, bson.M{})); n != 1 {
		t.Errorf("a stale secondary has %d documents", n)
	}
	seen := make(chan int64)
	go func() {
		n, _ := second.CountDocuments(sctx, bson.M{})
		seen <- n
	}()
	set.Member(1).Release()
	if n := <-seen; n != 2 {
		t.Errorf("a causally consistent read saw %d documents", n)
	}
}

func TestASlowSecondaryHasAnEntryLater(t *testing.T) {
	set, client := start(t, mongosim.Options{Members: 2})
	set.Member(1).Delay(time.Hour)
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.W1(), nil).InsertOne(t.Context(), bson.M{"_id": 1}))
	second := client.Database("d").Collection("c", options.Collection().SetReadPreference(readpref.Secondary()))
	if n := must[int64](t)(second.CountDocuments(t.Context(), bson.M{})); n != 0 {
		t.Errorf("an hour too early: %d documents", n)
	}
	set.Member(1).Delay(time.Millisecond)
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.Majority(), nil).InsertOne(t.Context(), bson.M{"_id": 2}))
	if n := must[int64](t)(second.CountDocuments(t.Context(), bson.M{})); n != 2 {
		t.Errorf("a majority of two has it, and the slow member has %d documents", n)
	}
}

func TestAWriteConcernTimesOut(t *testing.T) {
	set, client := start(t, mongosim.Options{Members: 2})
	set.Member(1).Hold()
	err := client.Database("d").RunCommand(t.Context(), bson.D{{Key: "insert", Value: "c"}, {Key: "documents", Value: bson.A{bson.M{"_id": 1}}},
		{Key: "writeConcern", Value: bson.M{"w": "majority", "wtimeout": 20}}}).Err()
	var we mongo.WriteException
	if !errors.As(err, &we) || we.WriteConcernError == nil || we.WriteConcernError.Code != 64 {
		t.Fatalf("timed-out write concern: %v", err)
	}
	if n := must[int64](t)(at(client, nil, readconcern.Local()).CountDocuments(t.Context(), bson.M{})); n != 1 {
		t.Errorf("the write itself: %d documents", n)
	}
}

func TestHelloTellsWhoLeads(t *testing.T) {
	set, client := start(t, mongosim.Options{Wire: 17})
	var h struct {
		IsWritablePrimary bool
		SetName, Primary  string
		ElectionID        bson.ObjectID `bson:"electionId"`
		SetVersion        int
		MaxWireVersion    int
		TopologyVersion   struct{ Counter int64 }
	}
	ask := func() {
		if err := client.Database("admin").RunCommand(t.Context(), bson.D{{Key: "hello", Value: 1}}).Decode(&h); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	if !h.IsWritablePrimary || h.SetName != "sim" || h.Primary != set.Primary().Addr() || h.MaxWireVersion != 17 || h.SetVersion != 1 {
		t.Errorf("hello: %+v", h)
	}
	before := h.ElectionID
	set.Primary().StepDown()
	eventually(t, "another primary", func() bool { return set.Primary() != nil })
	ask()
	if h.ElectionID.Hex() <= before.Hex() {
		t.Errorf("electionId went from %s to %s", before, h.ElectionID)
	}
	if h.Primary != set.Primary().Addr() {
		t.Errorf("primary is %s", h.Primary)
	}
}

func TestAClockThatIsAheadDoesNotTurnTimeBack(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	ctx := t.Context()
	now := func(at *mongo.Client) time.Time {
		cur := must[*mongo.Cursor](t)(at.Database("d").Aggregate(ctx, mongo.Pipeline{
			{{Key: "$documents", Value: bson.A{bson.M{}}}}, {{Key: "$project", Value: bson.M{"now": "$$NOW"}}}}))
		var got []struct{ Now time.Time }
		if err := cur.All(ctx, &got); err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		return got[0].Now
	}
	set.Member(0).Skew(time.Hour)
	if ahead := time.Until(now(client)); ahead < 50*time.Minute {
		t.Errorf("$$NOW of a member whose clock is an hour ahead is %v ahead", ahead)
	}
	s := must[*mongo.Session](t)(client.StartSession())
	sctx := mongo.NewSessionContext(ctx, s)
	must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(sctx, bson.M{"_id": 1}))
	first := *s.OperationTime()
	set.Member(0).StepDown()
	eventually(t, "another primary", func() bool { p := set.Primary(); return p != nil && p.Index != 0 })
	must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(sctx, bson.M{"_id": 2}))
	if second := *s.OperationTime(); second.Compare(first) <= 0 {
		t.Errorf("operationTime went from %v to %v", first, second)
	}
}

func TestAMemberToldToStepDownDoes(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	old := set.Primary()
	if err := direct(t, old).Database("admin").RunCommand(t.Context(), bson.D{{Key: "replSetStepDown", Value: 30}}).Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another primary", func() bool { p := set.Primary(); return p != nil && p != old })
	must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(t.Context(), bson.M{"_id": 1}))
	if err := direct(t, old).Database("admin").RunCommand(t.Context(), bson.D{{Key: "replSetStepDown", Value: 30}}).Err(); code(err) != 10107 {
		t.Errorf("step-down of a secondary: %v", err)
	}
}

func TestAMemberIsShutDownInOrder(t *testing.T) {
	set, client := start(t, mongosim.Options{Election: slow})
	ctx := t.Context()
	must[*mongo.InsertOneResult](t)(at(client, writeconcern.W1(), nil).InsertOne(ctx, bson.M{"_id": 1}))
	old := set.Primary()
	alone := direct(t, old)
	if err := alone.Ping(ctx, nil); err != nil {
		t.Fatal(err)
	}
	old.Shutdown()
	if _, err := at(alone, nil, nil).InsertOne(ctx, bson.M{"_id": "late"}); code(err) != 11600 {
		t.Errorf("a write while it shuts down: %v", err)
	}
	must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(ctx, bson.M{"_id": 2}))
	old.Restart()
	if n := must[int64](t)(at(client, nil, nil).CountDocuments(ctx, bson.M{})); n != 2 {
		t.Errorf("%d documents", n)
	}
}
