package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// Crash ends an engine as the death of its process would: its connections
// break, its transactions stay with the server until they lapse.
func Crash(e *Engine) {
	e.closing()
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	_ = e.client.Disconnect(dead)
	e.gate.Lock()
	e.closed = true
	e.gate.Unlock()
}

// At makes the bucket take its time from now.
func (b *Blobs) At(now func() time.Time) { b.now = now }

// UploadLife is how long an upload may last.
const UploadLife = uploadLife

// Careless makes an engine take a commit without an answer for a lost race, so
// that the unit is run again, under a new transaction number, although it may
// have been committed. timeout is that of one command.
func Careless(e *Engine, timeout time.Duration) { e.careless, e.timeout = true, timeout }

// Hasty makes an engine content with a commit that one member has in its memory
// (w: 1).
func Hasty(e *Engine) { e.concern = writeconcern.W1() }

// Singly makes an engine fetch nothing together, as behind a mongos before 8.0.
func Singly(e *Engine) { e.joins = false }

// Became is what a row as it is (nil: there is none) tells about a commit that
// wrote doc.
func Became(inserted bool, doc, stored bson.Raw) (written, certain bool) {
	o := op{kind: replacement, doc: doc}
	if inserted {
		o.kind = insertion
	}
	return o.became(stored)
}

// Fate is what an error means for the unit that it met.
func Fate(err error) error { return (&Engine{}).fate(context.Background(), "test", err) }
