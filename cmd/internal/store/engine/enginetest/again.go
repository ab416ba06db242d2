package enginetest

import (
	"errors"
	"testing"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// takenWhere: a function may map the error of one insert and not that of
// another, so it must come from the right one, at the latest in the last run.
func takenWhere(_ *testing.T, b bench) {
	b.declare("rows", unique("code"))
	b.declare("more", unique("code"))
	b.insert("rows", doc("a", 1, "code", "1"))
	first, second, third := errors.New("first"), errors.New("second"), errors.New("third")
	as := func(err, known error) error {
		if errors.Is(err, unit.ErrTaken) {
			return known
		}
		return err
	}
	err := b.try(func(tx engine.Tx) error {
		if err := as(tx.Insert("more", doc("x", 1, "code", "1")), first); err != nil {
			return err
		}
		if err := as(tx.Insert("rows", doc("b", 1, "code", "1")), second); err != nil {
			return err
		}
		return as(tx.Insert("more", doc("y", 1, "code", "2")), third)
	})
	b.is("mapped by the function", err, second)
	err = b.try(func(tx engine.Tx) error { return as(tx.Insert("rows", doc("a", 1, "code", "7")), first) })
	b.is("a taken id", err, first)
	b.same("rows", b.find("rows", unit.Query{Index: engine.IDIndex}), []string{"a"})
	b.same("more", b.find("more", unit.Query{Index: engine.IDIndex}), []string{})
}

// takenAcross: a list in the midst of a unit sends what was written before it.
func takenAcross(_ *testing.T, b bench) {
	b.declare("rows", unique("code"))
	b.insert("rows", doc("a", 1, "code", "1"))
	own := errors.New("own")
	err := b.try(func(tx engine.Tx) error {
		if err := tx.Insert("rows", doc("b", 1, "code", "1")); errors.Is(err, unit.ErrTaken) {
			return own
		}
		_, err := tx.Find("rows", unit.Query{Index: "code"})
		return err
	})
	b.is("the unit", err, own)
}

// fetched: the hint is good before and behind writes, for what is there and
// what is not, and for lists.
func fetched(_ *testing.T, b bench) {
	b.declare("rows", plain("n"))
	b.declare("more")
	b.insert("rows", doc("a", 1, "n", 1), doc("b", 1, "n", 2), doc("c", 1, "n", 1))
	b.insert("more", doc("m", 1))
	q := unit.Query{Index: "n", Key: []any{1}}
	fetch := func(tx engine.Tx) error {
		f, can := tx.(engine.Fetcher)
		if !can {
			return nil
		}
		return f.Fetch(engine.Ref{Collection: "rows", ID: "a"}, engine.Ref{Collection: "rows", ID: "x"},
			engine.Ref{Collection: "more", ID: "m"}, engine.Ref{Collection: "rows", Query: &q})
	}
	look := func(tx engine.Tx, want string, has, hasNot string) {
		list, err := tx.Find("rows", q)
		b.is("find", err, nil)
		b.same("listed", ids(list), want)
		_, err = tx.Get("rows", has)
		b.is("get "+has, err, nil)
		_, err = tx.Get("rows", hasNot)
		b.is("get "+hasNot, err, unit.ErrAbsent)
		_, err = tx.Get("more", "m")
		b.is("get of another collection", err, nil)
	}
	b.is("view", b.e.View(b.t.Context(), func(tx engine.Tx) error {
		b.is("fetch", fetch(tx), nil)
		look(tx, "[a c]", "a", "x")
		return nil
	}), nil)
	b.do(func(tx engine.Tx) error {
		b.is("fetch", fetch(tx), nil)
		look(tx, "[a c]", "a", "x")
		b.is("insert", tx.Insert("rows", doc("x", 1, "n", 1)), nil)
		b.is("replace", tx.Replace("rows", doc("b", 2, "n", 1)), nil)
		b.is("delete", tx.Delete("rows", "a"), nil)
		b.is("fetch again", fetch(tx), nil)
		look(tx, "[b c x]", "x", "a")
		return nil
	})
	b.same("behind", b.find("rows", q), "[b c x]")
	ghost := engine.Ref{Collection: "ghosts", ID: "a"}
	_ = b.e.View(b.t.Context(), func(tx engine.Tx) error {
		if f, can := tx.(engine.Fetcher); can && f.Fetch(ghost) == nil {
			b.t.Error("fetched from an undeclared collection")
		}
		return nil
	})
}
