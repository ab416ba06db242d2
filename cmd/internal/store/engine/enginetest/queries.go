package enginetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// ordered lists values of all kinds that an index holds, in their order.
var ordered = []any{
	nil,
	int64(-1 << 63), int64(-1 << 40), int32(-70000), int32(-1), int32(0), int64(1), int32(2), int64(1 << 31), int64(1<<63 - 1),
	"", "\x00", "\x00a", "A", "Z", "a", "a\x00", "a\x00b", "aa", "b", "é", "文", "文书", "\U0001F600",
	[]byte{}, []byte{0}, []byte{9}, []byte{255}, []byte{0, 0}, []byte{1, 0},
	false, true,
	time.UnixMilli(-62135596800000), time.UnixMilli(-1), time.UnixMilli(0), day, day.Add(time.Millisecond),
}

func order(_ *testing.T, b bench) {
	b.declare("rows", plain("v"), plain("w.v"))
	var want []string
	for i, v := range ordered {
		id := fmt.Sprintf("%02d", (i*17)%len(ordered)) // not in the order of the values
		want = append(want, id)
		b.insert("rows", doc(id, 1, "v", v, "w", bson.D{{Key: "v", Value: v}}))
	}
	for _, index := range []string{"v", "w.v"} {
		b.same("up", b.find("rows", unit.Query{Index: index}), want)
		down := slices.Clone(want)
		slices.Reverse(down)
		b.same("down", b.find("rows", unit.Query{Index: index, Desc: true}), down)
		for i, v := range ordered {
			b.same(fmt.Sprintf("equal to %v", v), b.find("rows", unit.Query{Index: index, Key: []any{v}}), want[i:i+1])
			after := []any{v, want[i]}
			b.same(fmt.Sprintf("after %v", v), b.find("rows", unit.Query{Index: index, After: after}), want[i+1:])
		}
	}
}

func pages(_ *testing.T, b bench) {
	b.declare("rows", plain("org", "n"))
	for i := range 30 {
		b.insert("rows", doc(fmt.Sprintf("r%02d", (i*7)%30), 1, "org", fmt.Sprintf("o%d", i%3), "n", i%4))
	}
	all := b.find("rows", unit.Query{Index: "org+n"})
	b.same("rows", len(all), 30)
	for _, desc := range []bool{false, true} {
		for _, size := range []int{1, 2, 7, 30, 31} {
			want := slices.Clone(all)
			if desc {
				slices.Reverse(want)
			}
			b.same(fmt.Sprintf("pages of %d, desc %v", size, desc), b.walk("org+n", nil, desc, size, "org", "n"), want)
		}
		b.same("one organization", len(b.walk("org+n", []any{"o1"}, desc, 3, "n")), 10)
		b.same("one value of all fields", len(b.walk("org+n", []any{"o1", 1}, desc, 1)), 3)
	}
	b.same("another prefix", b.find("rows", unit.Query{Index: "org+n", Key: []any{"o"}}), []string{})
}

// walk reads all pages of a query; fields name what is behind the key.
func (b bench) walk(index string, key []any, desc bool, size int, fields ...string) (list []string) {
	b.t.Helper()
	q := unit.Query{Index: index, Key: key, Desc: desc, Limit: size}
	for {
		var page []bson.Raw
		err := b.e.View(b.t.Context(), func(tx engine.Tx) (err error) { page, err = tx.Find("rows", q); return err })
		if err != nil || len(page) > size {
			b.t.Fatalf("a page of %d: %d rows, %v", size, len(page), err)
		}
		list = append(list, ids(page)...)
		if len(page) < size || len(list) > 100 {
			return list
		}
		q.After = nil
		for _, f := range fields {
			var v any
			if err := page[size-1].Lookup(f).Unmarshal(&v); err != nil {
				b.t.Fatal(err)
			}
			q.After = append(q.After, v)
		}
		q.After = append(q.After, idOf(page[size-1]))
	}
}

func uniquePages(_ *testing.T, b bench) {
	b.declare("rows", unique("code"))
	var want []string
	for i := range 9 {
		id := string(rune('z' - i))
		want = append(want, id)
		b.insert("rows", doc(id, 1, "code", i))
	}
	b.same("up", b.walk("code", nil, false, 2, "code"), want)
	slices.Reverse(want)
	b.same("down", b.walk("code", nil, true, 2, "code"), want)
	// The id of the place to resume at decides, not only the value. Row v has
	// code 4.
	for _, c := range []struct {
		id   string
		desc bool
		want string
	}{{"", false, "v"}, {"u", false, "v"}, {"v", false, "u"}, {"w", false, "u"}, {"w", true, "v"}, {"v", true, "w"}, {"", true, "w"}} {
		q := unit.Query{Index: "code", After: []any{4, c.id}, Desc: c.desc, Limit: 1}
		b.same(fmt.Sprintf("after 4 and %q, desc %v", c.id, c.desc), b.find("rows", q), []string{c.want})
	}
}

func idPages(_ *testing.T, b bench) {
	b.declare("rows")
	b.declare("others")
	for _, id := range []string{"c", "a", "文", "b"} {
		b.insert("rows", doc(id, 1))
		b.insert("others", doc("x"+id, 1))
	}
	b.same("up", b.walk(engine.IDIndex, nil, false, 3), []string{"a", "b", "c", "文"})
	b.same("down", b.walk(engine.IDIndex, nil, true, 1), []string{"文", "c", "b", "a"})
	b.same("one", b.find("rows", unit.Query{Index: engine.IDIndex, Key: []any{"b"}}), []string{"b"})
	b.same("none", b.find("rows", unit.Query{Index: engine.IDIndex, Key: []any{"x"}}), []string{})
}

func badQueries(_ *testing.T, b bench) {
	b.declare("rows", plain("a", "b"))
	for name, q := range map[string]unit.Query{
		"no index":            {},
		"another index":       {Index: "a"},
		"too many values":     {Index: "a+b", Key: []any{1, 2, 3}},
		"a list as a value":   {Index: "a+b", Key: []any{[]string{"x"}}},
		"a fraction":          {Index: "a+b", Key: []any{1.5}},
		"after without id":    {Index: "a+b", After: []any{1, 2}},
		"after with too much": {Index: "a+b", Key: []any{1}, After: []any{1, 2, "id"}},
		"an id of no text":    {Index: "a+b", After: []any{1, 2, 3}},
		"a negative limit":    {Index: "a+b", Limit: -1},
		"after by id":         {Index: engine.IDIndex, After: []any{"a", "b"}},
	} {
		err := b.e.View(b.t.Context(), func(tx engine.Tx) error { _, err := tx.Find("rows", q); return err })
		if err == nil {
			b.t.Errorf("accepted: %s", name)
		}
	}
}

func partial(_ *testing.T, b bench) {
	b.declare("rows", unique("app", "account").Only("state", "active"), plain("n").Only("on", true))
	row := func(id string, ver int64, state string) bson.Raw {
		return doc(id, ver, "app", "p", "account", 1, "state", state, "on", state != "ended", "n", 1)
	}
	insert := func(d bson.Raw) error { return b.try(func(tx engine.Tx) error { return tx.Insert("rows", d) }) }
	b.insert("rows", row("a", 1, "active"), row("b", 1, "ended"), row("c", 1, "ended"), row("d", 1, "pending"))
	b.is("a second active row", insert(row("e", 1, "active")), unit.ErrTaken)
	b.is("turning active", b.try(func(tx engine.Tx) error { return tx.Replace("rows", row("b", 2, "active")) }), unit.ErrTaken)
	b.do(func(tx engine.Tx) error { return tx.Replace("rows", row("a", 2, "ended")) })
	b.is("the first has ended", insert(row("e", 1, "active")), nil)
	b.same("active", b.find("rows", unit.Query{Index: "app+account"}), []string{"e"})
	b.same("on", b.find("rows", unit.Query{Index: "n"}), []string{"d", "e"})
	b.do(func(tx engine.Tx) error { return tx.Delete("rows", "e") })
	b.same("none active", b.find("rows", unit.Query{Index: "app+account"}), []string{})
}

func present(_ *testing.T, b bench) {
	b.declare("rows", unique("code").WhenPresent("code"))
	b.insert("rows", doc("a", 1), doc("b", 1), doc("c", 1, "code", nil), doc("d", 1, "code", "x"))
	insert := func(d bson.Raw) error { return b.try(func(tx engine.Tx) error { return tx.Insert("rows", d) }) }
	b.is("null is present", insert(doc("e", 1, "code", nil)), unit.ErrTaken)
	b.is("a value", insert(doc("e", 1, "code", "x")), unit.ErrTaken)
	b.same("present", b.find("rows", unit.Query{Index: "code"}), []string{"c", "d"})
}

func nulls(_ *testing.T, b bench) {
	b.declare("rows", plain("v", "w"), unique("u"))
	b.insert("rows", doc("b", 1, "v", nil, "w", 2, "u", 1), doc("a", 1, "w", 2, "u", 2), doc("c", 1, "w", 1, "u", nil))
	b.same("equal to nothing", b.find("rows", unit.Query{Index: "v+w", Key: []any{nil}}), []string{"c", "a", "b"})
	err := b.try(func(tx engine.Tx) error { return tx.Insert("rows", doc("d", 1)) })
	b.is("absent where null is", err, unit.ErrTaken)
}

func unindexable(_ *testing.T, b bench) {
	b.declare("rows", plain("v"), plain("in.v"))
	for name, d := range map[string]bson.Raw{
		"a list":             doc("a", 1, "v", bson.A{1}),
		"a document":         doc("a", 1, "v", bson.D{}),
		"a fraction":         doc("a", 1, "v", 1.5),
		"a list on the way":  doc("a", 1, "in", bson.A{bson.D{{Key: "v", Value: 1}}}),
		"an object id":       doc("a", 1, "v", bson.NewObjectID()),
		"a document further": doc("a", 1, "in", bson.D{{Key: "v", Value: bson.D{}}}),
	} {
		if err := b.try(func(tx engine.Tx) error { return tx.Insert("rows", d) }); err == nil {
			b.t.Errorf("accepted: %s", name)
		}
	}
	b.insert("rows", doc("a", 1, "v", 1, "in", "no document"))
	err := b.try(func(tx engine.Tx) error { return tx.Replace("rows", doc("a", 2, "v", bson.A{})) })
	if err == nil {
		b.t.Error("replaced by a list")
	}
	b.same("rows", b.find("rows", unit.Query{Index: "in.v", Key: []any{nil}}), []string{"a"})
}
