package mongo_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

func TestUndeclaredQueriesAreSeen(t *testing.T) {
	t.Parallel()
	e := mongotest.Open(t, mongotest.Start(t, mongotest.Options{}), mongo.Options{})
	for name, command := range map[string]bson.D{
		"a field without an index": {{Key: "find", Value: "yz_blobs"}, {Key: "filter", Value: bson.D{{Key: "size", Value: 1}}}},
		"another collection":       {{Key: "find", Value: "ghosts"}, {Key: "filter", Value: bson.D{{Key: "_id", Value: "a"}}}},
		"another hint": {{Key: "find", Value: "yz_blobs"}, {Key: "filter", Value: bson.D{{Key: "_id", Value: "a"}}},
			{Key: "hint", Value: "yz size"}},
		"an update by another field": {{Key: "update", Value: "yz_anchor"}, {Key: "updates", Value: bson.A{
			bson.D{{Key: "q", Value: bson.D{{Key: "ver", Value: 1}}}}}}},
	} {
		raw, err := bson.Marshal(command)
		if err != nil {
			t.Fatal(err)
		}
		queries, err := mongo.Queries(command[0].Key, raw)
		if err != nil || len(queries) != 1 {
			t.Fatalf("%s: %v, %v", name, queries, err)
		}
		if shape, err := e.ShapeOf(queries[0]); err == nil {
			t.Errorf("%s passes as %+v", name, shape)
		}
	}
}
