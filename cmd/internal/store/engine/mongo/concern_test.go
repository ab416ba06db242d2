package mongo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// wire keeps what an engine sends.
type wire struct {
	mu   sync.Mutex
	sent []sentCommand // guarded by mu
}

type sentCommand struct {
	name string
	body bson.Raw
}

func (w *wire) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.sent = append(w.sent, sentCommand{e.CommandName, slices.Clone(e.Command)})
	}}
}

// taken gives what was sent since the last time.
func (w *wire) taken() (sent []sentCommand) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sent, w.sent = w.sent, nil
	return sent
}

// concerns are the fields of a command that its guarantees rest on.
type concerns struct {
	Write       bson.M `bson:"writeConcern"`
	Read        bson.M `bson:"readConcern"`
	Preference  bson.M `bson:"$readPreference"`
	Autocommit  *bool  `bson:"autocommit"`
	Transaction int64  `bson:"txnNumber"`
	Starts      bool   `bson:"startTransaction"`
}

func (c sentCommand) concerns(t testing.TB) (x concerns) {
	t.Helper()
	if err := bson.Unmarshal(c.body, &x); err != nil {
		t.Fatal(err)
	}
	if mode := x.Preference["mode"]; mode != nil && mode != "primary" {
		t.Errorf("%s asks a member that is %v", c.name, mode)
	}
	return x
}

// safe reports whether a write concern makes "acknowledged" durable.
func safe(w bson.M) bool { return len(w) == 2 && w["w"] == "majority" && w["j"] == true }

// What is written is acknowledged by a majority's disks: a commit, and every write
// outside of transactions, of which there are those of the start and of blobs.
func TestEveryWriteIsOnAMajoritysDisks(t *testing.T) {
	t.Parallel()
	for version, number := range map[string]int{"8.0": 25, "7.0": 21} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Wire: number}})
			exercise(t, set, w)
			seen := map[string]int{}
			for _, c := range w.taken() {
				x := c.concerns(t)
				inside := x.Autocommit != nil && c.name != "commitTransaction" && c.name != "abortTransaction"
				switch c.name {
				case "commitTransaction", "insert", "update", "delete", "bulkWrite", "findAndModify", "create", "createIndexes":
				default:
					continue
				}
				if !inside {
					seen[c.name]++
				}
				if inside && x.Write != nil || !inside && !safe(x.Write) {
					t.Errorf("%s (in a transaction: %v) with the write concern %v", c.name, inside, x.Write)
				}
			}
			for _, name := range []string{"commitTransaction", "insert", "update", "delete", "create", "createIndexes"} {
				if seen[name] == 0 {
					t.Errorf("no %s was seen", name)
				}
			}
		})
	}
}

// exercise does one of everything.
func exercise(t testing.TB, set *mongotest.Set, w *wire) {
	t.Helper()
	e := mongotest.Open(t, set, mongo.Options{Monitor: w.monitor()})
	b, err := mongo.NewBlobs(t.Context(), e)
	if err == nil {
		err = e.Declare(t.Context(), rows, events)
	}
	if err != nil {
		t.Fatal(err)
	}
	at := tail(t, e)
	say(t, e, "a")
	same(t, hear(t, e, at, 1, nil), []string{"a"})
	change(t, e)
	for _, size := range []int{10, mongo.ChunkSize + 1} {
		name := fmt.Sprint(size)
		err := errors.Join(b.Put(t.Context(), name, noise(1, size)), b.Delete(t.Context(), name))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Sweep(t.Context(), time.Now().Add(-mongo.OrphanAge)); err != nil {
		t.Fatal(err)
	}
}

// change inserts, replaces and deletes, in units that read before, between and
// behind their writes.
func change(t testing.TB, e engine.Engine) {
	t.Helper()
	for _, fn := range []func(engine.Tx) error{
		func(tx engine.Tx) error {
			if _, err := tx.Get("rows", "b"); !errors.Is(err, unit.ErrAbsent) {
				return fmt.Errorf("found: %w", err)
			}
			err := errors.Join(tx.Insert("rows", row(t, "a", 1)), tx.Insert("rows", row(t, "b", 1)))
			_, listed := tx.Find("rows", unit.Query{Index: "code"})
			return errors.Join(err, listed, tx.Insert("rows", row(t, "c", 1)))
		},
		func(tx engine.Tx) error {
			return errors.Join(tx.Replace("rows", row(t, "a", 2)), tx.Delete("rows", "b"))
		},
	} {
		if err := e.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
}

// A unit reads one moment: its first command says "snapshot", and to say it again
// later would be refused.
func TestATransactionReadsASnapshot(t *testing.T) {
	t.Parallel()
	w := &wire{}
	e := declared(t, mongotest.Start(t, mongotest.Options{OnlySim: true}), mongo.Options{Monitor: w.monitor()})
	w.taken()
	change(t, e)
	first, later := 0, 0
	for _, c := range w.taken() {
		x := c.concerns(t)
		switch {
		case x.Autocommit == nil || *x.Autocommit:
			t.Errorf("%s is outside of the transaction", c.name)
		case x.Starts && (len(x.Read) != 1 || x.Read["level"] != "snapshot"):
			t.Errorf("%s begins a transaction with the read concern %v", c.name, x.Read)
		case x.Starts:
			first++
		case x.Read != nil:
			t.Errorf("%s in a transaction has the read concern %v", c.name, x.Read)
		default:
			later++
		}
	}
	if first != 2 || later < 4 {
		t.Errorf("%d transactions and %d commands behind their first", first, later)
	}
}

// A view is no transaction: each of its reads says "snapshot", those behind the
// first the moment that the first was given.
func TestAViewReadsASnapshot(t *testing.T) {
	t.Parallel()
	w := &wire{}
	e := declared(t, mongotest.Start(t, mongotest.Options{OnlySim: true}), mongo.Options{Monitor: w.monitor()})
	w.taken()
	err := e.View(t.Context(), func(tx engine.Tx) error {
		for _, id := range []string{"a", "b", "c"} {
			if _, err := tx.Get("rows", id); !errors.Is(err, unit.ErrAbsent) {
				return fmt.Errorf("found %s: %w", id, err)
			}
		}
		_, err := tx.Find("rows", unit.Query{Index: "code"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var moments []any
	for _, c := range w.taken() {
		x := c.concerns(t)
		if x.Autocommit != nil || x.Transaction != 0 || x.Read["level"] != "snapshot" {
			t.Errorf("%s in a view has the read concern %v", c.name, x.Read)
		}
		moments = append(moments, x.Read["atClusterTime"])
	}
	if len(moments) != 4 || moments[0] != nil || moments[1] == nil || moments[2] != moments[1] || moments[3] != moments[1] {
		t.Errorf("the moments of a view: %v", moments)
	}
}
