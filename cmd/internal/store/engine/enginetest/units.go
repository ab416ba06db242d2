package enginetest

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

func documents(_ *testing.T, b bench) {
	b.declare("rows")
	d := doc("a", 7, "s", "文", "b", []byte{0, 1}, "t", day, "n", int32(1), "f", 1.5,
		"list", bson.A{"x", bson.D{{Key: "y", Value: nil}}}, "big", strings.Repeat("z", 100_000))
	b.insert("rows", d)
	if got := b.get("rows", "a"); !bytes.Equal(got, d) {
		b.t.Errorf("got %d bytes, want the %d that were written", len(got), len(d))
	}
}

func absent(_ *testing.T, b bench) {
	b.declare("rows")
	for name, do := range map[string]func(engine.Tx) error{
		"get":     func(tx engine.Tx) error { _, err := tx.Get("rows", "x"); return err },
		"replace": func(tx engine.Tx) error { return tx.Replace("rows", doc("x", 2)) },
		"delete":  func(tx engine.Tx) error { return tx.Delete("rows", "x") },
	} {
		b.is(name, b.try(do), unit.ErrAbsent)
	}
	b.do(func(tx engine.Tx) error { // and the unit goes on behind it
		b.is("delete", tx.Delete("rows", "x"), unit.ErrAbsent)
		return tx.Insert("rows", doc("x", 1))
	})
	b.do(func(tx engine.Tx) error { return tx.Delete("rows", "x") })
	if b.get("rows", "x") != nil {
		b.t.Error("a deleted row is still there")
	}
	b.insert("rows", doc("x", 1))
}

func taken(_ *testing.T, b bench) {
	b.declare("rows", unique("code"))
	b.insert("rows", doc("a", 1, "code", "1"), doc("b", 1, "code", "2"))
	for name, do := range map[string]func(engine.Tx) error{
		"id":    func(tx engine.Tx) error { return tx.Insert("rows", doc("a", 1, "code", "9")) },
		"value": func(tx engine.Tx) error { return tx.Insert("rows", doc("c", 1, "code", "1")) },
		"value in the same unit": func(tx engine.Tx) error {
			_ = tx.Insert("rows", doc("c", 1, "code", "3"))
			return tx.Insert("rows", doc("d", 1, "code", "3"))
		},
		"replace": func(tx engine.Tx) error { return tx.Replace("rows", doc("a", 2, "code", "2")) },
	} {
		b.is(name, b.try(do), unit.ErrTaken)
	}
	b.same("rows", b.find("rows", unit.Query{Index: "code"}), []string{"a", "b"})
}

func versions(_ *testing.T, b bench) {
	b.declare("rows")
	b.insert("rows", doc("a", 1))
	replace := func(ver int64) error {
		return b.try(func(tx engine.Tx) error { return tx.Replace("rows", doc("a", ver, "v", ver)) })
	}
	b.is("the same version", replace(1), unit.ErrConflict)
	b.is("two versions on", replace(3), unit.ErrConflict)
	b.is("the next version", replace(2), nil)
	b.is("again", replace(2), unit.ErrConflict)
	if got := b.get("rows", "a"); !bytes.Equal(got, doc("a", 2, "v", int64(2))) {
		b.t.Errorf("got %v", got)
	}
}

func lost(_ *testing.T, b bench) {
	b.declare("rows", unique("code"))
	b.insert("rows", doc("a", 1, "code", "1"))
	own := errors.New("own")
	for want, do := range map[error]func(engine.Tx) error{
		unit.ErrTaken:    func(tx engine.Tx) error { return tx.Insert("rows", doc("b", 1, "code", "1")) },
		unit.ErrConflict: func(tx engine.Tx) error { return tx.Replace("rows", doc("a", 5)) },
	} {
		var read, write error // of the last run
		err := b.try(func(tx engine.Tx) error {
			_ = tx.Insert("rows", doc("before", 1, "code", "before"))
			_ = do(tx)
			_, read = tx.Get("rows", "a")
			write = tx.Insert("rows", doc("c", 1, "code", "c"))
			return nil
		})
		b.is("the unit", err, want)
		b.is("a further call", read, want)
		b.is("a further write", write, want)
	}
	err := b.try(func(tx engine.Tx) error { _ = tx.Replace("rows", doc("a", 5)); return own })
	b.is("a lost race under another error", err, unit.ErrConflict)
	err = b.try(func(tx engine.Tx) error { _ = tx.Insert("rows", doc("a", 1)); return own })
	b.is("a taken value under another error", err, own)
	b.same("rows", b.find("rows", unit.Query{Index: engine.IDIndex}), []string{"a"})
}

func undone(_ *testing.T, b bench) {
	b.declare("rows", plain("n"))
	b.insert("rows", doc("a", 1, "n", 1), doc("b", 1, "n", 2))
	own := errors.New("own")
	err := b.try(func(tx engine.Tx) error {
		return errors.Join(tx.Insert("rows", doc("c", 1, "n", 3)), tx.Replace("rows", doc("a", 2, "n", 9)),
			tx.Delete("rows", "b"), own)
	})
	b.is("the unit", err, own)
	b.same("rows", b.find("rows", unit.Query{Index: "n"}), []string{"a", "b"})
}

func panics(_ *testing.T, b bench) {
	b.declare("rows")
	func() {
		defer func() { b.same("recovered", recover(), "bang") }()
		_ = b.try(func(tx engine.Tx) error {
			_ = tx.Insert("rows", doc("a", 1))
			panic("bang")
		})
	}()
	func() {
		defer func() { b.same("recovered", recover(), "bang") }()
		_ = b.e.View(b.t.Context(), func(engine.Tx) error { panic("bang") })
	}()
	b.insert("rows", doc("b", 1))
	b.same("rows", b.find("rows", unit.Query{Index: engine.IDIndex}), []string{"b"})
}

func exits(_ *testing.T, b bench) {
	b.declare("rows")
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = b.try(func(tx engine.Tx) error {
			_ = tx.Insert("rows", doc("a", 1))
			runtime.Goexit()
			return nil
		})
	})
	wg.Wait()
	b.insert("rows", doc("b", 1))
	b.same("rows", b.find("rows", unit.Query{Index: engine.IDIndex}), []string{"b"})
}

func ownWrites(_ *testing.T, b bench) {
	b.declare("rows", plain("n"))
	b.insert("rows", doc("a", 1, "n", 1), doc("b", 1, "n", 2))
	b.do(func(tx engine.Tx) error {
		err := errors.Join(tx.Insert("rows", doc("c", 1, "n", 0)), tx.Replace("rows", doc("a", 2, "n", 3)),
			tx.Delete("rows", "b"))
		got, findErr := tx.Find("rows", unit.Query{Index: "n"})
		b.same("inside", ids(got), []string{"c", "a"})
		a, getErr := tx.Get("rows", "a")
		b.same("the replaced row", a, doc("a", 2, "n", 3))
		return errors.Join(err, findErr, getErr, tx.Replace("rows", doc("a", 3, "n", 4)))
	})
	b.same("behind", b.find("rows", unit.Query{Index: "n"}), []string{"c", "a"})
}

func moves(_ *testing.T, b bench) {
	b.declare("rows", unique("code"))
	b.insert("rows", doc("a", 1, "code", "1"))
	b.do(func(tx engine.Tx) error {
		return errors.Join(tx.Replace("rows", doc("a", 2, "code", "2")), tx.Insert("rows", doc("b", 1, "code", "1")))
	})
	b.do(func(tx engine.Tx) error {
		return errors.Join(tx.Delete("rows", "a"), tx.Insert("rows", doc("c", 1, "code", "2")))
	})
	b.same("rows", b.find("rows", unit.Query{Index: "code"}), []string{"b", "c"})
}

func snapshots(_ *testing.T, b bench) {
	b.declare("rows", plain("n"))
	b.insert("rows", doc("a", 1, "n", 1), doc("b", 1, "n", 1))
	err := b.e.View(b.t.Context(), func(tx engine.Tx) error {
		before, err := tx.Get("rows", "a")
		if err != nil {
			return err
		}
		b.do(func(tx engine.Tx) error {
			return errors.Join(tx.Replace("rows", doc("a", 2, "n", 2)), tx.Replace("rows", doc("b", 2, "n", 2)),
				tx.Insert("rows", doc("c", 1, "n", 1)))
		})
		after, err := tx.Get("rows", "a")
		b.same("the same row", after, before)
		found, findErr := tx.Find("rows", unit.Query{Index: "n", Key: []any{1}})
		b.same("the index", ids(found), []string{"a", "b"})
		return errors.Join(err, findErr)
	})
	b.is("view", err, nil)
	b.same("a new view", b.find("rows", unit.Query{Index: "n", Key: []any{2}}), []string{"a", "b"})
}

func readOnly(_ *testing.T, b bench) {
	b.declare("rows")
	b.insert("rows", doc("a", 1))
	_ = b.e.View(b.t.Context(), func(tx engine.Tx) error {
		b.is("insert", tx.Insert("rows", doc("b", 1)), engine.ErrReadOnly)
		b.is("replace", tx.Replace("rows", doc("a", 2)), engine.ErrReadOnly)
		b.is("delete", tx.Delete("rows", "a"), engine.ErrReadOnly)
		_, err := tx.Get("rows", "a")
		b.is("and reading goes on", err, nil)
		return nil
	})
	b.same("rows", b.find("rows", unit.Query{Index: engine.IDIndex}), []string{"a"})
}

func ended(_ *testing.T, b bench) {
	b.declare("rows")
	var kept []engine.Tx
	keep := func(tx engine.Tx) error { kept = append(kept, tx); return nil }
	b.do(keep)
	b.is("view", b.e.View(b.t.Context(), keep), nil)
	for _, tx := range kept {
		_, err := tx.Get("rows", "a")
		b.is("get", err, engine.ErrEnded)
		_, err = tx.Find("rows", unit.Query{Index: engine.IDIndex})
		b.is("find", err, engine.ErrEnded)
	}
	b.is("insert", kept[0].Insert("rows", doc("a", 1)), engine.ErrEnded)
}

func gone(_ *testing.T, b bench) {
	b.declare("rows")
	ctx, cancel := context.WithCancel(b.t.Context())
	cancel()
	ran := func(engine.Tx) error { b.t.Error("ran"); return nil }
	b.is("update", b.e.Update(ctx, ran), context.Canceled)
	b.is("view", b.e.View(ctx, ran), context.Canceled)
}

func increments(_ *testing.T, b bench) {
	b.declare("rows")
	b.insert("rows", doc("a", 1))
	const actors, each = 8, 25
	var wg sync.WaitGroup
	for range actors {
		wg.Go(func() {
			for range each {
				b.increment("a")
			}
		})
	}
	wg.Wait()
	_, ver, err := engine.Head(b.get("rows", "a"))
	b.is("head", err, nil)
	b.same("version", ver, actors*each+1)
}

// increment raises a row's version, again after each lost race.
func (b bench) increment(id string) {
	for {
		err := b.try(func(tx engine.Tx) error {
			d, err := tx.Get("rows", id)
			if err != nil {
				return err
			}
			_, ver, err := engine.Head(d)
			return errors.Join(err, tx.Replace("rows", doc(id, ver+1)))
		})
		if !errors.Is(err, unit.ErrConflict) {
			b.is("increment", err, nil)
			return
		}
	}
}

func times(_ *testing.T, b bench) {
	b.declare("rows")
	var last time.Time
	look := func(tx engine.Tx) error {
		now := tx.Now()
		if now.Location() != time.UTC || now != now.Truncate(time.Millisecond) {
			b.t.Errorf("%v is not whole milliseconds in UTC", now)
		}
		if now.Before(last) {
			b.t.Errorf("%v after %v", now, last)
		}
		last = now
		_, err := tx.Find("rows", unit.Query{Index: engine.IDIndex})
		if tx.Now() != now {
			b.t.Error("the time changed inside a unit")
		}
		return err
	}
	for range 3 {
		b.do(look)
		b.is("view", b.e.View(b.t.Context(), look), nil)
	}
}

func malformed(_ *testing.T, b bench) {
	b.declare("rows")
	large := doc("large", 1, "x", make([]byte, engine.MaxDocument))
	swapped, _ := bson.Marshal(bson.D{{Key: "ver", Value: int64(1)}, {Key: "_id", Value: "a"}})
	number, _ := bson.Marshal(bson.D{{Key: "_id", Value: 1}, {Key: "ver", Value: int64(1)}})
	for name, d := range map[string]bson.Raw{
		"nothing": nil, "empty": {5, 0, 0, 0, 0}, "cut": doc("a", 1)[:12], "no id": doc("", 1), "no version": doc("a", 0),
		"swapped": swapped, "a number for an id": number, "too large": large,
	} {
		if err := b.try(func(tx engine.Tx) error { return tx.Insert("rows", d) }); err == nil {
			b.t.Errorf("accepted: %s", name)
		}
	}
}
