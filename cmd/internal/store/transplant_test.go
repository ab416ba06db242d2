package store_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// transplant gives doc, one version on, with a field of another document.
func transplant(t *testing.T, doc, from bson.Raw, field string) bson.Raw {
	t.Helper()
	var d, f bson.D
	if err := bson.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	if err := bson.Unmarshal(from, &f); err != nil {
		t.Fatal(err)
	}
	for i := range d {
		switch d[i].Key {
		case "ver":
			d[i].Value = d[i].Value.(int64) + 1
		case field:
			d[i].Value = f[i].Value
		}
	}
	out, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
