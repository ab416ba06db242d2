package mongosim

import (
	"encoding/binary"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// record is what config.transactions remembers of a session. It is part of the
// database, so that it is replicated and rolled back with what it tells of.
type record struct {
	number    int64
	committed bool            // of several statements
	stmts     tree[statement] // of a retryable write, by statement id
}

// statement is the outcome of a retryable write.
type statement struct {
	n, modified int32
	upserted    val
	image       val // what findAndModify answered
}

// txn is a transaction of several statements on the primary that began it.
type txn struct {
	m        *Member
	session  string
	number   int64
	snapshot *version
	draft    draft
	from     int // end of the log it read
	held     []string
	begun    time.Time
	level    string
	state    txnState
	entry    *entry // of its commit
}

type txnState byte

const (
	txnOpen txnState = iota
	txnCommitted
	txnAborted
)

var errBusy = errors.New("mongosim: a transaction holds this document")

// readSession reads lsid and transaction number, and finds or begins the
// transaction.
func (x *call) readSession(cmd command) error {
	if l := field(x.body, "lsid"); l.Type == bsoncore.TypeEmbeddedDocument {
		_, id, _ := field(l.Document(), "id").BinaryOK()
		x.session = string(id)
	}
	n := field(x.body, "txnNumber")
	if n.Type == 0 {
		return nil
	}
	x.number, x.hasNumber = number(n), true
	if x.s.opts.Standalone {
		return fail(codeIllegalOperation, "Transaction numbers are only allowed on a replica set member or mongos")
	}
	if x.session == "" {
		return fail(codeInvalidOptions, "Transaction number requires a session ID to also be specified")
	}
	if !has(x.body, "autocommit") {
		if cmd.flags&flagRetry == 0 {
			return fail(50768, "txnNumber may only be provided for multi-document transactions and retryable write commands. autocommit:false was not provided, and %s is not a retryable write command.", x.name)
		}
		return x.checkNumber()
	}
	x.multi, x.first = true, truth(field(x.body, "startTransaction"))
	if cmd.flags&flagTxn == 0 {
		return fail(codeTransactionsForbidden, "Cannot run '%s' in a multi-document transaction.", x.name)
	}
	if !x.m.primary {
		return fail(codeNotWritablePrimary, "not primary")
	}
	if err := x.checkNumber(); err != nil {
		return err
	}
	if x.first {
		return x.begin()
	}
	return x.resume()
}

func (m *Member) record(session string) *record {
	r, _ := m.state().sessions.get(session)
	return r
}

// checkNumber refuses a number older than the newest of the session.
func (x *call) checkNumber() error {
	newest := int64(-1)
	if r := x.m.record(x.session); r != nil {
		newest = r.number
	}
	if t := x.m.txns[x.session]; t != nil {
		if x.number > t.number {
			t.abort()
			delete(x.m.txns, x.session)
		}
		newest = max(newest, t.number)
	}
	if x.number < newest {
		return fail(codeTransactionTooOld, "Cannot start transaction %d on session because a newer transaction %d has already started", x.number, newest)
	}
	return nil
}

func (x *call) begin() error {
	if t := x.m.txns[x.session]; t != nil && t.number == x.number {
		return fail(50911, "Cannot start a transaction at given transaction number %d a transaction with the same number is in state", x.number)
	}
	if x.concern.members > 0 || has(x.body, "writeConcern") && x.name != "commitTransaction" && x.name != "abortTransaction" {
		return fail(codeInvalidOptions, "writeConcern is not allowed within a multi-statement transaction")
	}
	m := x.m
	t := &txn{m: m, session: x.session, number: x.number, begun: m.set.opts.Clock(), level: x.level, snapshot: m.state(), from: m.log.end()}
	t.draft = draft{v: t.snapshot, guard: t.guard, seed: m.set.next()}
	m.txns[x.session] = t
	x.txn = t
	m.set.later(m.set.opts.TxnLifetime, func() {
		if t.state == txnOpen && m.txns[t.session] == t {
			t.abort()
		}
	})
	return nil
}

// resume finds the transaction of a statement after the first.
func (x *call) resume() error {
	t := x.m.txns[x.session]
	ending := x.name == "commitTransaction" || x.name == "abortTransaction"
	if t == nil || t.number != x.number {
		if r := x.m.record(x.session); r != nil && r.number == x.number && r.committed {
			if x.name == "commitTransaction" {
				return nil // the command answers it from the record
			}
			return fail(codeTransactionCommitted, "Transaction %d has been committed.", x.number)
		}
		return fail(codeNoSuchTransaction, "Given transaction number %d does not match any in-progress transactions.", x.number)
	}
	switch {
	case t.state == txnAborted && !ending, t.state == txnAborted:
		return fail(codeNoSuchTransaction, "Transaction %d has been aborted.", x.number)
	case t.state == txnCommitted && x.name != "commitTransaction":
		return fail(codeTransactionCommitted, "Transaction %d has been committed.", x.number)
	case has(x.body, "readConcern") && x.level != "":
		return fail(codeInvalidOptions, "Only the first command in a transaction may specify a readConcern")
	}
	x.txn = t
	return nil
}

func (t *txn) abort() {
	if t.state != txnOpen {
		return
	}
	t.state = txnAborted
	t.release()
}

func (t *txn) release() {
	for _, l := range t.held {
		if t.m.locks[l] == t {
			delete(t.m.locks, l)
		}
	}
	t.held = nil
	for id, c := range t.m.cursors {
		if l, ok := c.(*list); ok && l.txn == t {
			delete(t.m.cursors, id)
		}
	}
	t.m.set.broadcast()
}

func lockName(c *collection, ix *index, key string) string {
	name := ""
	if ix != nil {
		name = ix.name
	}
	return c.ns + "\x00" + name + "\x00" + key
}

// guard keeps snapshot isolation: the first to touch a document or a unique
// key holds it until the end; who comes second, or after somebody committed,
// gets WriteConflict ("Transactions and Operations", in-progress transactions
// and write conflicts).
func (t *txn) guard(c *collection, ix *index, key string) error {
	if t.m.set.opts.Weak.NoWriteConflict {
		return nil
	}
	lock := lockName(c, ix, key)
	if h := t.m.locks[lock]; h == t {
		return nil
	} else if h != nil {
		return conflict()
	}
	if t.snapshot != t.m.state() && touched(t.snapshot, t.m.state(), c, ix, key) {
		return conflict()
	}
	t.m.locks[lock] = t
	t.held = append(t.held, lock)
	return nil
}

func conflict() *failure {
	return fail(codeWriteConflict, "WriteConflict error: this operation conflicted with another operation. Please retry your operation or multi-document transaction.")
}

// touched reports whether a document, a unique key, or the collection itself
// changed between two versions.
func touched(from, to *version, c *collection, ix *index, key string) bool {
	a, b := from.coll(c.ns), to.coll(c.ns)
	switch {
	case (a == nil) != (b == nil):
		return true
	case a == nil:
		return false
	case a.uuid != b.uuid || len(a.indexes) != len(b.indexes):
		return true
	case ix == nil:
		x, _ := a.docs.get(key)
		y, _ := b.docs.get(key)
		return x != y
	}
	p, q := a.index(ix.name), b.index(ix.name)
	if p == nil || q == nil {
		return p != q
	}
	x, _ := p.owner(key)
	y, _ := q.owner(key)
	return x != y
}

// commit writes the changes over the newest version as one entry.
func (t *txn) commit() error {
	m := t.m
	w := draft{v: m.state(), guard: func(*collection, *index, string) error { return nil }, seed: t.draft.seed}
	if err := w.replay(t.draft.changes); err != nil {
		t.abort()
		return err
	}
	t.state = txnCommitted
	t.release()
	if len(w.changes) == 0 {
		t.entry = m.log.last()
		return nil
	}
	v := w.v.withSession(t.session, &record{number: t.number, committed: true})
	t.entry = m.append(&entry{changes: w.changes, txn: true, session: t.session, number: t.number, after: v})
	return nil
}

func commitTransaction(x *call) (*bsoncore.DocumentBuilder, error) {
	t := x.txn
	switch {
	case t == nil:
		x.wrote = x.m.log.last() // committed under an earlier primary
	case t.state == txnCommitted:
		x.wrote = x.m.log.last()
	default:
		if x.s.opts.Weak.LoseCommits && t.draft.seed%16 == 0 {
			t.abort()
			t.state = txnCommitted
			return build(), nil
		}
		if err := t.commit(); err != nil {
			return nil, err
		}
		x.wrote = t.entry
	}
	return build(), nil
}

func abortTransaction(x *call) (*bsoncore.DocumentBuilder, error) {
	x.txn.abort()
	return build(), nil
}

func stmtKey(id int32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(id))
	return string(b[:])
}
