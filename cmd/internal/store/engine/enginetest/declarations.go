package enginetest

import (
	"fmt"
	"strings"
	"testing"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

func undeclared(_ *testing.T, b bench) {
	b.declare("rows")
	for name, do := range map[string]func(engine.Tx) error{
		"get":     func(tx engine.Tx) error { _, err := tx.Get("ghosts", "a"); return err },
		"insert":  func(tx engine.Tx) error { return tx.Insert("ghosts", doc("a", 1)) },
		"replace": func(tx engine.Tx) error { return tx.Replace("ghosts", doc("a", 2)) },
		"delete":  func(tx engine.Tx) error { return tx.Delete("ghosts", "a") },
		"find": func(tx engine.Tx) error {
			_, err := tx.Find("ghosts", unit.Query{Index: engine.IDIndex})
			return err
		},
	} {
		if err := b.try(do); err == nil || !strings.Contains(err.Error(), "ghosts") {
			b.t.Errorf("%s: got %v, want an error that names the collection", name, err)
		}
	}
	err := b.e.View(b.t.Context(), func(tx engine.Tx) error {
		_, err := tx.Find("rows", unit.Query{Index: "colour"})
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "colour") {
		b.t.Errorf("got %v, want an error that names the index", err)
	}
}

func again(_ *testing.T, b bench) {
	for range 2 {
		b.declare("rows", unique("code"), plain("n"))
		b.declare("more")
	}
	b.insert("rows", doc("a", 1, "code", "1", "n", 1))
	b.declare("rows", unique("code"), plain("n"))
	b.same("rows", b.find("rows", unit.Query{Index: "n"}), []string{"a"})
	err := b.try(func(tx engine.Tx) error { return tx.Insert("rows", doc("b", 1, "code", "1")) })
	b.is("still unique", err, unit.ErrTaken)
}

func newIndex(_ *testing.T, b bench) {
	b.declare("rows")
	var want []string
	for i := range 1200 { // more than one batch of any builder
		id := fmt.Sprintf("r%04d", i)
		want = append([]string{id}, want...)
		b.insert("rows", doc(id, 1, "n", -i, "even", i%2 == 0))
	}
	b.declare("rows", unique("n"), plain("even"), plain("n", "even").Only("even", true))
	b.same("all", b.find("rows", unit.Query{Index: "n", Limit: 2000}), want)
	b.same("some", len(b.find("rows", unit.Query{Index: "n+even"})), 600)
	err := b.try(func(tx engine.Tx) error { return tx.Insert("rows", doc("x", 1, "n", -7)) })
	b.is("unique over old rows", err, unit.ErrTaken)
	b.do(func(tx engine.Tx) error { return tx.Replace("rows", doc("r0007", 2, "n", 1)) })
	b.same("an old row moves", b.find("rows", unit.Query{Index: "n", Desc: true, Limit: 2}), []string{"r0007", "r0000"})
}

func changedIndex(_ *testing.T, b bench) {
	b.declare("rows", unique("n"))
	b.insert("rows", doc("a", 1, "n", 1, "on", true))
	b.declare("rows", plain("n"))
	err := b.try(func(tx engine.Tx) error { return tx.Insert("rows", doc("b", 1, "n", 1, "on", false)) })
	if b.traits.KeepsIndexes {
		b.is("still unique, for others", err, unit.ErrTaken)
		b.same("and listed by the new index", b.find("rows", unit.Query{Index: "n"}), []string{"a"})
		return
	}
	b.is("insert", err, nil)
	b.same("no longer unique", b.find("rows", unit.Query{Index: "n"}), []string{"a", "b"})
	b.declare("rows", unique("n").Only("on", true))
	b.same("and then of some rows", b.find("rows", unit.Query{Index: "n"}), []string{"a"})
}

func notUnique(_ *testing.T, b bench) {
	b.declare("rows", plain("n"))
	b.insert("rows", doc("a", 1, "code", "1", "n", 1), doc("b", 1, "code", "1", "n", 2))
	err := b.e.Declare(b.t.Context(), engine.Collection{Name: "rows", Indexes: []engine.Index{plain("n"), unique("code")}})
	if err == nil || !strings.Contains(err.Error(), "rows") || !strings.Contains(err.Error(), "code") {
		b.t.Errorf("got %v, want an error that names collection and index", err)
	}
	b.insert("rows", doc("c", 1, "code", "1", "n", 0))
	b.same("as before", b.find("rows", unit.Query{Index: "n"}), []string{"c", "a", "b"})
}

func badDeclarations(_ *testing.T, b bench) {
	ok := plain("a")
	for name, c := range map[string]engine.Collection{
		"no name":            {},
		"a name with a dot":  {Name: "a.b"},
		"no fields":          {Name: "x", Indexes: []engine.Index{{}}},
		"an empty field":     {Name: "x", Indexes: []engine.Index{plain("")}},
		"a plus in a field":  {Name: "x", Indexes: []engine.Index{plain("a+b")}},
		"an index twice":     {Name: "x", Indexes: []engine.Index{ok, unique("a")}},
		"the index of ids":   {Name: "x", Indexes: []engine.Index{plain("_id")}},
		"a list as a value":  {Name: "x", Indexes: []engine.Index{ok.Only("b", []string{"c"})}},
		"a value, no field":  {Name: "x", Indexes: []engine.Index{{Fields: []string{"a"}, Is: 1}}},
		"an empty condition": {Name: "x", Indexes: []engine.Index{ok.Only("b.", 1)}},
	} {
		if err := b.e.Declare(b.t.Context(), c); err == nil {
			b.t.Errorf("accepted: %s", name)
		}
	}
}
