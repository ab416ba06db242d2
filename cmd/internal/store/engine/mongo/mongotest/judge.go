package mongotest

import (
	"cmp"
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
)

// Judge holds what engines send against the declared queries, by database.
type Judge struct {
	mu   sync.Mutex
	sent map[string]map[string]mongo.Sent // by database, one of each form; guarded by mu
	bad  []error                          // guarded by mu
}

// Monitor hears what is sent.
func (j *Judge) Monitor() *event.CommandMonitor {
	j.sent = map[string]map[string]mongo.Sent{}
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		queries, err := mongo.Queries(e.CommandName, slices.Clone(e.Command))
		j.mu.Lock()
		defer j.mu.Unlock()
		if err != nil {
			j.bad = append(j.bad, err)
		}
		for _, q := range queries {
			database := cmp.Or(q.Database, e.DatabaseName)
			of := j.sent[database]
			if of == nil {
				of = map[string]mongo.Sent{}
				j.sent[database] = of
			}
			form := fmt.Sprint(q.Command, q.Collection, q.Shape.Filter, q.Hint, q.Sort, q.Min != nil, q.Max != nil)
			of[form] = q
		}
	}}
}

// Verdict is given on what was sent to a database while its engine is open: every
// query is declared, and on a real server explain names the index that it must
// use. It gives the number of forms that there were.
func (j *Judge) Verdict(t testing.TB, e *mongo.Engine, set *Set, database string) int {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, err := range j.bad {
		t.Error(err)
	}
	for _, q := range j.sent[database] {
		shape, err := e.ShapeOf(q)
		if err != nil {
			t.Error(err)
			continue
		}
		if lists := q.Filter != nil || q.Hint != "" || q.Sort != nil; lists && set.Kind != Simulated && shape.Index != mongo.NoIndex {
			explain(t, set, database, q, shape.Index)
		}
	}
	return len(j.sent[database])
}

// asFind is a query as a find, which explain takes whatever the query was part of.
func asFind(q mongo.Sent) bson.D {
	find := bson.D{{Key: "find", Value: q.Collection}}
	for name, part := range map[string]bson.Raw{"filter": q.Filter, "sort": q.Sort, "min": q.Min, "max": q.Max} {
		if part != nil {
			find = append(find, bson.E{Key: name, Value: part})
		}
	}
	if q.Hint != "" {
		find = append(find, bson.E{Key: "hint", Value: q.Hint})
	}
	return find
}

// explain asks the server which index answers a query.
func explain(t testing.TB, set *Set, database string, q mongo.Sent, index string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	defer cancel()
	c, err := driver.Connect(options.Client().ApplyURI(set.URI))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Disconnect(ctx) }()
	find := asFind(q)
	plan, err := c.Database(database).RunCommand(ctx, bson.D{{Key: "explain", Value: find}, {Key: "verbosity", Value: "queryPlanner"}}).Raw()
	if err != nil {
		t.Errorf("explain %v: %v", find, err)
		return
	}
	said, _ := plan.LookupErr("queryPlanner", "winningPlan")
	text := said.String()
	if q.Command == "$lookup" && strings.Contains(text, "IXSCAN") {
		return // no hint can be given there: the planner chooses among those that fit
	}
	byID := index == "_id_" && (strings.Contains(text, "IDHACK") || strings.Contains(text, "EXPRESS") || strings.Contains(text, "CLUSTERED"))
	if strings.Contains(text, "COLLSCAN") || strings.Contains(text, `"SORT"`) || !byID && !strings.Contains(text, `"`+index+`"`) {
		t.Errorf("%s on %s by %v is not answered by %q: %s", q.Command, q.Collection, q.Shape.Filter, index, text)
	}
}
