package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

func TestRowsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded.Options{})
	at := time.Date(2026, 3, 1, 8, 0, 0, 123_000_000, time.UTC)
	full := &note{
		Row: unit.Row{ID: "full"}, Key: "k", State: "active", N: -3, Small: 1<<32 - 1, On: true, At: at, Part: part{"p", []string{"x"}},
		Parts: []part{{Name: "q"}, {}}, Marks: map[string]int{"a": 1}, Next: &part{Name: "n"}, Optional: "o", Name: "张三",
		List: []part{{Name: "l"}}, Count: 1 << 60, When: at, Empty: []byte{}, Maybe: "m", Labels: map[string]string{"k": "v"},
	}
	bare := &note{Row: unit.Row{ID: "bare"}, Parts: []part{}, Marks: map[string]int{}, Scratch: "not stored"}
	w.insert(full, bare)
	bare.Scratch = ""
	for _, want := range []*note{full, bare} {
		got, err := w.get(want.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	local := named("local")
	local.At = at.Add(999 * time.Microsecond).In(time.FixedZone("", 8*3600))
	w.insert(local)
	if got, err := w.get("local"); err != nil || got.At != at {
		t.Errorf("time %v, want %v in UTC (%v)", got.At, at, err)
	}
}

func TestQueriesByDomainTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded.Options{})
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 6 {
		v := named(fmt.Sprint("n", i))
		v.State, v.N, v.At, v.Part.Name = state([]string{"active", "ended"}[i%2]), i, day.AddDate(0, 0, i), fmt.Sprint("part", i%3)
		w.insert(v)
	}
	for _, tt := range []struct {
		q    unit.Query
		want string
	}{
		{unit.Query{Index: "state+n", Key: []any{state("active")}}, "[n0 n2 n4]"},
		{unit.Query{Index: "state+n", Key: []any{"active", uint8(2)}}, "[n2]"},
		{unit.Query{Index: "state+n", Key: []any{state("ended")}, After: []any{1, "n1"}}, "[n3 n5]"},
		{unit.Query{Index: "state+n", After: []any{state("active"), 4, "n4"}, Limit: 2}, "[n1 n3]"},
		{unit.Query{Index: "at", Desc: true, Limit: 1}, "[n5]"},
		{unit.Query{Index: "at", Key: []any{day.In(time.FixedZone("", 3600))}}, "[n0]"},
		{unit.Query{Index: "part.name", Key: []any{"part2"}}, "[n2 n5]"},
		{unit.Query{Index: engine.IDIndex, After: []any{"n3"}}, "[n4 n5]"},
	} {
		got, err := w.find(tt.q)
		if err != nil || fmt.Sprint(got) != tt.want {
			t.Errorf("%+v: got %v %v, want %s", tt.q, got, err, tt.want)
		}
	}
	for name, q := range map[string]unit.Query{
		"an undeclared index": {Index: "name"}, "text for a number": {Index: "state+n", Key: []any{"active", "2"}},
		"nothing": {Index: "at", Key: []any{nil}}, "a number for a time": {Index: "at", Key: []any{3}},
		"too many": {Index: "at", Key: []any{day, "id"}}, "after without id": {Index: "at", After: []any{day}},
		"after of another kind": {Index: "at", After: []any{"n", "n3"}}, "after with too much": {Index: "at", After: []any{day, "n", "n"}},
	} {
		if got, err := w.find(q); err == nil {
			t.Errorf("%s found %v", name, got)
		}
	}
}

// Two databases may have collections of the same name.
func TestUnitsBelongToTheirDatabase(t *testing.T) {
	t.Parallel()
	a, b := newWorld(t, embedded.Options{}), newWorld(t, embedded.Options{})
	b.insert(named("x"))
	use := func(tx unit.Tx) error {
		_, getErr := b.note.Get(tx, "x")
		_, findErr := b.note.Find(tx, unit.Query{Index: "at"})
		for name, err := range map[string]error{
			"get": getErr, "find": findErr, "insert": b.note.Insert(tx, named("y")), "replace": b.note.Replace(tx, named("x")),
		} {
			if err == nil || errors.Is(err, unit.ErrAbsent) {
				t.Errorf("%s: %v", name, err)
			}
		}
		return nil
	}
	if err := errors.Join(a.work.Update(t.Context(), use), a.work.View(t.Context(), use)); err != nil {
		t.Error(err)
	}
}

func TestRefusedWritesLeaveTheVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded.Options{})
	w.insert(named("a"))
	taken := named("b")
	taken.Key = "key of a"
	stale := named("a")
	stale.Ver = 7
	for _, tt := range []struct {
		name string
		v    *note
		do   func(unit.Tx, *note) error
		want error
	}{
		{"taken", taken, w.note.Insert, unit.ErrTaken},
		{"stale", stale, w.note.Replace, unit.ErrConflict},
		{"never stored", named("c"), w.note.Replace, unit.ErrAbsent},
	} {
		was := tt.v.Ver
		if err := w.once(tt.v, tt.do); !errors.Is(err, tt.want) || tt.v.Ver != was {
			t.Errorf("%s: %v, version %d", tt.name, err, tt.v.Ver)
		}
	}
	if err := w.once(&note{}, w.note.Insert); err == nil {
		t.Error("inserted without an id")
	}
}

// once gives what a call says; the unit is not run again for it.
func (w *world) once(v *note, do func(unit.Tx, *note) error) (said error) {
	ctx, cancel := context.WithCancel(w.t.Context())
	_ = w.work.Update(ctx, func(tx unit.Tx) error {
		said = do(tx, v)
		cancel()
		return said
	})
	return said
}

func TestLostRacesRunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, embedded.Options{})
		w.insert(named("a"))
		runs := 0
		err := w.work.Update(t.Context(), func(tx unit.Tx) error {
			if runs++; runs < 5 {
				return fmt.Errorf("somewhere deep: %w", unit.ErrConflict)
			}
			v, err := w.note.Get(tx, "a")
			if err != nil {
				return err
			}
			return w.note.Replace(tx, v)
		})
		if err != nil || runs != 5 {
			t.Errorf("%v after %d runs", err, runs)
		}
		stale := named("a")
		stale.Ver, runs = 1, 0
		begun := time.Now()
		err = w.work.Update(t.Context(), func(tx unit.Tx) error { runs++; return w.note.Replace(tx, stale) })
		if !errors.Is(err, unit.ErrConflict) || runs < 10 || time.Since(begun) > 10*time.Second {
			t.Errorf("a stale row: %v after %d runs and %v", err, runs, time.Since(begun))
		}
	})
}

// Rows changed inside a function that runs again must be read again: the
// rehearsal of the engine shows it.
func TestRehearsedUnits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, embedded.Options{Rehearse: 7})
		w.insert(named("a"))
		for range 20 {
			err := w.work.Update(t.Context(), func(tx unit.Tx) error {
				v, err := w.note.Get(tx, "a")
				if err != nil {
					return err
				}
				v.N++
				return w.note.Replace(tx, v)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if v, err := w.get("a"); err != nil || v.N != 20 || v.Ver != 21 {
			t.Errorf("n %d, version %d, %v", v.N, v.Ver, err)
		}
	})
}
