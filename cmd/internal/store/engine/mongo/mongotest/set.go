// Package mongotest gives tests a replica set to run on: a running one that
// YUNZHANG_MONGODB_URI names; three members of the program that YUNZHANG_MONGOD
// names or that is on the PATH as mongod; or else the simulated one. It is
// linked into tests only.
//
// Tests on the first two are the judge of what the engine does; the simulated
// set judges what it does while things break, by seed. [Set.Kind] says which it
// was, and every test that starts one logs it.
package mongotest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// Where a replica set comes from.
const (
	uriEnv    = "YUNZHANG_MONGODB_URI" // a running one; its database is not used
	mongodEnv = "YUNZHANG_MONGOD"      // the program
)

// Kind of a replica set.
type Kind string

// The kinds.
const (
	Running   Kind = "a running MongoDB"
	Own       Kind = "three members of a mongod of its own"
	Simulated Kind = "the simulated replica set"
)

// Set is a replica set for tests.
type Set struct {
	URI  string // without a database
	Kind Kind
	Sim  *mongosim.Set // when it is simulated

	own []*member
}

// Options of a set.
type Options struct {
	// Sim is for the simulated one.
	Sim mongosim.Options
	// OnlySim asks for the simulated one, for tests that it alone can judge.
	OnlySim bool
	// Control is for a test that kills, pauses or steps down members: of a mongod
	// it has three of its own, and not those that other tests share.
	Control bool
}

// TxnLifetime is how long a transaction whose client has died keeps its rows
// on a set that is started here: less than tests wait.
const TxnLifetime = 2 * time.Second

// Start gives a set. A simulated one ends with the test.
func Start(t testing.TB, o Options) *Set {
	t.Helper()
	s := start(t, o)
	t.Logf("judged by %s", s.Kind)
	return s
}

func start(t testing.TB, o Options) *Set {
	t.Helper()
	if !o.OnlySim {
		if uri := os.Getenv(uriEnv); uri != "" {
			return &Set{URI: uri, Kind: Running}
		}
		if program := findMongod(); program != "" {
			return ownSet(t, program, o.Control)
		}
	}
	if o.Sim.TxnLifetime == 0 {
		o.Sim.TxnLifetime = TxnLifetime
	}
	sim, err := mongosim.Start(o.Sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	return &Set{URI: sim.URI(), Kind: Simulated, Sim: sim}
}

func findMongod() string {
	if p := os.Getenv(mongodEnv); p != "" {
		return p
	}
	p, err := exec.LookPath("mongod")
	if err != nil {
		return ""
	}
	return p
}

// Database makes a name for a database that is dropped behind the test.
func (s *Set) Database(t testing.TB) string {
	t.Helper()
	name := "yz_test_" + strings.ToLower(rand.Text()[:12])
	if s.Sim != nil {
		return name // it goes with its set
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c, err := driver.Connect(options.Client().ApplyURI(s.URI))
		if err == nil {
			err = c.Database(name).Drop(ctx)
			_ = c.Disconnect(ctx)
		}
		if err != nil {
			t.Logf("drop %s: %v", name, err)
		}
	})
	return name
}

// URIOf gives the connection string with a database in it. A list of hosts with
// ports is no URL, so it is not taken apart as one.
func (s *Set) URIOf(database string) string {
	head, query, _ := strings.Cut(s.URI, "?")
	scheme, rest, _ := strings.Cut(head, "://")
	hosts, old, _ := strings.Cut(rest, "/")
	if old != "" && !strings.Contains(strings.ToLower(query), "authsource=") {
		query = strings.TrimPrefix(query+"&authSource="+old, "&") // the database was where users are looked up
	}
	uri := scheme + "://" + hosts + "/" + database
	if query != "" {
		uri += "?" + query
	}
	return uri
}

// Open opens an engine on a database of a set and closes it behind the test.
func Open(t testing.TB, s *Set, o mongo.Options) *mongo.Engine {
	t.Helper()
	o.URI = s.URI
	if o.Database == "" {
		o.Database = s.Database(t)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e, err := mongo.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}
