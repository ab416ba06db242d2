package enginetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

func (b bench) outbox(indexes ...engine.Index) {
	b.t.Helper()
	err := b.e.Declare(b.t.Context(), engine.Collection{Name: "events", Outbox: true, Indexes: indexes},
		engine.Collection{Name: "rows"})
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b bench) tail() engine.Position {
	b.t.Helper()
	p, err := b.e.Tail(b.t.Context(), "events")
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// heard follows the outbox behind a position until n changes came.
func (b bench) heard(after engine.Position, n int) (list []string, last engine.Position) {
	b.t.Helper()
	enough := errors.New("enough")
	if n == 0 {
		return nil, after
	}
	err := b.e.Follow(b.t.Context(), "events", after, func(c engine.Change) error {
		list, last = append(list, idOf(c.Doc)), c.Position
		if len(list) == n {
			return enough
		}
		return nil
	})
	b.is("follow", err, enough)
	return list, last
}

func followed(_ *testing.T, b bench) {
	b.outbox()
	b.insert("events", doc("old", 1))
	from := b.tail()
	heard := make(chan []string)
	go func() {
		list, _ := b.heard(from, 4)
		heard <- list
	}()
	b.insert("events", doc("e1", 1))
	_ = b.try(func(tx engine.Tx) error {
		return errors.Join(tx.Insert("events", doc("never", 1)), errors.New("no"))
	})
	b.insert("rows", doc("a", 1))
	b.insert("events", doc("e3", 1), doc("e2", 1))
	b.insert("events", doc("e4", 1))
	b.same("heard", <-heard, []string{"e1", "e3", "e2", "e4"})
}

func resumed(_ *testing.T, b bench) {
	b.outbox(unique("n"))
	from := b.tail()
	var want []string
	for i := range 20 {
		id := fmt.Sprintf("e%02d", 20-i)
		want = append(want, id)
		b.insert("events", doc(id, 1, "n", i))
	}
	for _, step := range []int{1, 5, 14} {
		got, next := b.heard(from, step)
		b.same("a piece", got, want[:step])
		want, from = want[step:], next
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	cancel()
	err := b.e.Follow(ctx, "events", from, func(engine.Change) error { b.t.Error("heard more"); return nil })
	b.is("follow without a caller", err, context.Canceled)
	b.same("the index", b.find("events", unit.Query{Index: "n", Limit: 2}), []string{"e20", "e19"})
}

// behindTheEnd: Tail is behind everything that was acknowledged, a position can
// be followed twice, and what it follows does not depend on what is deleted
// before it.
func behindTheEnd(_ *testing.T, b bench) {
	b.outbox()
	b.insert("events", doc("e1", 1))
	_, last := b.heard(b.tail(), 0)
	b.insert("events", doc("e2", 1), doc("e3", 1))
	end := b.tail()
	b.insert("events", doc("e4", 1))
	for range 2 {
		got, _ := b.heard(last, 3)
		b.same("behind the first", got, []string{"e2", "e3", "e4"})
		got, _ = b.heard(end, 1)
		b.same("behind the end", got, []string{"e4"})
	}
	b.do(func(tx engine.Tx) error { return tx.Delete("events", "e1") })
	got, _ := b.heard(end, 1)
	b.same("behind the end", got, []string{"e4"})
}

func outboxOnly(_ *testing.T, b bench) {
	b.outbox()
	b.insert("events", doc("a", 1))
	if err := b.try(func(tx engine.Tx) error { return tx.Replace("events", doc("a", 2)) }); err == nil {
		b.t.Error("an event was replaced")
	}
	b.do(func(tx engine.Tx) error { return tx.Delete("events", "a") })
	for name, follow := range map[string]func() error{
		"follow an ordinary collection": func() error {
			return b.e.Follow(b.t.Context(), "rows", b.tail(), func(engine.Change) error { return nil })
		},
		"the end of an ordinary collection": func() error { _, err := b.e.Tail(b.t.Context(), "rows"); return err },
		"follow from nowhere": func() error {
			return b.e.Follow(b.t.Context(), "events", "", func(engine.Change) error { return nil })
		},
	} {
		if follow() == nil {
			b.t.Errorf("accepted: %s", name)
		}
	}
	err := b.e.Declare(b.t.Context(), engine.Collection{Name: "rows", Outbox: true})
	if err == nil {
		b.t.Error("an ordinary collection became an outbox")
	}
}
