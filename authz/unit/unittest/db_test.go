package unittest_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/authz/unit/unittest"
)

type owner struct {
	Org string `bson:"org"`
}

type seal struct {
	unit.Row `bson:",inline"`
	Code     string    `bson:"code"`
	Owner    owner     `bson:"owner"`
	State    string    `bson:"state"`
	N        int       `bson:"n"`
	At       time.Time `bson:"at"`
	Tags     []string  `bson:"tags"`
	Scratch  string    `bson:"-"`
}

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func newSeals(t *testing.T) (*unittest.DB, unit.Table[seal]) {
	t.Helper()
	db := unittest.New(func() time.Time { return start })
	return db, unittest.Table[seal](db, "seals",
		unittest.Unique("code"),
		unittest.Plain("owner.org", "n"),
		unittest.Unique("owner.org").Only("state", "active"))
}

func insert(t *testing.T, db *unittest.DB, seals unit.Table[seal], rows ...seal) {
	t.Helper()
	for _, s := range rows {
		if err := db.Update(t.Context(), func(tx unit.Tx) error { return seals.Insert(tx, &s) }); err != nil {
			t.Fatalf("insert %s: %v", s.ID, err)
		}
	}
}

func get(t *testing.T, db *unittest.DB, seals unit.Table[seal], id string) *seal {
	t.Helper()
	var s *seal
	err := db.View(t.Context(), func(tx unit.Tx) (err error) { s, err = seals.Get(tx, id); return err })
	if err != nil {
		t.Fatalf("get %s: %v", id, err)
	}
	return s
}

func row(id, code string) seal { return seal{Row: unit.Row{ID: id}, Code: code} }

func TestRowsAreCopiesAsAStoreKeepsThem(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	s := row("a", "1")
	s.Tags, s.Scratch = []string{"x"}, "lost"
	s.At = start.Add(1500 * time.Microsecond).In(time.FixedZone("", 8*3600))
	insert(t, db, seals, s)
	s.Tags[0] = "changed outside"

	got := get(t, db, seals, "a")
	if got.Tags[0] != "x" || got.Scratch != "" || got.Ver != 1 {
		t.Errorf("got %+v", got)
	}
	if want := start.Add(time.Millisecond); got.At != want {
		t.Errorf("time %v, want %v", got.At, want)
	}
	got.Tags[0] = "changed outside"
	if again := get(t, db, seals, "a"); again.Tags[0] != "x" {
		t.Error("a read row shares memory with the store")
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	insert(t, db, seals, row("a", "1"), row("b", "2"))
	tests := []struct {
		name string
		do   func(unit.Tx) error
		want error
	}{
		{"absent", func(tx unit.Tx) error { _, err := seals.Get(tx, "x"); return err }, unit.ErrAbsent},
		{"id taken", func(tx unit.Tx) error { s := row("a", "9"); return seals.Insert(tx, &s) }, unit.ErrTaken},
		{"value taken", func(tx unit.Tx) error { s := row("c", "1"); return seals.Insert(tx, &s) }, unit.ErrTaken},
		{"value taken in the same unit", func(tx unit.Tx) error {
			c, d := row("c", "3"), row("d", "3")
			return errors.Join(seals.Insert(tx, &c), seals.Insert(tx, &d))
		}, unit.ErrTaken},
		{"replace takes a value", func(tx unit.Tx) error {
			s, _ := seals.Get(tx, "a")
			s.Code = "2"
			return seals.Replace(tx, s)
		}, unit.ErrTaken},
		{"replace of nothing", func(tx unit.Tx) error { s := row("x", "9"); return seals.Replace(tx, &s) }, unit.ErrAbsent},
		{"stale", func(tx unit.Tx) error {
			s, _ := seals.Get(tx, "a")
			s.Ver--
			return seals.Replace(tx, s)
		}, unit.ErrConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := db.Update(t.Context(), tt.do); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if got := get(t, db, seals, "a"); got.Ver != 1 {
		t.Errorf("a refused unit left version %d", got.Ver)
	}
}

func TestValuesSwapInOneUnit(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	insert(t, db, seals, row("a", "1"))
	err := db.Update(t.Context(), func(tx unit.Tx) error {
		a, _ := seals.Get(tx, "a")
		b := row("b", "1")
		a.Code = "2"
		if err := seals.Replace(tx, a); err != nil {
			return err
		}
		return seals.Insert(tx, &b)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestIndexOfSomeRows(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	active := func(id string) seal {
		s := row(id, id)
		s.State = "active"
		return s
	}
	insert(t, db, seals, active("a"), row("b", "b"))
	second := active("c")
	err := db.Update(t.Context(), func(tx unit.Tx) error { return seals.Insert(tx, &second) })
	if !errors.Is(err, unit.ErrTaken) {
		t.Errorf("two active rows: %v", err)
	}
}

func TestFindOrdersAndPages(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	for i, n := range []int{3, -1, 2, 2, 10} {
		s := row(fmt.Sprint("s", i), fmt.Sprint(i))
		s.Owner.Org, s.N = "o", n
		insert(t, db, seals, s)
	}
	other := row("other", "o")
	other.Owner.Org = "o2"
	insert(t, db, seals, other)

	tests := []struct {
		name string
		q    unit.Query
		want string
	}{
		{"ascending", unit.Query{Key: []any{"o"}}, "[s1 s2 s3 s0 s4]"},
		{"descending", unit.Query{Key: []any{"o"}, Desc: true}, "[s4 s0 s3 s2 s1]"},
		{"limit", unit.Query{Key: []any{"o"}, Limit: 2}, "[s1 s2]"},
		{"after", unit.Query{Key: []any{"o"}, After: []any{2, "s2"}}, "[s3 s0 s4]"},
		{"after, descending", unit.Query{Key: []any{"o"}, After: []any{2, "s3"}, Desc: true}, "[s2 s1]"},
		{"whole key", unit.Query{Key: []any{"o", 2}}, "[s2 s3]"},
		{"whole key, after", unit.Query{Key: []any{"o", 2}, After: []any{"s2"}}, "[s3]"},
		{"everything", unit.Query{}, "[s1 s2 s3 s0 s4 other]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Index = "owner.org+n"
			if got := fmt.Sprint(find(t, db, seals, tt.q)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func find(t *testing.T, db *unittest.DB, seals unit.Table[seal], q unit.Query) (ids []string) {
	t.Helper()
	err := db.View(t.Context(), func(tx unit.Tx) error {
		found, err := seals.Find(tx, q)
		for _, s := range found {
			ids = append(ids, s.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	for _, q := range []unit.Query{
		{Index: "nothing"},
		{Index: "code", Key: []any{1}},
		{Index: "code", Key: []any{nil}},
		{Index: "code", Key: []any{"a", "b"}},
		{Index: "code", After: []any{"a"}},
		{Index: "code", Limit: -1},
	} {
		err := db.View(t.Context(), func(tx unit.Tx) error { _, err := seals.Find(tx, q); return err })
		if err == nil {
			t.Errorf("accepted %+v", q)
		}
	}
}

func TestConcurrentWritersOfOneRow(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	insert(t, db, seals, row("a", "1"))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			err := db.Update(t.Context(), func(tx unit.Tx) error {
				s, err := seals.Get(tx, "a")
				if err != nil {
					return err
				}
				s.N++
				return seals.Replace(tx, s)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := get(t, db, seals, "a"); got.N != 16 || got.Ver != 17 {
		t.Errorf("n=%d ver=%d, want 16 and 17", got.N, got.Ver)
	}
}

func TestUnitSeesOneSnapshotAndRunsAgainAfterAConflict(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	insert(t, db, seals, row("a", "1"), row("b", "2"))
	runs := 0
	err := db.Update(t.Context(), func(tx unit.Tx) error {
		runs++
		a, _ := seals.Get(tx, "a")
		if runs == 1 {
			bump(t, db, seals, "a")
			bump(t, db, seals, "b")
		}
		if b, _ := seals.Get(tx, "b"); b.N != a.N {
			t.Errorf("run %d saw a=%d b=%d of different commits", runs, a.N, b.N)
		}
		a.N += 10
		return seals.Replace(tx, a)
	})
	if got := get(t, db, seals, "a"); err != nil || runs != 2 || got.N != 11 {
		t.Errorf("err %v, runs %d, n %d", err, runs, got.N)
	}
}

// A reader that does not replace what it relied on is not protected: the
// domains must see that here, because the real store does the same.
func TestWriteSkewIsPossible(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	insert(t, db, seals, row("a", "1"), row("b", "2"))
	err := db.Update(t.Context(), func(tx unit.Tx) error {
		_, _ = seals.Get(tx, "a")
		bump(t, db, seals, "a")
		b, _ := seals.Get(tx, "b")
		return seals.Replace(tx, b)
	})
	if err != nil || get(t, db, seals, "b").Ver != 2 {
		t.Errorf("err %v", err)
	}
}

func bump(t *testing.T, db *unittest.DB, seals unit.Table[seal], id string) {
	t.Helper()
	err := db.Update(t.Context(), func(tx unit.Tx) error {
		s, err := seals.Get(tx, id)
		if err != nil {
			return err
		}
		s.N++
		return seals.Replace(tx, s)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUniqueValueTakenMeanwhile(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	runs := 0
	err := db.Update(t.Context(), func(tx unit.Tx) error {
		if runs++; runs == 1 {
			insert(t, db, seals, row("first", "1"))
		}
		s := row("second", "1")
		return seals.Insert(tx, &s)
	})
	if !errors.Is(err, unit.ErrTaken) || runs != 2 {
		t.Errorf("err %v after %d runs", err, runs)
	}
}

func TestStaleRowDoesNotSpin(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	insert(t, db, seals, row("a", "1"))
	stale := get(t, db, seals, "a")
	bump(t, db, seals, "a")
	err := db.Update(t.Context(), func(tx unit.Tx) error { return seals.Replace(tx, stale) })
	if !errors.Is(err, unit.ErrConflict) {
		t.Errorf("got %v", err)
	}
}

func TestTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	now := start
	db := unittest.New(func() time.Time { return now })
	seals := unittest.Table[seal](db, "seals")
	insert(t, db, seals, row("a", "1"))
	now = start.Add(-time.Hour)
	_ = db.View(t.Context(), func(tx unit.Tx) error {
		if tx.Now() != start {
			t.Errorf("now %v after a commit at %v", tx.Now(), start)
		}
		return nil
	})
}

func TestRehearsalRunsTwiceAndKeepsOnce(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	insert(t, db, seals, row("a", "1"))
	db.Rehearse()
	bump(t, db, seals, "a")
	if got := get(t, db, seals, "a"); got.N != 1 || got.Ver != 2 {
		t.Errorf("n=%d ver=%d", got.N, got.Ver)
	}
}

func TestCommitHook(t *testing.T) {
	t.Parallel()
	lost := errors.New("no answer")
	for _, applied := range []bool{false, true} {
		db, seals := newSeals(t)
		insert(t, db, seals, row("a", "1"))
		db.OnCommit(func() (bool, error) { return applied, lost })
		err := db.Update(t.Context(), func(tx unit.Tx) error {
			s, _ := seals.Get(tx, "a")
			s.N = 7
			return seals.Replace(tx, s)
		})
		if got := get(t, db, seals, "a"); !errors.Is(err, lost) || (got.N == 7) != applied {
			t.Errorf("applied %v: err %v, n %d", applied, err, got.N)
		}
	}
}
