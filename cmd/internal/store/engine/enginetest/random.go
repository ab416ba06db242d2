package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Place is where a store lives while the random test opens it again and again.
type Place struct {
	// Open opens the store, which keeps what it had.
	Open func(t testing.TB) engine.Engine
	// Crash ends it in the middle of whatever is going on, as the death of its
	// process would; units under way may or may not have been committed. nil
	// for an engine that cannot: then it is closed at rest.
	Crash func(t testing.TB, e engine.Engine)
}

// Options of the random test. The seed decides what each actor tries, the
// machine how they meet: a failure is shown with its seed and may need a few
// runs to come back.
type Options struct {
	Steps  int // units in all
	Actors int
	Epochs int // how often the store is ended and opened again
	Seed   uint64
	// Faults: something breaks the database under the units, so that some fail
	// with other errors than the port names. They must not have been
	// committed; only engine.ErrUnknown leaves it open. What they saw is not
	// judged then: a primary that is about to be deposed shows a transaction
	// what no majority has, and only its commit would have found that out
	// ([engine.Engine] says so of Update).
	Faults bool
}

// DefaultOptions are those of an ordinary run.
func DefaultOptions() Options { return Options{Steps: 10_000, Actors: 8, Epochs: 5, Seed: 1} }

// Random lets actors work on one store and checks what they saw against a
// model.
func Random(t *testing.T, place Place, o Options) {
	t.Helper()
	summary, err := Explore(t, place, o)
	if err != nil {
		t.Fatalf("seed %d: %v", o.Seed, err)
	}
	t.Logf("seed %d: %s", o.Seed, summary)
}

// Explore is Random for tests of the test: it gives what it found, or a summary
// of what it saw.
func Explore(t testing.TB, place Place, o Options) (summary string, err error) {
	w := &world{t: t, place: place, o: o}
	for epoch := range o.Epochs {
		if err := w.epoch(epoch); err != nil {
			return "", fmt.Errorf("epoch %d: %w", epoch, err)
		}
	}
	rows, commits, err := w.h.explain()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d commits in order; %s", commits, w.h.tally()), w.compare(rows, commits)
}

type world struct {
	t     testing.TB
	place Place
	o     Options
	h     history
	heard engine.Position
}

func (w *world) open() (engine.Engine, error) {
	e := w.place.Open(w.t)
	return e, w.insist(func() error {
		return e.Declare(w.t.Context(), engine.Collection{Name: "things", Indexes: []engine.Index{
			unique("code"), plain("group", "n"), unique("slot").Only("on", true),
		}}, engine.Collection{Name: "events", Outbox: true})
	})
}

// insist does what the test itself needs, again while faults meet it.
func (w *world) insist(do func() error) error {
	err := do()
	for range 100 {
		if err == nil || !w.o.Faults {
			break
		}
		err = do()
	}
	return err
}

// epoch opens the store, lets the actors work, and ends it under them.
func (w *world) epoch(n int) error {
	e, err := w.open()
	if err == nil && n == 0 {
		err = w.insist(func() (err error) { w.heard, err = e.Tail(w.t.Context(), "events"); return err })
	}
	if err != nil {
		return err
	}
	w.work(e, n)
	if w.place.Crash != nil {
		if e, err = w.open(); err != nil {
			return err
		}
	}
	return errors.Join(w.listen(e, n), e.Close())
}

// work lets the actors go until the steps of the epoch are done, and then
// ends the store if that can be done in their midst.
func (w *world) work(e engine.Engine, epoch int) {
	var down atomic.Bool
	var done atomic.Int64
	var actors sync.WaitGroup
	for i := range w.o.Actors {
		a := &actor{
			e: e, h: &w.h, name: fmt.Sprintf("e%da%d", epoch, i), down: &down, faults: w.o.Faults,
			dice: rand.New(rand.NewPCG(w.o.Seed, uint64(100*epoch+i))),
		}
		actors.Go(func() {
			for k := 0; !down.Load(); k++ {
				a.step(w.t.Context(), k)
				if done.Add(1) == int64(w.o.Steps/w.o.Epochs) {
					down.Store(true)
					if w.place.Crash != nil {
						w.place.Crash(w.t, e)
					}
				}
			}
		})
	}
	actors.Wait()
}

// listen hears all commits of the epoch, up to a last one of its own.
func (w *world) listen(e engine.Engine, n int) error {
	last := fmt.Sprintf("end%d", n)
	r := &record{name: last, outcome: committed, begin: w.h.tick()}
	err := w.insist(func() error {
		err := e.Update(w.t.Context(), func(tx engine.Tx) error { return tx.Insert("events", doc(last, 1)) })
		if w.o.Faults && errors.Is(err, unit.ErrTaken) {
			return nil // the attempt before was committed after all
		}
		return err
	})
	if err != nil {
		return err
	}
	r.end = w.h.tick()
	w.h.add(r)
	// An end that is lost would be awaited for ever.
	err = w.insist(func() error {
		return e.View(w.t.Context(), func(tx engine.Tx) error { _, err := tx.Get("events", last); return err })
	})
	if err != nil {
		return fmt.Errorf("the acknowledged end %s: %w", last, err)
	}
	enough := errors.New("enough")
	return w.insist(func() error {
		err := e.Follow(w.t.Context(), "events", w.heard, func(c engine.Change) error {
			w.heard = c.Position
			w.h.heard(idOf(c.Doc))
			if idOf(c.Doc) == last {
				return enough
			}
			return nil
		})
		if errors.Is(err, enough) {
			return nil
		}
		return fmt.Errorf("follow: %w", err)
	})
}

// compare holds the rows of the store against the model.
func (w *world) compare(s state, commits int) error {
	e, err := w.open()
	if err != nil {
		return err
	}
	defer e.Close()
	var docs []bson.Raw
	err = w.insist(func() error {
		return e.View(w.t.Context(), func(tx engine.Tx) (err error) {
			docs, err = tx.Find("things", unit.Query{Index: engine.IDIndex})
			return err
		})
	})
	if err != nil {
		return err
	}
	want := s.rows(commits, nil)
	if len(docs) != len(want) {
		return fmt.Errorf("the store has %d rows, the model %d", len(docs), len(want))
	}
	for _, d := range docs {
		if v, err := parse(d); err != nil || v != want[v.ID] {
			return fmt.Errorf("the store has %+v, the model %+v", v, want[v.ID])
		}
	}
	return nil
}

// tally counts the outcomes.
func (h *history) tally() string {
	names := []string{"unknown", "committed", "taken", "conflicts", "views and withdrawn", "unexpected"}
	counts := make([]int, len(names))
	for _, r := range h.units {
		counts[r.outcome]++
	}
	s := ""
	for i, n := range names {
		s += fmt.Sprintf("%s %d ", n, counts[i])
	}
	return s
}

// actor tries one unit after the other.
type actor struct {
	e    engine.Engine
	h    *history
	name string
	down *atomic.Bool
	dice *rand.Rand

	faults bool
}

var errWithdrawn = errors.New("withdrawn")

func (a *actor) step(ctx context.Context, k int) {
	r := &record{name: fmt.Sprintf("%s-%d", a.name, k), begin: a.h.tick()}
	view := a.dice.IntN(3) == 0
	run := a.e.Update
	if view {
		run = a.e.View
	}
	err := run(ctx, func(tx engine.Tx) error { return a.unit(tx, r, view) })
	r.end = a.h.tick()
	switch {
	case err == nil && view:
		r.outcome = withdrawn
	case err == nil:
		r.outcome = committed
	case errors.Is(err, unit.ErrTaken):
		r.outcome = refused
	case errors.Is(err, unit.ErrConflict):
		r.outcome, r.looks = conflict, nil
	case errors.Is(err, errWithdrawn):
		r.outcome = withdrawn
	case errors.Is(err, engine.ErrUnknown):
		r.outcome = unknown
	case a.down.Load():
		r.outcome = unknown
	case a.faults:
		r.outcome = withdrawn // whatever went wrong, it was not committed
	default:
		r.outcome, r.err = unexpected, err
	}
	r.undone = a.faults && err != nil && !view
	a.h.add(r)
}

// unit does a few random things and writes its event. An engine may run it
// again: it starts from nothing.
func (a *actor) unit(tx engine.Tx, r *record, view bool) error {
	r.looks, r.writes = nil, nil
	for range 1 + a.dice.IntN(4) {
		var err error
		if view || a.dice.IntN(3) == 0 {
			err = a.look(tx, r)
		} else {
			err = a.change(tx, r)
		}
		if err != nil {
			return err
		}
	}
	if view || len(r.writes) == 0 {
		return nil
	}
	if err := tx.Insert("events", doc(r.name, 1)); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	if a.dice.IntN(10) == 0 {
		return errWithdrawn
	}
	return nil
}

func (a *actor) look(tx engine.Tx, r *record) error {
	l := look{after: len(r.writes)}
	var docs []bson.Raw
	var err error
	switch a.dice.IntN(4) {
	case 0:
		_, err = a.get(tx, r)
		return err
	case 1:
		l.query = unit.Query{Index: "code", Limit: 1 + a.dice.IntN(30)}
	case 2:
		l.query = unit.Query{Index: "slot", Limit: 1 + a.dice.IntN(30)}
	default:
		l.query = unit.Query{Index: "group+n", Key: []any{a.group()}, Limit: 1 + a.dice.IntN(6)}
		if a.dice.IntN(2) == 0 {
			l.query.After = []any{a.dice.IntN(5), a.id()}
		}
	}
	l.query.Desc = a.dice.IntN(2) == 0
	if docs, err = tx.Find("things", l.query); err != nil {
		return err
	}
	for _, d := range docs {
		v, err := parse(d)
		if err != nil {
			return err
		}
		l.saw = append(l.saw, v)
	}
	r.looks = append(r.looks, l)
	return nil
}

// get reads one row; its version is 0 when there is none.
func (a *actor) get(tx engine.Tx, r *record) (v thing, err error) {
	l := look{after: len(r.writes), id: a.id()}
	d, err := tx.Get("things", l.id)
	switch {
	case err == nil:
		if v, err = parse(d); err != nil {
			return v, err
		}
		l.saw = []thing{v}
	case !errors.Is(err, unit.ErrAbsent):
		return v, err
	}
	v.ID = l.id
	r.looks = append(r.looks, l)
	return v, nil
}

// change reads a row and inserts, replaces or deletes it.
func (a *actor) change(tx engine.Tx, r *record) error {
	old, err := a.get(tx, r)
	if err != nil {
		return err
	}
	w := write{Delete: old.Ver > 0 && a.dice.IntN(4) == 0, Thing: thing{
		ID: old.ID, Ver: old.Ver + 1, Code: fmt.Sprintf("c%02d", a.dice.IntN(60)), Group: a.group(),
		N: a.dice.IntN(5), Slot: a.dice.IntN(12), On: a.dice.IntN(3) == 0,
		Stamp: fmt.Sprintf("%s/%d", r.name, len(r.writes)),
	}}
	switch {
	case w.Delete:
		err = tx.Delete("things", old.ID)
	case old.Ver == 0:
		err = tx.Insert("things", w.Thing.raw())
	default:
		err = tx.Replace("things", w.Thing.raw())
	}
	if errors.Is(err, unit.ErrTaken) {
		r.refused = w
	}
	if err == nil {
		r.writes = append(r.writes, w)
	}
	return err
}

func (a *actor) id() string { return fmt.Sprintf("t%02d", a.dice.IntN(24)) }

func (a *actor) group() string { return string(rune('a' + a.dice.IntN(3))) }
