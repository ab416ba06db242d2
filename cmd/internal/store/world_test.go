package store_test

import (
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// note is a row with every kind of field that the domains use.
type note struct {
	unit.Row `bson:",inline"`
	Key      string            `bson:"key"`
	State    state             `bson:"state"`
	N        int               `bson:"n"`
	Small    uint32            `bson:"small"`
	On       bool              `bson:"on"`
	At       time.Time         `bson:"at"`
	Part     part              `bson:"part"`
	Parts    []part            `bson:"parts"`
	Marks    map[string]int    `bson:"marks"`
	Next     *part             `bson:"next"`
	Optional string            `bson:"optional,omitempty"`
	Scratch  string            `bson:"-"`
	Name     string            `bson:"name" enc:"personal"`
	List     []part            `bson:"list" enc:"statement"`
	Count    int64             `bson:"count" enc:"personal"`
	When     time.Time         `bson:"when" enc:"secret"`
	Empty    []byte            `bson:"empty" enc:"document"`
	Maybe    string            `bson:"maybe,omitempty" enc:"personal"`
	Labels   map[string]string `bson:"labels" enc:"personal"`
}

// world is a store over an embedded engine.
type world struct {
	t    testing.TB
	e    *embedded.Store
	db   *store.DB
	work *store.Work
	note unit.Table[note]
}

func newWorld(t testing.TB, o embedded.Options) *world {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	e, err := embedded.Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	w := &world{t: t, e: e, db: store.New(e, keys{}), work: store.NewWork(e)}
	w.note = store.Declare[note](w.db, "notes", store.Unique("key").WhenPresent("key"), store.Index("state", "n"), store.Index("at"),
		store.Index("part.name"), store.Unique("n").Only("on", true), store.Index("at", "state"))
	if err := w.db.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) insert(rows ...*note) {
	w.t.Helper()
	err := w.work.Update(w.t.Context(), func(tx unit.Tx) error {
		for _, v := range rows {
			if err := w.note.Insert(tx, v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get(id string) (v *note, err error) {
	err = w.work.View(w.t.Context(), func(tx unit.Tx) error { v, err = w.note.Get(tx, id); return err })
	return v, err
}

func (w *world) find(q unit.Query) (ids []string, err error) {
	err = w.work.View(w.t.Context(), func(tx unit.Tx) error {
		found, err := w.note.Find(tx, q)
		for _, v := range found {
			ids = append(ids, v.ID)
		}
		return err
	})
	return ids, err
}

func named(id string) *note { return &note{Row: unit.Row{ID: id}, Key: "key of " + id} }
