package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// glimpse is what can be seen of a note without its keys.
type glimpse struct {
	unit.Row `bson:",inline"`
	Key      string `bson:"key"`
	N        int    `bson:"n"`
}

func TestGlance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded.Options{})
	w.insert(&note{Row: unit.Row{ID: "a"}, Key: "key of a", N: 7, Name: "张三"})
	g := store.Glance[glimpse](w.db, "notes")
	err := w.work.View(t.Context(), func(tx unit.Tx) error {
		v, err := g.Get(tx, "a")
		if err != nil {
			return err
		}
		if want := (glimpse{unit.Row{ID: "a", Ver: 1}, "key of a", 7}); *v != want {
			t.Errorf("got %+v, want %+v", *v, want)
		}
		_, err = g.Get(tx, "b")
		return err
	})
	if !errors.Is(err, unit.ErrAbsent) {
		t.Error(err)
	}
}

// Nothing that is encrypted can be glanced at, and nothing that is not there.
func TestGlanceIsRefused(t *testing.T) {
	t.Parallel()
	type peep struct {
		unit.Row `bson:",inline"`
		Name     string `bson:"name"`
	}
	e, err := embedded.Open(t.TempDir(), embedded.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	db := store.New(e, keys{})
	store.Declare[note](db, "notes")
	store.Glance[peep](db, "notes")
	store.Glance[glimpse](db, "elsewhere")
	err = db.Ready(t.Context())
	if err == nil || !strings.Contains(err.Error(), "field name is encrypted") || !strings.Contains(err.Error(), "not declared") {
		t.Errorf("got %v", err)
	}
}
