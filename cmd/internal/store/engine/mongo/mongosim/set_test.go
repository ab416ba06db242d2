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

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// start gives a set and a client of it.
func start(t *testing.T, o mongosim.Options) (*mongosim.Set, *mongo.Client) {
	t.Helper()
	set, err := mongosim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return set, connect(t, set.URI())
}

func connect(t *testing.T, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(clientOptions(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

func clientOptions(uri string) *options.ClientOptions {
	return options.Client().ApplyURI(uri).SetServerSelectionTimeout(20 * time.Second)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func code(err error) int {
	var s mongo.ServerError
	if errors.As(err, &s) {
		for _, c := range s.ErrorCodes() {
			return c
		}
	}
	return 0
}

func TestDocumentsAreWrittenAndRead(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	must[*mongo.InsertManyResult](t)(c.InsertMany(ctx, []any{bson.M{"_id": 1, "x": 5}, bson.M{"_id": 2, "x": 3}, bson.M{"_id": 3, "x": 4}}))
	cur := must[*mongo.Cursor](t)(c.Find(ctx, bson.M{"x": bson.M{"$gte": 4}}, options.Find().SetSort(bson.M{"x": 1}).SetBatchSize(1)))
	var got []bson.M
	if err := cur.All(ctx, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0]["_id"] != int32(3) || got[1]["_id"] != int32(1) {
		t.Fatalf("found %v", got)
	}
	res := must[*mongo.UpdateResult](t)(c.UpdateOne(ctx, bson.M{"_id": 2}, bson.M{"$inc": bson.M{"x": 7}}))
	if res.ModifiedCount != 1 {
		t.Fatalf("updated %+v", res)
	}
	if n := must[int64](t)(c.CountDocuments(ctx, bson.M{"x": 10})); n != 1 {
		t.Fatalf("%d documents have x = 10", n)
	}
	if _, err := c.InsertOne(ctx, bson.M{"_id": 1}); !mongo.IsDuplicateKeyError(err) {
		t.Fatalf("second _id 1: %v", err)
	}
	if n := must[*mongo.DeleteResult](t)(c.DeleteMany(ctx, bson.M{})); n.DeletedCount != 3 {
		t.Fatalf("deleted %d", n.DeletedCount)
	}
}

func TestATransactionIsSeenWholeOrNotAtAll(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	s := must[*mongo.Session](t)(client.StartSession())
	defer s.EndSession(ctx)
	_, err := s.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		if _, err := c.InsertOne(ctx, bson.M{"_id": 1}); err != nil {
			return nil, err
		}
		if n, err := c.CountDocuments(t.Context(), bson.M{}); err != nil || n != 0 {
			t.Errorf("outside the transaction: %d, %v", n, err)
		}
		if n, err := c.CountDocuments(ctx, bson.M{}); err != nil || n != 1 {
			t.Errorf("inside the transaction: %d, %v", n, err)
		}
		return nil, nil
	}, options.Transaction().SetReadConcern(readconcern.Snapshot()))
	if err != nil {
		t.Fatal(err)
	}
	if n := must[int64](t)(c.CountDocuments(ctx, bson.M{})); n != 1 {
		t.Fatalf("%d after commit", n)
	}
}

func TestTheSecondWriterOfADocumentConflicts(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, bson.M{"_id": 1}))
	inc := bson.M{"$inc": bson.M{"n": 1}}
	a, b := must[*mongo.Session](t)(client.StartSession()), must[*mongo.Session](t)(client.StartSession())
	actx, bctx := mongo.NewSessionContext(ctx, a), mongo.NewSessionContext(ctx, b)
	_ = a.StartTransaction()
	_ = b.StartTransaction()
	must[*mongo.UpdateResult](t)(c.UpdateOne(actx, bson.M{"_id": 1}, inc))
	_, err := c.UpdateOne(bctx, bson.M{"_id": 1}, inc)
	var se mongo.ServerError
	if !errors.As(err, &se) || !se.HasErrorCode(112) || !se.HasErrorLabel("TransientTransactionError") {
		t.Fatalf("second writer: %v", err)
	}
	if err := a.CommitTransaction(actx); err != nil {
		t.Fatal(err)
	}
	if err := b.CommitTransaction(bctx); code(err) != 251 {
		t.Fatalf("commit of the loser: %v", err)
	}
}

func TestAStreamTellsWhatIsInserted(t *testing.T) {
	set, client := start(t, mongosim.Options{})
	ctx := t.Context()
	c := client.Database("d").Collection("c")
	cs := must[*mongo.ChangeStream](t)(c.Watch(ctx, mongo.Pipeline{}))
	go func() {
		for i := range 3 {
			_, _ = c.InsertOne(ctx, bson.M{"_id": i})
			if i == 1 {
				set.Primary().StepDown()
			}
		}
	}()
	for i := range 3 {
		if !cs.Next(ctx) {
			t.Fatal(cs.Err())
		}
		if id := cs.Current.Lookup("documentKey", "_id").AsInt64(); id != int64(i) {
			t.Fatalf("event %d tells of %d", i, id)
		}
	}
}
