package mongosim_test

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// The driver takes it for what it says it is; what needs a set is refused with
// the server's codes, and what a set of that name is asked for is not found.
func TestAServerThatStandsAlone(t *testing.T) {
	set, client := start(t, mongosim.Options{Standalone: true})
	ctx := t.Context()
	var hello bson.M
	if err := client.Database("admin").RunCommand(ctx, d{{Key: "hello", Value: 1}}).Decode(&hello); err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"setName", "hosts", "secondary", "$clusterTime", "operationTime"} {
		if v, has := hello[field]; has {
			t.Errorf("hello has %s: %v", field, v)
		}
	}
	c := at(client, nil, nil)
	must[*mongo.InsertOneResult](t)(c.InsertOne(ctx, m{"_id": 1}))
	must[*mongo.UpdateResult](t)(c.UpdateByID(ctx, 1, m{"$set": m{"n": 1}}))
	if n := must[int64](t)(c.CountDocuments(ctx, m{"n": 1})); n != 1 {
		t.Errorf("%d documents", n)
	}
	s := must[*mongo.Session](t)(client.StartSession())
	defer s.EndSession(ctx)
	if err := s.StartTransaction(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.InsertOne(mongo.NewSessionContext(ctx, s), m{"_id": 2}); code(err) != 20 {
		t.Errorf("a transaction: %v", err)
	}
	if _, err := c.Watch(ctx, mongo.Pipeline{}); code(err) != 40573 {
		t.Errorf("a change stream: %v", err)
	}
	if err := client.Database("admin").RunCommand(ctx, d{{Key: "replSetGetStatus", Value: 1}}).Err(); code(err) != 76 {
		t.Errorf("the state of a set: %v", err)
	}
	named, err := mongo.Connect(clientOptions(set.URI() + "?replicaSet=sim").SetServerSelectionTimeout(100 * time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = named.Disconnect(ctx) }()
	if err := named.Ping(ctx, nil); err == nil {
		t.Error("it passes for a member of a set")
	}
}
