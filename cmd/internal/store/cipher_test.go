package store_test

import (
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// rewrite changes a stored document behind the back of the typed layer.
func (w *world) rewrite(collection, id string, change func(bson.D) bson.D) {
	w.t.Helper()
	err := w.e.Update(w.t.Context(), func(tx engine.Tx) error {
		raw, err := tx.Get(collection, id)
		if err != nil {
			return err
		}
		var d bson.D
		if err := bson.Unmarshal(raw, &d); err != nil {
			return err
		}
		d = change(d)
		at(d, "ver").Value = at(d, "ver").Value.(int64) + 1
		raw, err = bson.Marshal(d)
		return errors.Join(err, tx.Replace(collection, raw))
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func at(d bson.D, key string) *bson.E {
	for i := range d {
		if d[i].Key == key {
			return &d[i]
		}
	}
	panic("no field " + key)
}

// What somebody who can write to the database, and has no key, may try.
func TestSealedValuesOpenInTheirPlaceOnly(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(bson.D) bson.D{
		"in the clear":    func(d bson.D) bson.D { at(d, "name").Value = "李四"; return d },
		"as null":         func(d bson.D) bson.D { at(d, "name").Value = nil; return d },
		"as empty binary": func(d bson.D) bson.D { at(d, "name").Value = bson.Binary{Subtype: 0x80}; return d },
		"of another field": func(d bson.D) bson.D {
			at(d, "name").Value = at(d, "maybe").Value
			return d
		},
		"under another subtype": func(d bson.D) bson.D {
			at(d, "name").Value = at(d, "name").Value.(bson.Binary).Data
			return d
		},
		"of another form": func(d bson.D) bson.D {
			b := at(d, "name").Value.(bson.Binary)
			b.Data[0]++
			at(d, "name").Value = b
			return d
		},
		"altered": func(d bson.D) bson.D {
			b := at(d, "name").Value.(bson.Binary)
			b.Data[len(b.Data)-1] ^= 1
			at(d, "name").Value = b
			return d
		},
		"cut": func(d bson.D) bson.D {
			b := at(d, "name").Value.(bson.Binary)
			b.Data = b.Data[:20]
			at(d, "name").Value = b
			return d
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, embedded.Options{})
			v := named("a")
			v.Name, v.Maybe = "张三", "另一个"
			w.insert(v)
			w.rewrite("notes", "a", func(d bson.D) bson.D { return d })
			if got, err := w.get("a"); err != nil || got.Name != "张三" {
				t.Fatalf("untouched: %v", err)
			}
			w.rewrite("notes", "a", change)
			if got, err := w.get("a"); err == nil {
				t.Errorf("opened as %q", got.Name)
			}
			if _, err := w.find(unit.Query{Index: "at"}); err == nil {
				t.Error("listed")
			}
		})
	}
}

// otherKeys are keys of another installation.
type otherKeys struct{}

func (otherKeys) Class(string) ([]byte, error) {
	return []byte("another key of 32 bytes in all.."), nil
}

func TestOtherKeysOpenNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func(k store.Keys) (*store.Work, unit.Table[note], func()) {
		e, err := embedded.Open(dir, embedded.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		db := store.New(e, k)
		notes := store.Declare[note](db, "notes")
		if err := db.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		return store.NewWork(e), notes, func() { _ = e.Close() }
	}
	work, notes, end := open(keys{})
	v := named("a")
	v.Name = "张三"
	if err := work.Update(t.Context(), func(tx unit.Tx) error { return notes.Insert(tx, v) }); err != nil {
		t.Fatal(err)
	}
	end()
	work, notes, end = open(otherKeys{})
	defer end()
	if err := work.View(t.Context(), func(tx unit.Tx) error { _, err := notes.Get(tx, "a"); return err }); err == nil {
		t.Error("another key opened the row")
	}
}
