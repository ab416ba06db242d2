package mongosim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

type (
	d = bson.D
	m = bson.M
	a = bson.A
)

func ids(t *testing.T, cur *mongo.Cursor, err error) string {
	t.Helper()
	if err != nil {
		return fmt.Sprint("error ", code(err))
	}
	var got []struct {
		ID any `bson:"_id"`
	}
	if err := cur.All(t.Context(), &got); err != nil {
		return err.Error()
	}
	var s []string
	for _, g := range got {
		s = append(s, fmt.Sprint(g.ID))
	}
	return strings.Join(s, " ")
}

func TestFiltersFindWhatTheManualSays(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	must[*mongo.InsertManyResult](t)(c.InsertMany(t.Context(), []any{
		m{"_id": 1, "a": 1, "s": "x", "e": m{"f": 1}},
		m{"_id": 2, "a": int64(2), "s": "y", "list": a{1, 2}},
		m{"_id": 3, "a": 2.5, "s": nil, "docs": a{m{"k": 1}, m{"k": 2}}},
		m{"_id": 4, "a": "2", "e": m{"f": "z"}},
		m{"_id": 5},
	}))
	for _, row := range []struct {
		filter any
		want   string
	}{
		{m{}, "1 2 3 4 5"},
		{m{"a": 2}, "2"},
		{m{"a": 2.0}, "2"},
		{m{"a": m{"$gt": 1}}, "2 3"},
		{m{"a": m{"$gte": 1, "$lt": 2.5}}, "1 2"},
		{m{"a": m{"$lte": "2"}}, "4"},
		{m{"a": m{"$ne": 1}}, "2 3 4 5"},
		{m{"s": nil}, "3 4 5"},
		{m{"s": m{"$exists": true}}, "1 2 3"},
		{m{"s": m{"$exists": false}}, "4 5"},
		{m{"_id": m{"$in": a{4, 1, 9}}}, "1 4"},
		{m{"a": m{"$nin": a{1, "2"}}}, "2 3 5"},
		{m{"e.f": 1}, "1"},
		{m{"e": m{"f": 1}}, "1"},
		{m{"list": 2}, "2"},
		{m{"list": a{1, 2}}, "2"},
		{m{"list": m{"$gt": 1}}, "2"},
		{m{"docs.k": 2}, "3"},
		{m{"docs.1.k": 2}, "3"},
		{m{"$or": a{m{"a": 1}, m{"s": "y"}}}, "1 2"},
		{m{"$and": a{m{"a": m{"$gt": 1}}, m{"s": "y"}}}, "2"},
		{m{"$nor": a{m{"a": 1}, m{"s": "y"}}}, "3 4 5"},
		{m{"a": m{"$not": m{"$gt": 1}}}, "1 4 5"},
		{m{"$expr": m{"$eq": a{"$e.f", "z"}}}, "4"},
		{m{"a": m{"$regex": "2"}}, "error 238"},
		{m{"a": m{"$elemMatch": m{"$gt": 1}}}, "error 238"},
		{m{"$where": "1"}, "error 238"},
		{m{"a": bson.Regex{Pattern: "2"}}, "error 238"},
	} {
		cur, err := c.Find(t.Context(), row.filter)
		if got := ids(t, cur, err); got != row.want {
			t.Errorf("%v finds %q, not %q", row.filter, got, row.want)
		}
	}
}

func TestUpdatesDoWhatTheManualSays(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	before := d{{Key: "_id", Value: 1}, {Key: "n", Value: int32(1)}, {Key: "e", Value: d{{Key: "f", Value: int32(1)}}}, {Key: "l", Value: a{int32(1)}}}
	for _, row := range []struct {
		update any
		want   string
	}{
		{m{"$set": m{"n": 2}}, `{"_id":1,"n":2,"e":{"f":1},"l":[1]}`},
		{m{"$set": m{"e.g": 2, "b": 3}}, `{"_id":1,"n":1,"e":{"f":1,"g":2},"l":[1],"b":3}`},
		{m{"$unset": m{"e.f": ""}}, `{"_id":1,"n":1,"e":{},"l":[1]}`},
		{m{"$inc": m{"n": 2, "z": 1}}, `{"_id":1,"n":3,"e":{"f":1},"l":[1],"z":1}`},
		{m{"$min": m{"n": 0}, "$max": m{"e.f": 0}}, `{"_id":1,"n":0,"e":{"f":1},"l":[1]}`},
		{m{"$push": m{"l": 2}}, `{"_id":1,"n":1,"e":{"f":1},"l":[1,2]}`},
		{m{"$set": m{"l.0": 7}}, `{"_id":1,"n":1,"e":{"f":1},"l":[7]}`},
		{m{"$setOnInsert": m{"n": 9}}, `{"_id":1,"n":1,"e":{"f":1},"l":[1]}`},
		{a{m{"$set": m{"n": m{"$add": a{"$n", 5}}}}}, `{"_id":1,"n":6,"e":{"f":1},"l":[1]}`},
		{m{"$inc": m{"e": 1}}, "14"},
		{m{"$set": m{"_id": 2}}, "66"},
		{m{"$set": m{"n.x": 2}}, "28"},
		{m{"$rename": m{"n": "o"}}, "238"},
		{m{"$set": m{"l.$[]": 1}}, "238"},
	} {
		must[*mongo.DeleteResult](t)(c.DeleteMany(t.Context(), m{}))
		must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), before))
		_, err := c.UpdateOne(t.Context(), m{"_id": 1}, row.update)
		got := fmt.Sprint(code(err))
		if err == nil {
			raw := must[bson.Raw](t)(c.FindOne(t.Context(), m{}).Raw())
			got = string(must[[]byte](t)(bson.MarshalExtJSON(raw, false, false)))
		}
		if got != row.want {
			t.Errorf("%v gives %s, not %s", row.update, got, row.want)
		}
	}
}

func TestAnUpsertInsertsTheEqualitiesOfItsFilter(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	r := must[*mongo.UpdateResult](t)(c.UpdateOne(t.Context(), m{"_id": "u", "k": m{"$eq": 1}, "n": m{"$gt": 3}}, m{"$set": m{"v": 2}, "$setOnInsert": m{"w": 3}}, options.UpdateOne().SetUpsert(true)))
	if r.UpsertedID != "u" || r.MatchedCount != 0 {
		t.Errorf("upsert: %+v", r)
	}
	if n := must[int64](t)(c.CountDocuments(t.Context(), m{"_id": "u", "k": 1, "v": 2, "w": 3, "n": m{"$exists": false}})); n != 1 {
		t.Error("the document is not what the filter and the update say")
	}
	r = must[*mongo.UpdateResult](t)(c.ReplaceOne(t.Context(), m{"x": 1}, m{"x": 1}, options.Replace().SetUpsert(true)))
	if _, ok := r.UpsertedID.(bson.ObjectID); !ok {
		t.Errorf("replacement: %+v", r)
	}
}

func TestAggregationsComputeWhatTheManualSays(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	db := client.Database("d")
	c := db.Collection("c")
	must[*mongo.InsertManyResult](t)(c.InsertMany(t.Context(), []any{m{"_id": 1, "k": "a", "n": 1}, m{"_id": 2, "k": "b", "n": 2}, m{"_id": 3, "k": "a", "n": 4}}))
	must[*mongo.InsertManyResult](t)(db.Collection("o").InsertMany(t.Context(), []any{m{"_id": "a", "v": 7}, m{"_id": "b", "v": 8}}))
	sorted := d{{Key: "$sort", Value: m{"_id": 1}}}
	for _, row := range []struct {
		pipeline a
		want     string
	}{
		{a{m{"$match": m{"n": m{"$gt": 1}}}, m{"$count": "c"}}, `[{"c":2}]`},
		{a{m{"$sort": m{"n": -1}}, m{"$skip": 1}, m{"$limit": 1}, m{"$project": m{"n": 1, "_id": 0}}}, `[{"n":2}]`},
		{a{m{"$group": d{{Key: "_id", Value: "$k"}, {Key: "s", Value: m{"$sum": "$n"}}}}, sorted}, `[{"_id":"a","s":5},{"_id":"b","s":2}]`},
		{a{m{"$match": m{"_id": 1}}, m{"$lookup": m{"from": "o", "localField": "k", "foreignField": "_id", "as": "j"}}, m{"$project": m{"j": 1}}}, `[{"_id":1,"j":[{"_id":"a","v":7}]}]`},
		{a{m{"$match": m{"_id": 2}}, m{"$lookup": d{{Key: "from", Value: "o"}, {Key: "let", Value: m{"x": "$k"}}, {Key: "pipeline", Value: a{m{"$match": m{"$expr": m{"$eq": a{"$_id", "$$x"}}}}, m{"$project": m{"_id": 0}}}}, {Key: "as", Value: "j"}}}, m{"$unwind": "$j"}, m{"$replaceRoot": m{"newRoot": "$j"}}}, `[{"v":8}]`},
		{a{m{"$match": m{"_id": 1}}, m{"$lookup": m{"from": "o", "pipeline": a{m{"$sort": m{"v": -1}}, m{"$limit": 1}}, "as": "j"}}, m{"$project": m{"j.v": 1, "_id": 0}}}, `[{"j":[{"v":8}]}]`},
		{a{m{"$match": m{"_id": 1}}, m{"$project": m{"_id": 0, "t": m{"$cond": a{m{"$lt": a{"$$NOW", bson.DateTime(1 << 60)}}, "past", "future"}}}}}, `[{"t":"past"}]`},
		{a{m{"$facet": m{}}}, "40324"},
		{a{m{"$project": m{"x": m{"$toUpper": "$k"}}}}, "238"},
	} {
		cur, err := c.Aggregate(t.Context(), row.pipeline)
		got := fmt.Sprint(code(err))
		if err == nil {
			var docs []bson.Raw
			if err := cur.All(t.Context(), &docs); err != nil {
				t.Fatal(err)
			}
			var parts []string
			for _, r := range docs {
				parts = append(parts, string(must[[]byte](t)(bson.MarshalExtJSON(r, false, false))))
			}
			got = "[" + strings.Join(parts, ",") + "]"
		}
		if got != row.want {
			t.Errorf("%v gives %s, not %s", row.pipeline, got, row.want)
		}
	}
}

func TestABulkWriteGoesOverCollections(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	w := mongo.NewClientInsertOneModel().SetDocument(m{"_id": 1, "n": 1})
	writes := []mongo.ClientBulkWrite{
		{Database: "d", Collection: "c", Model: w},
		{Database: "d", Collection: "o", Model: w},
		{Database: "d", Collection: "c", Model: mongo.NewClientUpdateOneModel().SetFilter(m{"_id": 1}).SetUpdate(m{"$inc": m{"n": 1}})},
		{Database: "d", Collection: "o", Model: mongo.NewClientDeleteOneModel().SetFilter(m{"_id": 1})},
		{Database: "d", Collection: "o", Model: mongo.NewClientReplaceOneModel().SetFilter(m{"_id": 2}).SetReplacement(m{"n": 3}).SetUpsert(true)},
	}
	r := must[*mongo.ClientBulkWriteResult](t)(client.BulkWrite(t.Context(), writes, options.ClientBulkWrite().SetVerboseResults(true)))
	if r.InsertedCount != 2 || r.ModifiedCount != 1 || r.DeletedCount != 1 || r.UpsertedCount != 1 || r.UpdateResults[4].UpsertedID != int32(2) {
		t.Errorf("bulk write: %+v", r)
	}
	_, err := client.BulkWrite(t.Context(), writes)
	if !mongo.IsDuplicateKeyError(err) && !strings.Contains(fmt.Sprint(err), "E11000") {
		t.Errorf("the same again: %v", err)
	}
	_, old := start(t, mongosim.Options{Wire: 21})
	if _, err := old.BulkWrite(t.Context(), writes); err == nil {
		t.Error("MongoDB 7.0 knows bulkWrite")
	}
}

func TestCursorsGoOnAndAreKilled(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	for i := range 10 {
		must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), m{"_id": i}))
	}
	cur := must[*mongo.Cursor](t)(c.Find(t.Context(), m{}, options.Find().SetBatchSize(3)))
	var got []int32
	for range 5 {
		if !cur.Next(t.Context()) {
			t.Fatal(cur.Err())
		}
		got = append(got, cur.Current.Lookup("_id").Int32())
	}
	if !slices.Equal(got, []int32{0, 1, 2, 3, 4}) {
		t.Errorf("got %v", got)
	}
	id := cur.ID()
	if err := cur.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := client.Database("d").RunCommand(t.Context(), d{{Key: "getMore", Value: id}, {Key: "collection", Value: "c"}}).Err(); code(err) != 43 {
		t.Errorf("getMore of a killed cursor: %v", err)
	}
}

func TestWhatIsNotImitatedIsRefusedByName(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	for _, row := range []struct {
		command d
		code    int
		name    string
	}{
		{d{{Key: "mapReduce", Value: "c"}}, 59, "mapReduce"},
		{d{{Key: "getParameter", Value: "*"}}, 59, "getParameter"},
		{d{{Key: "find", Value: "c"}, {Key: "tailable", Value: true}}, 238, "tailable"},
		{d{{Key: "create", Value: "c"}, {Key: "capped", Value: true}}, 238, "capped"},
		{d{{Key: "createIndexes", Value: "c"}, {Key: "indexes", Value: a{m{"key": m{"x": "text"}, "name": "x"}}}}, 238, "text"},
		{d{{Key: "createIndexes", Value: "c"}, {Key: "indexes", Value: a{m{"key": m{"x": 1}, "name": "x", "expireAfterSeconds": 1}}}}, 238, "expireAfterSeconds"},
		{d{{Key: "insert", Value: "c"}, {Key: "documents", Value: a{m{"_id": bson.Decimal128{}}}}}, 238, "decimal"},
		{d{{Key: "find", Value: "c"}, {Key: "readConcern", Value: m{"level": "eventual"}}}, 238, "eventual"},
	} {
		err := client.Database("d").RunCommand(t.Context(), row.command).Err()
		if code(err) != row.code || !strings.Contains(fmt.Sprint(err), row.name) || !strings.Contains(fmt.Sprint(err), "mongosim") {
			t.Errorf("%v: %v", row.command, err)
		}
	}
}
