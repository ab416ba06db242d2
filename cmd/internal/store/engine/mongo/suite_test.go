package mongo_test

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/enginetest"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	suite(t, mongotest.Start(t, mongotest.Options{}))
}

// suite runs the suite and holds every query against the declared ones.
func suite(t *testing.T, set *mongotest.Set) {
	t.Helper()
	enginetest.Run(t, enginetest.Traits{KeepsIndexes: true}, func(t testing.TB) engine.Engine {
		j, database := &mongotest.Judge{}, set.Database(t)
		e := mongotest.Open(t, set, mongo.Options{Database: database, Monitor: j.Monitor()})
		t.Cleanup(func() { j.Verdict(t, e, set, database) })
		return e
	})
}

// What a unit writes is judged too: a bulkWrite goes to the database "admin",
// whosever rows it is about.
func TestTheJudgeHearsWrites(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	j, database := &mongotest.Judge{}, set.Database(t)
	e := declared(t, set, mongo.Options{Database: database, Monitor: j.Monitor()})
	var forms []int
	for _, write := range []func(engine.Tx) error{
		func(engine.Tx) error { return nil },
		func(tx engine.Tx) error { return tx.Insert("rows", row(t, "a", 1)) }, // looks for nothing
		func(engine.Tx) error { return nil },
		func(tx engine.Tx) error { return tx.Replace("rows", row(t, "a", 2)) },
	} {
		err := e.Update(t.Context(), func(tx engine.Tx) error {
			if _, err := tx.Get("rows", "a"); err != nil && !errors.Is(err, unit.ErrAbsent) {
				return err
			}
			return write(tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		forms = append(forms, j.Verdict(t, e, set, database))
	}
	if forms[2] != forms[0] || forms[3] != forms[2]+1 {
		t.Errorf("forms of queries after a look, an insert, a look and a replacement: %v", forms)
	}
}

// Servers before 8.0 have no bulkWrite over collections.
func TestSuiteBeforeBulkWrite(t *testing.T) {
	t.Parallel()
	suite(t, mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Wire: 21}}))
}

// Behind a mongos before 8.0 nothing is fetched together, and all the answers are
// the same.
func TestSuiteOneByOne(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Wire: 21}})
	enginetest.Run(t, enginetest.Traits{KeepsIndexes: true}, func(t testing.TB) engine.Engine {
		w := &wire{}
		e := mongotest.Open(t, set, mongo.Options{Monitor: w.monitor()})
		mongo.Singly(e)
		t.Cleanup(func() {
			for _, c := range w.taken() {
				if strings.Contains(c.body.String(), "$lookup") {
					t.Errorf("fetched together: %s", c.body)
				}
			}
		})
		return e
	})
}

// TestRandom runs 10⁴ steps, with the engine dying in their midst;
// YUNZHANG_STEPS and YUNZHANG_SEED ask for others.
func TestRandom(t *testing.T) {
	t.Parallel()
	random(t, mongotest.Start(t, mongotest.Options{}), steps, false)
}

func random(t *testing.T, set *mongotest.Set, steps uint64, faults bool) {
	t.Helper()
	o := enginetest.DefaultOptions()
	o.Steps = int(fromEnv(t, "YUNZHANG_STEPS", steps))
	o.Seed = fromEnv(t, "YUNZHANG_SEED", rand.Uint64())
	o.Faults = faults
	enginetest.Random(t, placeOn(t, set, faults), o)
}

// placeOn is a database on a set that engines are opened on again and again.
func placeOn(t testing.TB, set *mongotest.Set, faults bool) enginetest.Place {
	t.Helper()
	o := mongo.Options{URI: set.URI, Database: set.Database(t), Log: slog.New(slog.DiscardHandler)}
	return enginetest.Place{
		Open: func(t testing.TB) engine.Engine {
			e, err := mongo.Open(t.Context(), o)
			for n := 0; err != nil && faults && n < 100; n++ {
				e, err = mongo.Open(t.Context(), o)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = e.Close() })
			return e
		},
		Crash: func(_ testing.TB, e engine.Engine) { mongo.Crash(e.(*mongo.Engine)) },
	}
}

func fromEnv(t *testing.T, name string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
