// Package storetest chooses the store that tests run on: the embedded one, or,
// with YUNZHANG_TEST_STORE=mongodb, what mongotest finds: a running MongoDB, a
// mongod of its own, or the simulated replica set. It is linked into tests only.
package storetest

import (
	"os"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// chosen is the variable that chooses.
const chosen = "YUNZHANG_TEST_STORE"

// OnMongo reports whether the tests run on MongoDB.
func OnMongo() bool { return os.Getenv(chosen) == config.OnMongo }

// Choose gives the store of a configuration for one test: with MongoDB a
// replica set, and databases that are nobody else's.
func Choose(t testing.TB) config.Store {
	t.Helper()
	return ChooseAt(t, nil)
}

// ChooseAt is Choose with a clock of the test's own, which a real MongoDB does
// not take: there the simulated one is used.
func ChooseAt(t testing.TB, now func() time.Time) config.Store {
	t.Helper()
	if !OnMongo() {
		return config.Default().Store
	}
	return On(t, mongotest.Start(t, mongotest.Options{OnlySim: now != nil, Sim: mongosim.Options{Clock: now}}))
}

// On gives a store on a replica set, with databases of its own.
func On(t testing.TB, set *mongotest.Set) config.Store {
	t.Helper()
	s := config.Default().Store
	s.Engine = config.OnMongo
	s.MongoDB.URI, s.MongoDB.Database, s.MongoDB.SignerDatabase = set.URI, set.Database(t), set.Database(t)
	return s
}
