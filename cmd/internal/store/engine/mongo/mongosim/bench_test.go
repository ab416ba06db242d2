package mongosim_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// BenchmarkStart makes a set, and nothing else.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		set, err := mongosim.Start(mongosim.Options{})
		if err != nil {
			b.Fatal(err)
		}
		set.Close()
	}
}

// BenchmarkTransaction reads and writes a document in a transaction.
func BenchmarkTransaction(b *testing.B) {
	set, err := mongosim.Start(mongosim.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer set.Close()
	client, err := mongo.Connect(clientOptions(set.URI()))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = client.Disconnect(b.Context()) }()
	c := at(client, nil, nil)
	if _, err := c.InsertOne(b.Context(), m{"_id": 0, "n": 0}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := step(b.Context(), client, c, 1); err != nil {
			b.Fatal(err)
		}
	}
}
