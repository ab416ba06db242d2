package mongosim_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// walk does one thing after the other under faults and writes down what came of
// it. It counts in a document, so that what is done twice shows.
func walk(t *testing.T, seed uint64) (story []string, wrong int, faults map[string]int) {
	t.Helper()
	set, client := start(t, mongosim.Options{Seed: seed, Election: 3 * time.Millisecond})
	c := at(client, writeconcern.Majority(), readconcern.Majority())
	must[*mongo.InsertOneResult](t)(c.InsertOne(t.Context(), m{"_id": 0, "n": 0}))
	set.SetFaults(mongosim.Faults{Seed: seed, Rate: 0.5, Lasts: 10 * time.Millisecond})
	sure, open := 0, 0
	for i := range 12 {
		set.Step(uint64(i))
		err := step(t.Context(), client, c, i)
		switch {
		case err == nil:
			sure++
		case labelled(err, "UnknownTransactionCommitResult") || i%2 == 0:
			open++
		}
		story = append(story, fmt.Sprint(i, " ", err == nil))
	}
	set.SetFaults(mongosim.Faults{})
	var got struct{ N int }
	eventually(t, "an answer", func() bool { return c.FindOne(t.Context(), m{"_id": 0}).Decode(&got) == nil })
	if got.N < sure || got.N > sure+open {
		wrong++
	}
	return story, wrong, set.Stats().Faults
}

func step(ctx context.Context, client *mongo.Client, c *mongo.Collection, i int) error {
	inc := m{"$inc": m{"n": 1}}
	if i%2 == 0 {
		_, err := c.UpdateByID(ctx, 0, inc)
		return err
	}
	s, err := client.StartSession()
	if err != nil {
		return err
	}
	defer s.EndSession(ctx)
	_, err = s.WithTransaction(ctx, func(ctx context.Context) (any, error) { return c.UpdateByID(ctx, 0, inc) }, options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority()))
	return err
}

func TestNothingAcknowledgedIsLostOrDoneTwiceUnderFaults(t *testing.T) {
	kinds := map[string]int{}
	results := make(chan map[string]int, 100)
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(60) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				_, wrong, faults := walk(t, seed)
				if wrong > 0 {
					t.Error("the count is wrong")
				}
				results <- faults
			})
		}
	})
	close(results)
	for f := range results {
		for k, n := range f {
			kinds[k] += n
		}
	}
	for f := mongosim.DropBefore; f <= mongosim.Conflict; f++ {
		if kinds[f.String()] == 0 {
			t.Errorf("no seed met %s: %v", f, kinds)
		}
	}
}

func TestASeedReplays(t *testing.T) {
	for _, seed := range []uint64{3, 14, 15} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			first, _, one := walk(t, seed)
			second, _, two := walk(t, seed)
			if fmt.Sprint(first) != fmt.Sprint(second) || !maps.Equal(one, two) {
				t.Errorf("seed %d:\n%v %v\n%v %v", seed, first, one, second, two)
			}
		})
	}
}

func TestAFailPointFailsWhatItNames(t *testing.T) {
	_, client := start(t, mongosim.Options{})
	c := at(client, nil, nil)
	admin := client.Database("admin")
	point := func(mode any, data m) {
		t.Helper()
		if err := admin.RunCommand(t.Context(), d{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: mode}, {Key: "data", Value: data}}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	point(m{"times": 2}, m{"failCommands": a{"insert"}, "errorCode": 8})
	for i, want := range []int{8, 8, 0} {
		if _, err := c.InsertOne(t.Context(), m{}); code(err) != want {
			t.Errorf("insert %d: %v", i, err)
		}
	}
	point(m{"times": 1}, m{"failCommands": a{"find"}, "closeConnection": true})
	if err := c.FindOne(t.Context(), m{}).Err(); err != nil {
		t.Errorf("a find is retried: %v", err)
	}
	point(m{"times": 1}, m{"failCommands": a{"insert"}, "writeConcernError": m{"code": 64, "errmsg": "late"}})
	if _, err := c.InsertOne(t.Context(), m{"_id": "w"}); code(err) != 64 {
		t.Errorf("write concern error: %v", err)
	}
	if n := must[int64](t)(c.CountDocuments(t.Context(), m{"_id": "w"})); n != 1 {
		t.Error("the write itself did not happen")
	}
	point("alwaysOn", m{"failCommands": a{"insert"}, "errorCode": 11600, "appName": "somebody else"})
	if _, err := c.InsertOne(t.Context(), m{}); err != nil {
		t.Errorf("another application's fail point: %v", err)
	}
	if err := admin.RunCommand(t.Context(), d{{Key: "configureFailPoint", Value: "nonesuch"}, {Key: "mode", Value: "off"}}).Err(); code(err) != 238 {
		t.Errorf("an unknown fail point: %v", err)
	}
}

func TestAWeaknessShows(t *testing.T) {
	bg := t.Context()
	t.Run("AckWithoutMajority", func(t *testing.T) {
		set, client := start(t, mongosim.Options{Weak: mongosim.Weakness{AckWithoutMajority: true}, Election: slow})
		must[*mongo.InsertOneResult](t)(at(client, nil, nil).InsertOne(bg, m{"_id": 0}))
		old := set.Primary()
		alone := direct(t, old)
		old.Cut()
		must[*mongo.InsertOneResult](t)(at(alone, writeconcern.Majority(), nil).InsertOne(bg, m{"_id": 1}))
		eventually(t, "another primary", func() bool { p := set.Primary(); return p != nil && p != old })
		old.Heal()
		if n := must[int64](t)(at(client, nil, nil).CountDocuments(bg, m{})); n != 1 {
			t.Errorf("%d documents: it was kept", n)
		}
	})
	t.Run("ForgetStatements", func(t *testing.T) {
		set, client := start(t, mongosim.Options{Weak: mongosim.Weakness{ForgetStatements: true}})
		c := at(client, nil, nil)
		must[*mongo.InsertOneResult](t)(c.InsertOne(bg, m{"_id": 0, "n": 0}))
		set.DropNext("update", mongosim.DropAfter)
		must[*mongo.UpdateResult](t)(c.UpdateByID(bg, 0, m{"$inc": m{"n": 1}}))
		if n := must[int64](t)(c.CountDocuments(bg, m{"n": 2})); n != 1 {
			t.Error("it was done once")
		}
	})
	t.Run("NoWriteConflict", func(t *testing.T) {
		_, client := start(t, mongosim.Options{Weak: mongosim.Weakness{NoWriteConflict: true}})
		c := at(client, nil, nil)
		must[*mongo.InsertOneResult](t)(c.InsertOne(bg, m{"_id": 0, "n": 0}))
		x, xctx := began(t, client, nil)
		y, yctx := began(t, client, nil)
		for _, ctx := range []context.Context{xctx, yctx} {
			must[*mongo.UpdateResult](t)(c.UpdateByID(ctx, 0, m{"$inc": m{"n": 1}}))
		}
		if err := x.CommitTransaction(xctx); err != nil {
			t.Fatal(err)
		}
		if err := y.CommitTransaction(yctx); err != nil {
			t.Fatal(err)
		}
		var got struct{ N int }
		if err := c.FindOne(bg, m{}).Decode(&got); err != nil || got.N != 1 {
			t.Errorf("n = %d, %v: nothing was lost", got.N, err)
		}
	})
	t.Run("LazyMajorityReads", func(t *testing.T) {
		set, client := start(t, mongosim.Options{Weak: mongosim.Weakness{LazyMajorityReads: true}})
		set.Member(1).Hold()
		set.Member(2).Hold()
		must[*mongo.InsertOneResult](t)(at(client, writeconcern.W1(), nil).InsertOne(bg, m{"_id": 0}))
		if n := must[int64](t)(at(client, nil, readconcern.Majority()).CountDocuments(bg, m{})); n != 1 {
			t.Error("a majority read did not see it")
		}
	})
	t.Run("LoseCommits", func(t *testing.T) {
		_, client := start(t, mongosim.Options{Weak: mongosim.Weakness{LoseCommits: true}})
		for i := range 100 {
			s, ctx := began(t, client, i)
			if err := s.CommitTransaction(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if n := must[int64](t)(at(client, nil, nil).CountDocuments(bg, bson.M{})); n == 100 {
			t.Error("no commit was lost")
		}
	})
}
