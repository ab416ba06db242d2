package enginetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// The random test must find what is broken on purpose.
func TestTheRandomTestBites(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(engine.Engine) engine.Engine{
		"an acknowledged unit is lost":       func(e engine.Engine) engine.Engine { return &forgetful{Engine: e} },
		"half of a unit is kept":             func(e engine.Engine) engine.Engine { return &torn{e} },
		"reads of one unit are of two times": func(e engine.Engine) engine.Engine { return &unsteady{e} },
		"a list lacks a row":                 func(e engine.Engine) engine.Engine { return &blind{Engine: e} },
		"an event without its unit":          func(e engine.Engine) engine.Engine { return &talkative{e} },
		"a taken value that is free":         func(e engine.Engine) engine.Engine { return &jealous{Engine: e} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			open := func(t testing.TB) engine.Engine {
				s, err := embedded.Open(dir, embedded.Options{Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				return spoil(s)
			}
			o := Options{Steps: 1000, Actors: 8, Epochs: 1, Seed: 1}
			if summary, err := Explore(t, Place{Open: open}, o); err == nil {
				t.Errorf("not found: %s", summary)
			} else {
				t.Log(err)
			}
		})
	}
}

var errLost = errors.New("lost on purpose")

// forgetful rolls one unit in twenty back and acknowledges it.
type forgetful struct {
	engine.Engine
	n atomic.Int64
}

func (f *forgetful) Update(ctx context.Context, fn func(engine.Tx) error) error {
	if f.n.Add(1)%20 != 0 {
		return f.Engine.Update(ctx, fn)
	}
	err := f.Engine.Update(ctx, func(tx engine.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errLost
	})
	if errors.Is(err, errLost) {
		return nil
	}
	return err
}

// torn runs every call of a unit as a unit of its own.
type torn struct{ engine.Engine }

func (e *torn) Update(ctx context.Context, fn func(engine.Tx) error) error {
	return fn(&alone{e: e.Engine, ctx: ctx})
}

// unsteady gives each read of a view a snapshot of its own.
type unsteady struct{ engine.Engine }

func (e *unsteady) View(ctx context.Context, fn func(engine.Tx) error) error {
	return fn(&alone{e: e.Engine, ctx: ctx})
}

type alone struct {
	engine.Tx
	e   engine.Engine
	ctx context.Context
}

func (t *alone) do(fn func(engine.Tx) error) error { return t.e.Update(t.ctx, fn) }

func (t *alone) Insert(c string, d bson.Raw) error {
	return t.do(func(tx engine.Tx) error { return tx.Insert(c, d) })
}

func (t *alone) Replace(c string, d bson.Raw) error {
	return t.do(func(tx engine.Tx) error { return tx.Replace(c, d) })
}

func (t *alone) Delete(c, id string) error {
	return t.do(func(tx engine.Tx) error { return tx.Delete(c, id) })
}

func (t *alone) Get(c, id string) (d bson.Raw, err error) {
	err = t.do(func(tx engine.Tx) error { d, err = tx.Get(c, id); return err })
	return d, err
}

func (t *alone) Find(c string, q unit.Query) (d []bson.Raw, err error) {
	err = t.do(func(tx engine.Tx) error { d, err = tx.Find(c, q); return err })
	return d, err
}

// blind leaves the last row out of one list in twenty.
type blind struct {
	engine.Engine
	n atomic.Int64
}

func (e *blind) View(ctx context.Context, fn func(engine.Tx) error) error {
	return e.Engine.View(ctx, func(tx engine.Tx) error { return fn(&blindTx{tx, e}) })
}

type blindTx struct {
	engine.Tx
	e *blind
}

func (t *blindTx) Find(c string, q unit.Query) ([]bson.Raw, error) {
	docs, err := t.Tx.Find(c, q)
	if len(docs) > 0 && t.e.n.Add(1)%20 == 0 {
		docs = docs[:len(docs)-1]
	}
	return docs, err
}

// talkative commits the events of units that failed.
type talkative struct{ engine.Engine }

func (e *talkative) Update(ctx context.Context, fn func(engine.Tx) error) error {
	var said []bson.Raw
	err := e.Engine.Update(ctx, func(tx engine.Tx) error { return fn(&talkativeTx{tx, &said}) })
	if err == nil {
		return nil
	}
	for _, d := range said {
		_ = e.Engine.Update(ctx, func(tx engine.Tx) error { return tx.Insert("events", d) })
	}
	return err
}

type talkativeTx struct {
	engine.Tx
	said *[]bson.Raw
}

func (t *talkativeTx) Insert(c string, d bson.Raw) error {
	if c == "events" {
		*t.said = append(*t.said, d)
	}
	return t.Tx.Insert(c, d)
}

// jealous refuses one insert in five for nothing.
type jealous struct {
	engine.Engine
	n atomic.Int64
}

func (e *jealous) Update(ctx context.Context, fn func(engine.Tx) error) error {
	return e.Engine.Update(ctx, func(tx engine.Tx) error { return fn(&jealousTx{tx, e}) })
}

type jealousTx struct {
	engine.Tx
	e *jealous
}

func (t *jealousTx) Insert(c string, d bson.Raw) error {
	if c == "things" && t.e.n.Add(1)%5 == 0 {
		return unit.ErrTaken
	}
	return t.Tx.Insert(c, d)
}
