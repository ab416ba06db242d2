package mongo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// abortPatience bounds how long the undoing of a unit is waited for. A server
// that is not reached undoes it by itself after a minute.
const abortPatience = time.Second

// mode is how a unit is run: at first in the fastest way, and again in a more
// careful one where that did not do.
type mode struct {
	eager  bool // every write is sent at once
	single bool // rows are not fetched together: they are too large
}

// errAgain ends a run that is followed by another.
var errAgain = fmt.Errorf("mongo: the unit runs again: %w", unit.ErrConflict)

// tx is one run of a unit of work. It implements [engine.Tx].
type tx struct {
	e        *Engine
	ctx      context.Context // the caller's, with the session
	s        *mongo.Session
	cat      *catalogue
	mode     *mode
	writable bool

	now   time.Time // zero until the first read
	ended bool
	lost  error // every further call gives this
	again bool  // another run follows
	sent  bool  // the server knows of this transaction

	seen    map[place]bson.Raw    // rows as the unit sees them; nil: there is none
	listed  map[string][]bson.Raw // answers of Fetch to queries
	pending []op
	wrote   []op // those sent: what settles a commit of unknown outcome
}

// place names a row.
type place struct{ collection, id string }

func (e *Engine) newTx(ctx context.Context, s *mongo.Session, m *mode, writable bool) *tx {
	return &tx{
		e: e, ctx: mongo.NewSessionContext(ctx, s), s: s, cat: e.declared.Load(), mode: m, writable: writable,
		seen: map[place]bson.Raw{}, listed: map[string][]bson.Raw{},
	}
}

// Update implements [engine.Engine].
func (e *Engine) Update(ctx context.Context, fn func(engine.Tx) error) error {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	m := &mode{}
	for {
		again, err := e.run(ctx, m, fn)
		if !again {
			return err
		}
	}
}

// run runs a unit once. again: it must run in the mode that m is now.
func (e *Engine) run(ctx context.Context, m *mode, fn func(engine.Tx) error) (again bool, err error) {
	s, err := e.client.StartSession(options.Session().SetCausalConsistency(false).SetDefaultTransactionOptions(
		options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(e.concern).SetReadPreference(readpref.Primary())))
	if err != nil {
		return false, e.explain("begin a unit", err)
	}
	t := e.newTx(ctx, s, m, true)
	defer t.end() // also when fn panics or ends its goroutine
	if err := s.StartTransaction(); err != nil {
		return false, e.explain("begin a unit", err)
	}
	err = fn(t)
	t.ended = true
	if t.lost == nil && err == nil {
		err = t.send()
	}
	switch {
	case t.again:
		return true, nil
	case errors.Is(t.lost, unit.ErrConflict):
		return false, t.lost // whatever fn made of it rests on a lost race
	case err != nil:
		return false, err
	case t.lost != nil:
		return false, t.lost
	}
	return false, t.commit()
}

// end undoes what was not committed and gives the session back.
func (t *tx) end() {
	t.ended = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), abortPatience)
	defer cancel()
	t.s.EndSession(ctx)
}

// View implements [engine.Engine]: reads of one majority-committed moment on
// the primary.
func (e *Engine) View(ctx context.Context, fn func(engine.Tx) error) error {
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	s, err := e.client.StartSession(options.Session().SetSnapshot(true))
	if err != nil {
		return e.explain("begin a view", err)
	}
	t := e.newTx(ctx, s, &mode{}, false)
	defer t.end()
	return fn(t)
}

// use is the way into every call but Now.
func (t *tx) use(collection string) (*collected, error) {
	if t.ended {
		return nil, engine.ErrEnded
	}
	if t.lost != nil {
		return nil, t.lost
	}
	return t.cat.find(collection)
}

// lose ends the hopes of the unit.
func (t *tx) lose(err error) error {
	t.lost = err
	return err
}

// fail loses the unit over an error of the driver: the server has undone the
// transaction.
func (t *tx) fail(doing string, err error) error {
	return t.lose(t.e.fate(t.ctx, doing, err))
}

// restart loses this run; another follows.
func (t *tx) restart() error {
	t.again = true
	return t.lose(errAgain)
}
