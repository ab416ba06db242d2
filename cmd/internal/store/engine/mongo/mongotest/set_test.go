package mongotest

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine/mongo"
)

// A list without a filter is explained too, which only a real server is asked.
func TestEveryQueryCanBeExplained(t *testing.T) {
	sort, err := bson.Marshal(bson.D{{Key: "_id", Value: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]mongo.Sent{
		"a list without a filter": {Shape: mongo.Shape{Collection: "rows"}, Hint: "_id_", Sort: sort},
		"by a filter":             {Shape: mongo.Shape{Collection: "rows"}, Filter: sort},
	} {
		if _, err := bson.Marshal(asFind(q)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestURIOf(t *testing.T) {
	for from, want := range map[string]string{
		"mongodb://h1:1,h2:2,h3:3/?replicaSet=rs0":  "mongodb://h1:1,h2:2,h3:3/db?replicaSet=rs0",
		"mongodb://h1:1,h2:2":                       "mongodb://h1:1,h2:2/db",
		"mongodb://u:p@h1:1,h2:2/users?tls=true":    "mongodb://u:p@h1:1,h2:2/db?tls=true&authSource=users",
		"mongodb://u:p@h1:1/users?authSource=admin": "mongodb://u:p@h1:1/db?authSource=admin",
	} {
		if got := (&Set{URI: from}).URIOf("db"); got != want {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
	}
}
