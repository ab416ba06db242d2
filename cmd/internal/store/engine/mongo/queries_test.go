package mongo_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// judge holds what an engine sends against the declared queries.
type judge struct {
	mu   sync.Mutex
	sent map[string]mongo.Sent // one of each form; guarded by mu
	bad  []error               // guarded by mu
}

func (j *judge) monitor() *event.CommandMonitor {
	j.sent = map[string]mongo.Sent{}
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		queries, err := mongo.Queries(e.CommandName, slices.Clone(e.Command))
		j.mu.Lock()
		defer j.mu.Unlock()
		if err != nil {
			j.bad = append(j.bad, err)
		}
		for _, q := range queries {
			form := fmt.Sprint(q.Command, q.Collection, q.Shape.Filter, q.Hint, q.Sort, q.Min != nil, q.Max != nil)
			j.sent[form] = q
		}
	}}
}

// verdict is given while the engine is open.
func (j *judge) verdict(t testing.TB, e *mongo.Engine, set *mongotest.Set, database string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, err := range j.bad {
		t.Error(err)
	}
	for _, q := range j.sent {
		shape, err := e.ShapeOf(q)
		if err != nil {
			t.Error(err)
			continue
		}
		if set.Kind != mongotest.Simulated && q.Filter != nil {
			explain(t, set, database, q, shape.Index)
		}
	}
}

// explain asks the server which index answers a query.
func explain(t testing.TB, set *mongotest.Set, database string, q mongo.Sent, index string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	defer cancel()
	c, err := driver.Connect(options.Client().ApplyURI(set.URI))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Disconnect(ctx) }()
	find := bson.D{{Key: "find", Value: q.Collection}, {Key: "filter", Value: q.Filter}}
	for name, part := range map[string]bson.Raw{"sort": q.Sort, "min": q.Min, "max": q.Max} {
		if part != nil {
			find = append(find, bson.E{Key: name, Value: part})
		}
	}
	if q.Hint != "" {
		find = append(find, bson.E{Key: "hint", Value: q.Hint})
	}
	plan, err := c.Database(database).RunCommand(ctx, bson.D{{Key: "explain", Value: find}, {Key: "verbosity", Value: "queryPlanner"}}).Raw()
	if err != nil {
		t.Errorf("explain %v: %v", find, err)
		return
	}
	said, _ := plan.LookupErr("queryPlanner", "winningPlan")
	text := said.String()
	if q.Command == "$lookup" && strings.Contains(text, "IXSCAN") {
		return // no hint can be given there: the planner chooses among indexes
	}
	byID := index == "_id_" && (strings.Contains(text, "IDHACK") || strings.Contains(text, "EXPRESS") || strings.Contains(text, "CLUSTERED"))
	if strings.Contains(text, "COLLSCAN") || strings.Contains(text, `"SORT"`) || !byID && !strings.Contains(text, `"`+index+`"`) {
		t.Errorf("%s on %s by %v is not answered by %q: %s", q.Command, q.Collection, q.Shape.Filter, index, text)
	}
}

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
