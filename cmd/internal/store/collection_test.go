package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

type state string

type part struct {
	Name string   `bson:"name"`
	List []string `bson:"list"`
}

type thing struct {
	unit.Row `bson:",inline"`
	Code     string    `bson:"code"`
	State    state     `bson:"state"`
	Digest   gm.Digest `bson:"digest"`
	At       time.Time `bson:"at"`
	Secret   string    `bson:"secret" enc:"personal"`
	Part     part      `bson:"part" enc:"statement"`
	Raw      []byte    `bson:"raw" enc:"document"`
	None     []byte    `bson:"none" enc:"document"`
}

type keys struct{}

func (keys) Class(name string) ([]byte, error) {
	d := gm.SM3([]byte(name))
	return d[:16], nil
}

func open(t *testing.T, dir string) (*embedded.Store, unit.Work, unit.Table[thing]) {
	t.Helper()
	e, err := embedded.Open(dir, embedded.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	db := store.New(e, keys{})
	things := store.Declare[thing](db, "things", store.Unique("code"), store.Index("state", "at"), store.Unique("digest"))
	if err := db.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e, store.NewWork(e), things
}

func sample(id string) *thing {
	return &thing{
		Row: unit.Row{ID: id}, Code: "code " + id, State: "active", Digest: gm.SM3([]byte(id)), At: time.UnixMilli(1_790_000_000_123).UTC(),
		Secret: "张三的秘密", Part: part{"李四的名字", []string{"一", "二"}}, Raw: []byte("正文"),
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	_, work, things := open(t, t.TempDir())
	a := sample("th_1")
	if err := work.Update(t.Context(), func(tx unit.Tx) error { return things.Insert(tx, a) }); err != nil {
		t.Fatal(err)
	}
	err := work.Update(t.Context(), func(tx unit.Tx) error {
		b, err := things.Get(tx, "th_1")
		if err != nil {
			return err
		}
		if b.Secret != a.Secret || b.Part.Name != a.Part.Name || len(b.Part.List) != 2 || !bytes.Equal(b.Raw, a.Raw) || b.None != nil ||
			!b.At.Equal(a.At) || b.Digest.Hex() != a.Digest.Hex() || b.Ver != 1 {
			t.Errorf("read %+v", b)
		}
		b.Secret = "other"
		return things.Replace(tx, b)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = work.View(t.Context(), func(tx unit.Tx) error {
		for _, q := range []unit.Query{
			{Index: "code", Key: []any{"code th_1"}}, {Index: "digest", Key: []any{a.Digest}},
			{Index: "state+at", Key: []any{state("active")}}, {Index: "state+at", Key: []any{state("active"), a.At}},
		} {
			found, err := things.Find(tx, q)
			if err != nil || len(found) != 1 || found[0].Secret != "other" || found[0].Ver != 2 {
				t.Errorf("%+v: %d found, %v", q, len(found), err)
			}
		}
		_, err := things.Get(tx, "th_2")
		if !errors.Is(err, unit.ErrAbsent) {
			t.Errorf("absent: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUniqueAndStale(t *testing.T) {
	t.Parallel()
	_, work, things := open(t, t.TempDir())
	insert := func(v *thing) error {
		return work.Update(t.Context(), func(tx unit.Tx) error { return things.Insert(tx, v) })
	}
	a := sample("th_1")
	if err := insert(a); err != nil {
		t.Fatal(err)
	}
	b := sample("th_2")
	b.Code = a.Code
	if err := insert(b); !errors.Is(err, unit.ErrTaken) || b.Ver != 0 {
		t.Errorf("the same code: %v, version %d", err, b.Ver)
	}
	stale := *a
	if err := work.Update(t.Context(), func(tx unit.Tx) error { return things.Replace(tx, a) }); err != nil {
		t.Fatal(err)
	}
	err := work.Update(t.Context(), func(tx unit.Tx) error { s := stale; return things.Replace(tx, &s) })
	if !errors.Is(err, unit.ErrConflict) {
		t.Errorf("a stale row: %v", err)
	}
}

func TestNothingReadableAtRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e, work, things := open(t, dir)
	if err := work.Update(t.Context(), func(tx unit.Tx) error { return things.Insert(tx, sample("th_1")) }); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	seen := false
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		seen = seen || bytes.Contains(b, []byte("code th_1"))
		for _, secret := range []string{"张三", "李四", "正文"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s holds %s", f, secret)
			}
		}
	}
	if !seen {
		t.Error("the row was not found at all: this test looks in the wrong place")
	}
}

// A value copied into another row, by somebody who can write to the database,
// does not open there.
func TestValuesDoNotMove(t *testing.T) {
	t.Parallel()
	e, work, things := open(t, t.TempDir())
	for _, id := range []string{"th_1", "th_2"} {
		if err := work.Update(t.Context(), func(tx unit.Tx) error { return things.Insert(tx, sample(id)) }); err != nil {
			t.Fatal(err)
		}
	}
	err := e.Update(t.Context(), func(tx engine.Tx) error {
		a, err := tx.Get("things", "th_1")
		if err != nil {
			return err
		}
		b, err := tx.Get("things", "th_2")
		if err != nil {
			return err
		}
		moved := transplant(t, b, a, "secret")
		return tx.Replace("things", moved)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = work.View(t.Context(), func(tx unit.Tx) error { _, err := things.Get(tx, "th_2"); return err })
	if err == nil {
		t.Error("a secret of another row was accepted")
	}
}
