package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/unit"
	signer "yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
)

// place is somewhere a system can be kept.
func place(t testing.TB, name string) *store.Stores {
	t.Helper()
	dir := t.TempDir()
	open := func(sub string) *embedded.Store {
		e, err := embedded.Open(filepath.Join(dir, sub), embedded.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		return e
	}
	bucket, err := store.OpenDir(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	s := &store.Stores{Name: name, Main: store.NewMain(store.New(open("main"), keys{})), Journal: store.NewJournal(store.New(open("signer"), keys{})), Blobs: bucket}
	if err := errors.Join(s.Main.Ready(t.Context()), s.Journal.Ready(t.Context())); err != nil {
		t.Fatal(err)
	}
	return s
}

// furnish puts rows and blobs into a place, some of them changed since.
func furnish(t testing.TB, s *store.Stores, n int) {
	t.Helper()
	ctx := t.Context()
	err := errors.Join(visit(ctx, s.Main, "f1"), s.Journal.Admit(ctx, "f1"))
	for i := range n {
		err = errors.Join(err, s.Main.Work.Update(ctx, func(tx unit.Tx) error {
			p := &authz.Person{Row: unit.Row{ID: fmt.Sprintf("us_%05d", i)}, IDHash: fmt.Sprint("h", i), Name: "张三"}
			if err := s.Main.Authz.People.Insert(tx, p); err != nil {
				return err
			}
			if i%3 == 0 {
				return s.Main.Authz.People.Replace(tx, p)
			}
			return nil
		}))
	}
	err = errors.Join(err, s.Journal.Work.Update(ctx, func(tx unit.Tx) error {
		return s.Journal.Keys.Stops.Insert(tx, &signer.Stop{Row: unit.Row{ID: "seal:1"}, Stopped: true, At: tx.Now()})
	}))
	for i := range 5 {
		err = errors.Join(err, s.Blobs.Put(ctx, fmt.Sprintf("%02x%062d", i, i), []byte(strings.Repeat("x", i))))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// visit is a node that comes and goes.
func visit(ctx context.Context, m *store.Main, fingerprint string) error {
	p, err := m.Enter(ctx, fingerprint, "visitor")
	if err != nil {
		return err
	}
	return p.Leave(ctx)
}

func quietly(string, string, int) {}

func TestMoveThereAndBack(t *testing.T) {
	t.Parallel()
	for on, target := range targets(t) {
		t.Run(on, func(t *testing.T) { thereAndBack(t, place(t, "a"), target(t), place(t, "c")) })
	}
}

func thereAndBack(t *testing.T, a, b, c *store.Stores) {
	furnish(t, a, 450)
	pieces := make([]byte, 2*mongo.ChunkSize+1) // on MongoDB; no two are alike
	_, _ = rand.NewChaCha8([32]byte{}).Read(pieces)
	if err := a.Blobs.Put(t.Context(), blob(9), pieces); err != nil {
		t.Fatal(err)
	}
	told := map[string]int{}
	was, is, err := store.Move(t.Context(), a, b, "f1", func(s, name string, n int) { told[s+"."+name] = n })
	if err != nil {
		t.Fatal(err)
	}
	if told["main.people"] != 450 || told["signer.stops"] != 1 {
		t.Errorf("told: %v", told)
	}
	rows := 0
	for i := range was {
		if was[i] != is[i] {
			t.Errorf("%+v became %+v", was[i], is[i])
		}
		rows += was[i].Rows
	}
	if rows != 450+1+6 {
		t.Errorf("%d rows and blobs", rows)
	}
	if err := visit(t.Context(), a.Main, "f1"); !errors.Is(err, store.ErrMoved) {
		t.Errorf("work goes on at the source: %v", err)
	}
	if err := errors.Join(visit(t.Context(), b.Main, "f1"), b.Journal.Admit(t.Context(), "f1")); err != nil {
		t.Error(err)
	}
	if err := visit(t.Context(), b.Main, "f2"); !errors.Is(err, store.ErrOtherKeys) {
		t.Errorf("other keys at the target: %v", err)
	}
	// The way back goes to a third place: the first is not empty.
	if _, _, err := store.Move(t.Context(), b, a, "f1", quietly); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("back over the source: %v", err)
	}
	back, _, err := store.Move(t.Context(), b, c, "f1", quietly)
	if err != nil || len(back) != len(was) {
		t.Fatal(err)
	}
	for i := range was {
		if back[i] != was[i] {
			t.Errorf("%+v came back as %+v", was[i], back[i])
		}
	}
}

func TestMoveRefuses(t *testing.T) {
	t.Parallel()
	empty, other := place(t, "empty"), place(t, "other")
	if _, _, err := store.Move(t.Context(), empty, other, "f1", quietly); !errors.Is(err, store.ErrNothing) {
		t.Errorf("an empty source: %v", err)
	}
	full, taken := place(t, "full"), place(t, "taken")
	furnish(t, full, 3)
	furnish(t, taken, 1)
	if _, _, err := store.Move(t.Context(), full, taken, "f1", quietly); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("a target in use: %v", err)
	}
	held, err := full.Main.LeasesOf("node-2").Take(t.Context(), "beat", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Move(t.Context(), full, other, "f1", quietly); !errors.Is(err, store.ErrRunning) || !strings.Contains(err.Error(), "node-2") {
		t.Errorf("a running source: %v", err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.Move(t.Context(), full, other, "f1", quietly); err != nil {
		t.Errorf("a source at rest: %v", err)
	}
}

// A move is broken off at every step and run again; nobody works on a target
// that is not filled.
func TestMoveGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	a, b := place(t, "a"), place(t, "b")
	furnish(t, a, 30)
	other := place(t, "another")
	furnish(t, other, 1)
	breaks := 0
	for n := 1; ; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		left := n
		_, _, err := store.Move(ctx, a, b, "f1", func(string, string, int) {
			if left--; left == 0 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			break
		}
		if breaks++; !errors.Is(err, context.Canceled) || breaks > 100 {
			t.Fatalf("break %d: %v", n, err)
		}
		if err := visit(t.Context(), b.Main, "f1"); !errors.Is(err, store.ErrMoving) {
			t.Fatalf("a node on a target that is not filled: %v", err)
		}
		if _, _, err := store.Move(t.Context(), other, b, "f1", quietly); !errors.Is(err, store.ErrMoving) {
			t.Fatalf("two sources: %v", err)
		}
	}
	if breaks < 20 {
		t.Errorf("broken off %d times only", breaks)
	}
	if err := visit(t.Context(), b.Main, "f1"); err != nil {
		t.Error(err)
	}
}
