package app_test

import (
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// noKeys: a move needs none, and an empty store is declared with any.
type noKeys struct{}

func (noKeys) Class(string) ([]byte, error) { return make([]byte, 16), nil }

func elsewhere(t *testing.T) *store.Stores {
	t.Helper()
	dir := t.TempDir()
	open := func(sub string) *embedded.Store {
		e, err := embedded.Open(filepath.Join(dir, sub), embedded.Options{Now: time.Now})
		check(t, err)
		t.Cleanup(func() { _ = e.Close() })
		return e
	}
	bucket, err := store.OpenDir(filepath.Join(dir, "blobs"))
	check(t, err)
	s := &store.Stores{
		Name: "elsewhere", Main: store.NewMain(store.New(open("main"), noKeys{})), Journal: store.NewJournal(store.New(open("signer"), noKeys{})), Blobs: bucket,
	}
	check(t, errors.Join(s.Main.Ready(t.Context()), s.Journal.Ready(t.Context())))
	return s
}

// A node whose stores were moved away under it, because it was asleep, stops as
// soon as it looks, and does not begin again.
func TestMoveUnderANodeStopsIt(t *testing.T) {
	t.Parallel()
	c := settings(t, t.TempDir(), "127.0.0.1:0")
	c.Store = config.Default().Store
	a, err := app.New(c, app.Options{})
	check(t, err)
	defer a.Close()
	check(t, a.MoveAway(t.Context(), elsewhere(t)))
	turn := make(chan time.Time, 1)
	turn <- time.Time{}
	if err := a.Stay(t.Context(), turn); !errors.Is(err, store.ErrMoved) {
		t.Errorf("it stays: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer ln.Close()
	if err := a.Run(t.Context(), ln); !errors.Is(err, store.ErrMoved) {
		t.Errorf("it runs: %v", err)
	}
}

// A node that does nothing but stand by keeps a move from its stores.
func TestMoveSeesANodeThatStandsBy(t *testing.T) {
	t.Parallel()
	c := settings(t, t.TempDir(), "127.0.0.1:0")
	a, err := app.New(c, app.Options{})
	check(t, err)
	defer a.Close()
	if err := a.MoveBeside(t.Context(), elsewhere(t)); !errors.Is(err, store.ErrRunning) {
		t.Errorf("beside the node: %v", err)
	}
}
