package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

type late struct {
	Name     string `bson:"name"`
	unit.Row `bson:",inline"`
}

type loose struct {
	unit.Row `bson:"row"`
}

type hidden struct {
	unit.Row `bson:",inline"`
	note     string
}

type anything struct {
	unit.Row `bson:",inline"`
	Value    any `bson:"value"`
}

type twins struct {
	unit.Row `bson:",inline"`
	A        string `bson:"name"`
	B        string `bson:"name"`
}

type runner struct {
	unit.Row `bson:",inline"`
	A        int64 `bson:"run"`
}

type shadow struct {
	unit.Row `bson:",inline"`
	Ver2     int64 `bson:"ver"`
}

type deep struct {
	unit.Row `bson:",inline"`
	Parts    []struct {
		Name string `bson:"name" enc:"personal"`
	} `bson:"parts"`
}

type worded struct {
	unit.Row `bson:",inline"`
	Of       word `bson:"of"`
}

type word struct{ Text string }

func (w word) MarshalText() ([]byte, error) { return []byte(w.Text), nil }

type classless struct {
	unit.Row `bson:",inline"`
	Name     string `bson:"name" enc:"unheard-of"`
}

// someKeys has keys for the four classes and a short one.
type someKeys struct{}

func (someKeys) Class(name string) ([]byte, error) {
	switch name {
	case "personal", "statement", "document", "secret":
		return make([]byte, 16), nil
	case "short":
		return make([]byte, 15), nil
	}
	return nil, errors.New("no such class")
}

func TestDeclarationsThatCannotWork(t *testing.T) {
	t.Parallel()
	_ = hidden{note: ""}
	for name, declare := range map[string]func(*store.DB){
		"the row is not first":   func(db *store.DB) { store.Declare[late](db, "x") },
		"the row is not inlined": func(db *store.DB) { store.Declare[loose](db, "x") },
		"not exported":           func(db *store.DB) { store.Declare[hidden](db, "x") },
		"an interface":           func(db *store.DB) { store.Declare[anything](db, "x") },
		"a field of the store's": func(db *store.DB) { store.Declare[runner](db, "x") },
		"two fields of one name": func(db *store.DB) { store.Declare[twins](db, "x") },
		"a second version":       func(db *store.DB) { store.Declare[shadow](db, "x") },
		"encryption inside":      func(db *store.DB) { store.Declare[deep](db, "x") },
		"a text of its own":      func(db *store.DB) { store.Declare[worded](db, "x") },
		"a class without a key":  func(db *store.DB) { store.Declare[classless](db, "x") },
		"a bad name":             func(db *store.DB) { store.Declare[note](db, "no.te") },
		"no such field":          func(db *store.DB) { store.Declare[note](db, "x", store.Index("colour")) },
		"no such inner field":    func(db *store.DB) { store.Declare[note](db, "x", store.Index("part.colour")) },
		"a field of a text":      func(db *store.DB) { store.Declare[note](db, "x", store.Index("key.part")) },
		"a list in an index":     func(db *store.DB) { store.Declare[note](db, "x", store.Index("parts")) },
		"encrypted":              func(db *store.DB) { store.Declare[note](db, "x", store.Index("name")) },
		"encrypted condition":    func(db *store.DB) { store.Declare[note](db, "x", store.Unique("key").Only("name", "a")) },
		"a condition of another kind": func(db *store.DB) {
			store.Declare[note](db, "x", store.Unique("key").Only("n", "one"))
		},
		"one index twice": func(db *store.DB) { store.Declare[note](db, "x", store.Index("n"), store.Unique("n")) },
		"one name twice": func(db *store.DB) {
			store.Declare[note](db, "x")
			store.Declare[thing](db, "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := embedded.Open(t.TempDir(), embedded.Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			db := store.New(e, someKeys{})
			declare(db)
			if err := db.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "collection") {
				t.Errorf("got %v, want an error that names the collection", err)
			}
			err = e.View(t.Context(), func(tx engine.Tx) error { _, err := tx.Get("x", "a"); return err })
			if errors.Is(err, unit.ErrAbsent) {
				t.Error("the collection was made all the same")
			}
		})
	}
}
