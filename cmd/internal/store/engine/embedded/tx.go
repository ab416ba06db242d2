package embedded

import (
	"bytes"
	"database/sql/driver"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// tx is one unit of work on a connection.
type tx struct {
	s        *Store
	c        *conn
	begin    func() error // opens the transaction at the first use
	now      time.Time
	writable bool
	luck     *luck

	ended bool
	wrote bool       // a savepoint is open
	lost  error      // every further call gives this
	fresh []inserted // what it inserted into outboxes

	// read holds rows as the unit found them, until it writes them: what is
	// read to be replaced is looked up once. Nobody else writes meanwhile.
	read map[place]found
}

// place is where a row is: number of the collection, and id.
type place struct {
	collection int64
	id         string
}

// found is a row with its number, zero when there is none.
type found struct {
	n   int64
	doc bson.Raw
}

// Now implements [engine.Tx].
func (t *tx) Now() time.Time { return t.now }

// use is the way into every call but Now: what it gives back ends the call.
func (t *tx) use(collection string) (*collected, error) {
	if t.ended {
		return nil, engine.ErrEnded
	}
	if t.lost != nil {
		return nil, t.lost
	}
	c, err := t.s.declared.Load().find(collection)
	if err != nil {
		return nil, err
	}
	if err := t.begin(); err != nil {
		return nil, t.lose(err)
	}
	return c, nil
}

// change is use for calls that write.
func (t *tx) change(collection string) (*collected, error) {
	if !t.writable {
		return nil, engine.ErrReadOnly
	}
	c, err := t.use(collection)
	if err != nil || t.wrote {
		return c, err
	}
	if err := t.c.exec(savepoint); err != nil {
		return nil, t.fail("begin a unit", err)
	}
	t.wrote = true
	return c, nil
}

// lose ends the hopes of the unit.
func (t *tx) lose(err error) error {
	t.lost = err
	return err
}

// fail is for errors that only a failing database gives. SQLite may have
// dropped the whole transaction, so nobody in it may go on.
func (t *tx) fail(doing string, err error) error {
	err = fmt.Errorf("embedded: %s: %w", doing, err)
	if t.writable {
		err = t.s.broke(err)
	}
	return t.lose(err)
}

// end closes the unit and keeps or undoes what it wrote.
func (t *tx) end(keep bool) {
	t.ended = true
	if !t.wrote || t.s.line.batch.broken != nil {
		return
	}
	if !keep {
		if err := t.c.exec(undo); err != nil {
			_ = t.s.broke(fmt.Errorf("undo a unit: %w", err))
			return
		}
	}
	if err := t.c.exec(release); err != nil {
		_ = t.s.broke(fmt.Errorf("end a unit: %w", err))
		return
	}
	if b := t.s.line.batch; keep {
		b.wrote, b.fresh = true, append(b.fresh, t.fresh...)
	}
}

// Get implements [engine.Tx].
func (t *tx) Get(collection, id string) (bson.Raw, error) {
	c, err := t.use(collection)
	if err != nil {
		return nil, err
	}
	_, doc, err := t.stored(c, id)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, unit.ErrAbsent
	}
	if t.writable {
		doc = bytes.Clone(doc) // the other one is kept
	}
	return doc, nil
}

// stored reads a document with its row number; n is zero when there is none.
func (t *tx) stored(c *collected, id string) (n int64, doc bson.Raw, err error) {
	at := place{c.id, id}
	if f, ok := t.read[at]; ok {
		return f.n, f.doc, nil
	}
	err = t.c.query(findDoc, func(row []driver.Value) error {
		n, doc = row[0].(int64), row[1].([]byte)
		return nil
	}, c.id, id)
	if err != nil {
		return 0, nil, t.fail("read in "+c.Name, err)
	}
	if t.writable {
		t.keep(at, found{n, doc})
	}
	return n, doc, nil
}

// keep remembers a row until the unit writes it.
func (t *tx) keep(at place, f found) {
	if t.read == nil {
		t.read = map[place]found{}
	}
	t.read[at] = f
}
