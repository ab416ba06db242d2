package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func at(now *time.Time) embedded.Options {
	return embedded.Options{Now: func() time.Time { return *now }}
}

func declare(t testing.TB, s *embedded.Store, c ...engine.Collection) {
	t.Helper()
	if err := s.Declare(t.Context(), c...); err != nil {
		t.Fatal(err)
	}
}

var rows = engine.Collection{Name: "rows", Indexes: []engine.Index{
	{Fields: []string{"code"}, Unique: true}, {Fields: []string{"org", "at"}},
}}

func insertRow(t testing.TB, s *embedded.Store, id string, n int) {
	t.Helper()
	if err := s.Update(t.Context(), func(tx engine.Tx) error { return tx.Insert("rows", row(id, 1, n)) }); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, s *embedded.Store, index string) (n int) {
	t.Helper()
	err := s.View(t.Context(), func(tx engine.Tx) error {
		found, err := tx.Find("rows", unit.Query{Index: index})
		n = len(found)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestReopened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, embedded.Options{})
	declare(t, s, engine.Collection{Name: "rows"})
	insertRow(t, s, "a", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, embedded.Options{})
	declare(t, s, rows)
	insertRow(t, s, "b", 2)
	if n := count(t, s, "code"); n != 2 {
		t.Errorf("a new index over old rows lists %d of 2", n)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTimeSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), start.Add(1700*time.Microsecond)
	s := open(t, dir, at(&now))
	declare(t, s, rows)
	insertRow(t, s, "a", 1)
	now = start.Add(-time.Hour)
	check := func(s *embedded.Store) {
		t.Helper()
		want := start.Add(time.Millisecond)
		for name, run := range map[string]func(context.Context, func(engine.Tx) error) error{"update": s.Update, "view": s.View} {
			_ = run(t.Context(), func(tx engine.Tx) error {
				if tx.Now() != want {
					t.Errorf("%s at %v, want %v", name, tx.Now(), want)
				}
				return nil
			})
		}
	}
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	now = start.Add(-1500 * time.Millisecond)
	s = open(t, dir, at(&now))
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	now = start.Add(-2100 * time.Millisecond)
	if _, err := embedded.Open(dir, at(&now)); err == nil || !strings.Contains(err.Error(), "set the clock") {
		t.Errorf("opened with a clock that is behind: %v", err)
	}
	now = start.Add(time.Minute)
	open(t, dir, at(&now)) // and the refusal left no lock behind
}

// A view that asks for the time first still reads nothing later than it.
func TestTimeOfAViewIsBehindWhatItReads(t *testing.T) {
	t.Parallel()
	now := start
	s := open(t, t.TempDir(), at(&now))
	declare(t, s, rows)
	err := s.View(t.Context(), func(tx engine.Tx) error {
		first := tx.Now()
		now = start.Add(time.Second)
		insertRow(t, s, "a", 1)
		if _, err := tx.Get("rows", "a"); !errors.Is(err, unit.ErrAbsent) {
			t.Errorf("a view at %v reads a row of %v: %v", first, now, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestFailedCommitStopsTheStore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, embedded.Options{})
	declare(t, s, rows)
	insertRow(t, s, "a", 1)
	embedded.FailCommits(s)
	write := func(tx engine.Tx) error { return tx.Insert("rows", row("b", 1, 2)) }
	if s.Update(t.Context(), write) == nil {
		t.Fatal("acknowledged")
	}
	if err := s.Update(t.Context(), write); err == nil || !strings.Contains(err.Error(), "opened again") {
		t.Errorf("it went on: %v", err)
	}
	if n := count(t, s, "code"); n != 1 {
		t.Errorf("%d rows, want 1", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = open(t, dir, embedded.Options{})
	declare(t, s, rows)
	insertRow(t, s, "b", 2)
}

func TestOutboxForgets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, embedded.Options{})
	events := engine.Collection{Name: "events", Outbox: true}
	declare(t, s, events)
	put := func(id string) (p engine.Position) {
		err := s.Update(t.Context(), func(tx engine.Tx) error {
			return tx.Insert("events", marshal(bson.D{{Key: "_id", Value: id}, {Key: "ver", Value: int64(1)}}))
		})
		if err == nil {
			p, err = s.Tail(t.Context(), "events")
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, second := put("a"), put("b")
	if err := s.Update(t.Context(), func(tx engine.Tx) error { return tx.Delete("events", "b") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, embedded.Options{})
	declare(t, s, events)
	third := put("c")
	if third == second {
		t.Error("a position was given twice")
	}
	enough := errors.New("enough")
	follow := func(p engine.Position) error {
		return s.Follow(t.Context(), "events", p, func(engine.Change) error { return enough })
	}
	if err := follow(first); !errors.Is(err, engine.ErrHistoryLost) {
		t.Errorf("behind a removed event: %v", err)
	}
	if err := follow(second); !errors.Is(err, enough) {
		t.Errorf("from the removed event on: %v", err)
	}
}

func TestCheckFindsDamage(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"an entry is missing":     "DELETE FROM entries WHERE n = 1 AND ix = 1",
		"an entry too many":       "INSERT INTO entries VALUES (1, x'AA', 1)",
		"an entry leads astray":   "UPDATE entries SET n = 2 WHERE n = 1 AND ix = 2",
		"a document was replaced": "UPDATE docs SET doc = (SELECT doc FROM docs WHERE n = 2) WHERE n = 1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir(), embedded.Options{})
			declare(t, s, rows)
			insertRow(t, s, "a", 1)
			insertRow(t, s, "b", 2)
			if err := s.Check(t.Context()); err != nil {
				t.Fatalf("before: %v", err)
			}
			embedded.Script(t, s, sql)
			if s.Check(t.Context()) == nil {
				t.Error("not found")
			}
		})
	}
}

func TestFoldersThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	garbage := t.TempDir()
	if err := os.WriteFile(filepath.Join(garbage, "store.db"), []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	later := t.TempDir()
	s := open(t, later, embedded.Options{})
	embedded.Script(t, s, "UPDATE meta SET format = 99")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"a file": file, "garbage": garbage, "a later format": later} {
		if _, err := embedded.Open(dir, embedded.Options{Now: time.Now}); err == nil {
			t.Errorf("opened %s", name)
		}
	}
	if _, err := embedded.Open(t.TempDir(), embedded.Options{}); err == nil {
		t.Error("opened without a clock")
	}
}

func TestRehearsal(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), embedded.Options{Rehearse: 1})
	declare(t, s, rows)
	runs, conflicts, rows := 0, 0, 0
	for i := range 60 {
		err := s.Update(t.Context(), func(tx engine.Tx) error {
			runs++
			return tx.Insert("rows", row(fmt.Sprint(i), 1, i))
		})
		switch {
		case err == nil:
			rows++
		case errors.Is(err, unit.ErrConflict):
			conflicts++
		default:
			t.Fatal(err)
		}
	}
	if runs != 120 || conflicts == 0 || rows == 0 {
		t.Errorf("%d runs, %d conflicts, %d rows", runs, conflicts, rows)
	}
	if n := count(t, s, "code"); n != rows {
		t.Errorf("%d rows were kept of %d acknowledged", n, rows)
	}
}
