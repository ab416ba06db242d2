package mongosim_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

func TestValuesSortInMongoDBsOrder(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	ordered := a{
		bson.MinKey{}, nil, math.NaN(), math.Inf(-1), int64(math.MinInt64), -1.5, int32(-1), 0, 0.5, int64(1), int64(1 << 53), int64(1<<53 + 1), int64(1<<53 + 2), int64(math.MaxInt64), math.Inf(1),
		"", "a", "a\x00", "ab", "b", m{}, m{"a": 1}, m{"a": 2}, m{"b": 0}, m{"a": "x"},
		bson.Binary{Data: []byte{9}}, bson.Binary{Data: []byte{1, 1}}, bson.Binary{Subtype: 4, Data: []byte{1, 1}},
		bson.ObjectID{1}, bson.ObjectID{2}, false, true, bson.DateTime(-1), bson.DateTime(1), bson.Timestamp{T: 1, I: 2}, bson.Timestamp{T: 2}, bson.MaxKey{},
	}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(ordered)) {
		must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), m{"_id": i, "v": ordered[i]}))
	}
	check := func(what string, back int) {
		cur := must[*mongo.Cursor](t)(c.Find(t.Context(), m{}, options.Find().SetSort(d{{Key: "v", Value: back}, {Key: "_id", Value: back}})))
		var got []struct {
			ID int `bson:"_id"`
		}
		if err := cur.All(t.Context(), &got); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			want := i
			if back < 0 {
				want = len(ordered) - 1 - i
			}
			if got[i].ID != want {
				t.Errorf("%s: place %d has value %v, not %v", what, i, ordered[got[i].ID], ordered[want])
			}
		}
	}
	check("sorted in memory", 1)
	must[string](t)(c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: d{{Key: "v", Value: 1}}}))
	check("by an index", 1)
	check("by an index backwards", -1)
	_ = c.Indexes().DropOne(t.Context(), "v_1")
	must[string](t)(c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: d{{Key: "v", Value: -1}}}))
	check("by a descending index backwards", 1)
	check("by a descending index", -1)
}

func TestAnIndexKeepsItsPromises(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	one := func(keys d, o *options.IndexOptionsBuilder) error {
		_, err := c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: keys, Options: o})
		return err
	}
	ab := d{{Key: "a", Value: 1}, {Key: "b", Value: -1}}
	partial := func() *options.IndexOptionsBuilder {
		return options.Index().SetUnique(true).SetName("p").SetPartialFilterExpression(m{"state": "on"})
	}
	for i, step := range []struct {
		err  error
		code int
	}{
		{one(ab, options.Index().SetName("ab").SetUnique(true)), 0},
		{one(ab, options.Index().SetName("ab").SetUnique(true)), 0},
		{one(ab, options.Index().SetName("ba").SetUnique(true)), 85},
		{one(ab, options.Index().SetName("ab")), 86},
		{one(d{{Key: "z", Value: 1}}, options.Index().SetName("ab")), 86},
		{one(d{{Key: "x", Value: 1}}, partial()), 0},
	} {
		if code(step.err) != step.code {
			t.Errorf("index %d: %v", i, step.err)
		}
	}
	for i, row := range []struct {
		doc   m
		taken bool
	}{
		{m{"a": 1, "b": 1, "x": 1, "state": "on"}, false},
		{m{"a": 1, "b": 2, "x": 1, "state": "off"}, false},
		{m{"a": 1, "b": 2, "x": 2}, true},
		{m{"a": 1.0, "b": int64(1), "x": 2}, true},
		{m{"a": 1, "b": 3, "x": 1, "state": "on"}, true},
		{m{"a": nil, "x": 3}, false},
		{m{"x": 4}, true}, // absent is null
		{m{"a": a{7, 8}, "b": 0, "x": 5}, false},
		{m{"a": 8, "b": 0, "x": 5}, true},
	} {
		if _, err := c.InsertOne(t.Context(), row.doc); mongo.IsDuplicateKeyError(err) != row.taken || err != nil && !row.taken {
			t.Errorf("document %d: %v", i, err)
		}
	}
	if _, err := c.UpdateOne(t.Context(), m{"state": "off"}, m{"$set": m{"state": "on"}}); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("an update into a partial unique index: %v", err)
	}
	if err := one(d{{Key: "x", Value: 1}}, options.Index().SetUnique(true)); !mongo.IsDuplicateKeyError(err) {
		t.Errorf("a unique index over equal values: %v", err)
	}
	specs := must[[]mongo.IndexSpecification](t)(c.Indexes().ListSpecifications(t.Context()))
	if len(specs) != 3 || specs[0].Name != "_id_" || !*specs[1].Unique {
		t.Errorf("listed: %+v", specs)
	}
}

func TestExplainNamesTheIndex(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), m{"a": 1}))
	must[string](t)(c.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: d{{Key: "a", Value: 1}, {Key: "b", Value: 1}}}))
	for _, row := range []struct {
		find d
		want []string
	}{
		{d{{Key: "filter", Value: m{"a": 1}}}, []string{"FETCH", "IXSCAN", "a_1_b_1"}},
		{d{{Key: "filter", Value: m{"a": 1}}, {Key: "sort", Value: m{"b": -1}}}, []string{"FETCH", "IXSCAN", "a_1_b_1"}},
		{d{{Key: "filter", Value: m{"b": 1}}}, []string{"COLLSCAN"}},
		{d{{Key: "filter", Value: m{"b": 1}}, {Key: "hint", Value: "a_1_b_1"}}, []string{"FETCH", "IXSCAN", "a_1_b_1"}},
		{d{{Key: "filter", Value: m{"_id": 1}}}, []string{"FETCH", "IXSCAN", "_id_"}},
		{d{{Key: "filter", Value: m{"a": 1}}, {Key: "sort", Value: m{"c": 1}}}, []string{"SORT", "FETCH", "IXSCAN", "a_1_b_1"}},
	} {
		find := append(d{{Key: "find", Value: "c"}}, row.find...)
		raw := must[bson.Raw](t)(client.Database("d").RunCommand(t.Context(), d{{Key: "explain", Value: find}}).Raw())
		plan := raw.Lookup("queryPlanner", "winningPlan").Document()
		for i, want := range row.want {
			key := "stage"
			if want != "FETCH" && want != "SORT" && want != "IXSCAN" && want != "COLLSCAN" {
				key = "indexName"
			} else if i > 0 {
				plan = plan.Lookup("inputStage").Document()
			}
			if got := plan.Lookup(key).StringValue(); got != want {
				t.Errorf("%v: %s is %s, not %s", row.find, key, got, want)
			}
		}
	}
	if err := client.Database("d").RunCommand(t.Context(), d{{Key: "find", Value: "c"}, {Key: "hint", Value: "nope"}}).Err(); code(err) != 2 {
		t.Errorf("a hint at no index: %v", err)
	}
}
