package mongosim

import (
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// call is one command being run.
type call struct {
	*request
	m    *Member
	s    *Set
	c    *conn
	name string
	db   string
	env  env

	session     string // lsid, "" for none
	number      int64  // transaction number
	hasNumber   bool
	multi       bool // in a transaction of several statements
	first       bool // its first statement
	txn         *txn
	level       string // of readConcern
	afterTime   timestamp
	atTime      timestamp
	concern     concern
	deadline    time.Time // of maxTimeMS
	epoch       int
	wrote       *entry // what the write concern waits for
	lastBefore  int    // end of the log before
	retried     []int32
	beforeWrite func() *failure // onPrimaryTransactionalWrite
	stream      bool            // a getMore that has found its change stream
	dropAfter   bool            // break the connection after the command
	more        bool
}

// command describes what one command takes.
type command struct {
	run    func(*call) (*bsoncore.DocumentBuilder, error)
	fields string // besides those that every command takes
	flags  int
}

const (
	flagWrite     = 1 << iota // only on a primary; has a write concern
	flagTxn                   // in a transaction
	flagRetry                 // with a transaction number
	flagRead                  // on a secondary only if the client says so
	flagFree                  // without session, fault or fail point
	flagTestsOnly             // only with Options.AllCommands
)

// common are the fields that every command takes.
const common = " $db lsid $clusterTime txnNumber autocommit startTransaction readConcern writeConcern maxTimeMS $readPreference comment apiVersion apiStrict apiDeprecationErrors stmtId stmtIds "

// run runs a command of a client: the faults and fail points before it, the
// command, its write concern, and the faults after it.
func (m *Member) run(c *conn, q *request) (reply doc, again bool, err error) {
	m.set.mu.Lock()
	defer m.set.mu.Unlock()
	if err := c.hold(); err != nil {
		return nil, false, err
	}
	x := &call{request: q, m: m, s: m.set, c: c, epoch: m.epoch, lastBefore: m.log.end()}
	x.name, _ = firstField(q.body)
	x.s.stats.Commands[x.name]++
	reply, err = x.perform()
	if err == nil {
		err = c.hold()
	}
	return reply, x.more, err
}

func (x *call) perform() (doc, error) {
	cmd, ok := commands()[x.name]
	if !ok || cmd.flags&flagTestsOnly != 0 && !x.s.opts.AllCommands {
		return x.failed(fail(codeCommandNotFound, "mongosim: no such command, or not imitated: '%s'", x.name)), nil
	}
	if x.name == "configureFailPoint" {
		return x.finish(x.guarded(cmd))
	}
	if x.m.closing {
		return x.failed(fail(codeInterruptedAtShutdown, "interrupted at shutdown")), nil
	}
	fault := NoFault
	if cmd.flags&flagFree == 0 {
		fault = x.faultFor()
	}
	if err := x.faultBefore(fault); err != nil {
		if err == errGone {
			return nil, err
		}
		return x.failed(asFailure(err)), nil
	}
	point, f, err := x.failPointBefore()
	if err != nil {
		return nil, err
	}
	if f != nil {
		return x.failed(f), nil
	}
	reply, err := x.finish(x.guarded(cmd))
	if err == nil && point != nil {
		reply = x.withConcernError(reply, point)
	}
	if err == nil {
		return x.faultAfter(fault, reply)
	}
	return reply, err
}

// guarded runs the command and turns a refusal from deep inside into an error.
func (x *call) guarded(cmd command) (b *bsoncore.DocumentBuilder, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(*failure)
			if !ok {
				panic(p)
			}
			err = f
		}
		if err != nil && x.txn != nil && err != errGone {
			x.txn.abort() // any error ends a transaction
		}
	}()
	if err := x.read(cmd); err != nil {
		return nil, err
	}
	if err := x.awaitTime(); err != nil {
		return nil, err
	}
	return cmd.run(x)
}

// read reads what every command may carry.
func (x *call) read(cmd command) error {
	x.db = text(field(x.body, "$db"))
	x.env = env{now: x.m.now().UnixMilli()}
	for _, e := range elements(x.body) {
		if k := e.Key(); k != x.name && !x.legacy && !strings.Contains(common, " "+k+" ") && !strings.Contains(" "+cmd.fields+" ", " "+k+" ") {
			return refuse("field %s of %s", k, x.name)
		}
	}
	if truth(field(x.body, "apiStrict")) {
		return refuse("apiStrict")
	}
	if ms := number(field(x.body, "maxTimeMS")); ms > 0 {
		x.deadline = time.Now().Add(time.Duration(ms) * time.Millisecond)
	}
	if t := field(x.body, "$clusterTime"); t.Type == bsoncore.TypeEmbeddedDocument {
		if at := timestampOf(field(t.Document(), "clusterTime")); x.m.clock.less(at) {
			x.m.clock = at
		}
	}
	if err := x.readConcerns(cmd); err != nil {
		return err
	}
	if cmd.flags&flagWrite != 0 && !x.m.primary {
		return fail(codeNotWritablePrimary, "not primary")
	}
	if cmd.flags&flagRead != 0 && !x.m.primary && !x.secondaryOK() {
		return fail(codeNotPrimaryNoSecondary, "not primary and secondaryOk=false")
	}
	return x.readSession(cmd)
}

func (x *call) secondaryOK() bool {
	p := field(x.body, "$readPreference")
	return p.Type == bsoncore.TypeEmbeddedDocument && text(field(p.Document(), "mode")) != "primary"
}

func (x *call) readConcerns(cmd command) error {
	x.concern = concern{majority: true}
	if w := field(x.body, "writeConcern"); w.Type == bsoncore.TypeEmbeddedDocument {
		c, err := readConcern(w.Document(), len(x.s.members))
		if err != nil {
			return err
		}
		x.concern = c
	}
	r := field(x.body, "readConcern")
	if r.Type != bsoncore.TypeEmbeddedDocument {
		return nil
	}
	for _, e := range elements(r.Document()) {
		switch e.Key() {
		case "level":
			x.level = text(e.Value())
		case "afterClusterTime":
			x.afterTime = timestampOf(e.Value())
		case "atClusterTime":
			x.atTime = timestampOf(e.Value())
		case "provenance":
		default:
			return refuse("field %s of readConcern", e.Key())
		}
	}
	switch x.level {
	case "", "local", "available", "majority":
		return nil
	case "snapshot":
		if x.s.opts.Standalone {
			return refuse("readConcern snapshot of a server that stands alone")
		}
		if !has(x.body, "autocommit") && x.name != "find" && x.name != "aggregate" && x.name != "distinct" && x.name != "getMore" {
			return fail(codeInvalidOptions, "Command %s does not support { readConcern: { level: \"snapshot\", provenance: \"clientSupplied\" } }", x.name)
		}
		return nil
	case "linearizable":
		return x.linearize()
	}
	return refuse("readConcern %q", x.level)
}

// awaitTime waits until the member has the time a causally consistent read
// names; a primary that is behind writes a noop to get there.
func (x *call) awaitTime() error {
	if x.afterTime == (timestamp{}) || x.txn != nil && !x.first {
		return nil
	}
	reached := func() bool {
		if x.level == "majority" || x.level == "snapshot" && x.txn == nil {
			return !x.m.log.at(x.m.commit - 1).at.less(x.afterTime)
		}
		return !x.m.log.last().at.less(x.afterTime)
	}
	if !reached() {
		if p := x.s.leader(); p != nil && (p == x.m || s2s(p, x.m)) && p.log.last().at.less(x.afterTime) {
			if p.clock.less(x.afterTime) {
				p.clock = x.afterTime
			}
			p.append(&entry{after: p.state(), changes: []change{{kind: kindNoop}}})
			p.durable = p.log.end()
			x.s.replicate()
		}
	}
	ok, err := x.c.await(x.deadline, reached)
	if err == nil && !ok {
		return fail(codeMaxTime, "operation exceeded time limit")
	}
	return err
}

// finish makes the answer: waits for the write concern, and adds times and
// labels.
func (x *call) finish(b *bsoncore.DocumentBuilder, err error) (doc, error) {
	if err == errGone {
		return nil, err
	}
	if err != nil {
		return x.failed(asFailure(err)), nil
	}
	missed, err := x.awaitConcern()
	if err != nil {
		return nil, err
	}
	if len(x.retried) > 0 {
		var ids []val
		for _, id := range x.retried {
			ids = append(ids, vInt32(id))
		}
		b.AppendValue("retriedStmtIds", vArray(ids...))
	}
	if missed != nil {
		b.AppendDocument("writeConcernError", missed.concernError())
		if labels := x.labels(missed, true); len(labels) > 0 {
			b.AppendValue("errorLabels", vArray(labels...))
		}
	}
	b.AppendDouble("ok", 1)
	return x.times(b).Build(), nil
}

// failed is the answer "ok: 0".
func (x *call) failed(f *failure) doc {
	b := build().AppendDouble("ok", 0).AppendString("errmsg", f.msg).AppendInt32("code", f.code).AppendString("codeName", or(codeNames[f.code], "Location"))
	for _, e := range elements(f.extra) {
		b.AppendValue(e.Key(), e.Value())
	}
	if labels := x.labels(f, false); len(labels) > 0 {
		b.AppendValue("errorLabels", vArray(labels...))
	}
	if changesState[f.code] && !f.pointed {
		b.AppendDocument("topologyVersion", x.m.topologyVersion())
	}
	return x.times(b).Build()
}

// times adds operationTime and $clusterTime.
func (x *call) times(b *bsoncore.DocumentBuilder) *bsoncore.DocumentBuilder {
	if x.s.opts.Standalone {
		return b
	}
	at := x.m.log.last().at
	if x.level == "majority" && x.wrote == nil && x.m.commit > x.m.log.base {
		at = x.m.log.at(x.m.commit - 1).at
	}
	b.AppendValue("operationTime", at.val())
	signature := build().AppendBinary("hash", 0, make([]byte, 20)).AppendInt64("keyId", 0).Build()
	now := x.m.clock
	if now.less(at) {
		now = at
	}
	return b.AppendDocument("$clusterTime", build().AppendValue("clusterTime", now.val()).AppendDocument("signature", signature).Build())
}

// labels are the error labels that a server adds.
func (x *call) labels(f *failure, concern bool) []val {
	var ls []val
	add := func(s string) { ls = append(ls, vString(s)) }
	for _, l := range f.labels {
		add(l)
	}
	if f.fixed {
		return ls
	}
	ending := x.name == "commitTransaction" || x.name == "abortTransaction"
	inTxn := truth(field(x.body, "startTransaction")) || has(x.body, "autocommit")
	numbered := has(x.body, "txnNumber")
	if inTxn && !concern && (transient[f.code] && !(f.code == codeNoSuchTransaction && concern) || retryable[f.code] && !ending) {
		add("TransientTransactionError")
	}
	if numbered && retryable[f.code] && (ending || !inTxn) {
		add("RetryableWriteError")
		if x.m.log.end() == x.lastBefore && !concern && !ending {
			add("NoWritesPerformed")
		}
	}
	if resumable[f.code] && !concern && x.onStream() {
		add("ResumableChangeStreamError")
	}
	if f.code == codeHistoryLost || f.code == 280 {
		add("NonResumableChangeStreamError")
	}
	return ls
}

func (f *failure) concernError() doc {
	b := build().AppendInt32("code", f.code).AppendString("codeName", codeNames[f.code]).AppendString("errmsg", f.msg)
	if f.code == codeWriteConcernTimeout {
		b.AppendDocument("errInfo", build().AppendBoolean("wtimeout", true).Build())
	}
	return b.Build()
}
