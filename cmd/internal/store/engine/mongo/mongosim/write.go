package mongosim

import (
	"errors"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// write runs one statement of a write command: all of it or nothing. Outside a
// transaction it waits for transactions that hold what it touches, becomes one
// entry of the log, and is remembered by its statement id.
func (x *call) write(stmt int32, body func(*draft) (statement, error)) (statement, error) {
	if x.txn != nil {
		return x.writeInTxn(body)
	}
	if done, ok := x.replayed(stmt); ok {
		return done, nil
	}
	for {
		if x.m.epoch != x.epoch {
			return statement{}, fail(codeStateChange, "operation was interrupted")
		}
		busy := ""
		w := &draft{v: x.m.state(), seed: x.s.next()}
		w.guard = func(c *collection, ix *index, key string) error {
			if lock := lockName(c, ix, key); x.m.locks[lock] != nil {
				busy = lock
				return errBusy
			}
			return nil
		}
		st, err := body(w)
		if errors.Is(err, errBusy) {
			ok, err := x.c.await(x.deadline, func() bool { return x.m.epoch != x.epoch || x.m.locks[busy] == nil })
			if err != nil {
				return st, err
			}
			if !ok {
				return st, fail(codeMaxTime, "operation exceeded time limit")
			}
			continue
		}
		if err != nil {
			return st, err
		}
		return st, x.log(w, stmt, st)
	}
}

func (x *call) writeInTxn(body func(*draft) (statement, error)) (statement, error) {
	w := &x.txn.draft
	v, n := w.v, len(w.changes)
	st, err := body(w)
	if err != nil {
		w.v, w.changes = v, w.changes[:n]
	}
	return st, err
}

// log appends what a statement wrote, with its outcome if it may be retried.
func (x *call) log(w *draft, stmt int32, st statement) error {
	if x.beforeWrite != nil {
		if f := x.beforeWrite(); f != nil {
			return f
		}
	}
	if len(w.changes) == 0 {
		if x.wrote == nil {
			x.wrote = x.m.log.last()
		}
		return nil
	}
	e := &entry{changes: w.changes, after: w.v}
	if x.hasNumber && !x.multi {
		r := record{number: x.number}
		if old, ok := w.v.sessions.get(x.session); ok && old.number == x.number {
			r = *old
		}
		r.stmts = r.stmts.set(stmtKey(stmt), st)
		e.after, e.session, e.number = w.v.withSession(x.session, &r), x.session, x.number
	}
	x.wrote = x.m.append(e)
	return nil
}

// replayed finds the outcome of a statement that has been done before.
func (x *call) replayed(stmt int32) (statement, bool) {
	if !x.hasNumber || x.s.opts.Weak.ForgetStatements {
		return statement{}, false
	}
	r := x.m.record(x.session)
	if r == nil || r.number != x.number {
		return statement{}, false
	}
	st, ok := r.stmts.get(stmtKey(stmt))
	if ok {
		x.retried = append(x.retried, stmt)
		x.wrote = x.m.log.last()
	}
	return st, ok
}

func (x *call) ns() string { return x.db + "." + text(field(x.body, x.name)) }

// stmtID is the id of the i-th statement of the command.
func (x *call) stmtID(i int) int32 {
	if ids := field(x.body, "stmtIds"); ids.Type == bsoncore.TypeArray {
		return int32(number(items(ids)[i]))
	}
	return int32(number(field(x.body, "stmtId"))) + int32(i)
}

// each runs the statements of an insert, update or delete, and collects their
// errors. Which errors are reported by statement and which end the command
// follows the server: a conflict, or a change of the primary, ends it.
func (x *call) each(n int, one func(i int) error) (errs []val, err error) {
	ordered := !has(x.body, "ordered") || truth(field(x.body, "ordered"))
	for i := range n {
		err := one(i)
		if err == nil {
			continue
		}
		if err == errGone {
			return nil, err
		}
		f := asFailure(err)
		if retryable[f.code] || f.code == codeWriteConflict || f.code == codeNotImplemented || f.code == codeMaxTime {
			return nil, f
		}
		b := build().AppendInt32("index", int32(i)).AppendInt32("code", f.code).AppendString("errmsg", f.msg)
		for _, e := range elements(f.extra) {
			b.AppendValue(e.Key(), e.Value())
		}
		errs = append(errs, vDoc(b.Build()))
		if x.txn != nil {
			x.txn.abort()
		}
		if ordered || x.txn != nil {
			break
		}
	}
	return errs, nil
}

func insert(x *call) (*bsoncore.DocumentBuilder, error) {
	docs, ns, n := x.docs("documents"), x.ns(), int32(0)
	if len(docs) == 0 || len(docs) > maxBatch {
		return nil, fail(codeInvalidOptions, "Write batch sizes must be between 1 and %d. Got %d operations.", maxBatch, len(docs))
	}
	errs, err := x.each(len(docs), func(i int) error {
		st, err := x.write(x.stmtID(i), func(w *draft) (statement, error) {
			return statement{n: 1}, w.insertNew(ns, docs[i])
		})
		n += st.n
		return err
	})
	if err != nil {
		return nil, err
	}
	return withErrors(build().AppendInt32("n", n), errs), nil
}

// insertNew inserts a document, with an _id if it has none.
func (w *draft) insertNew(ns string, raw doc) error {
	switch id := field(raw, "_id"); {
	case id.Type == 0:
		raw = withID(raw, w.objectID())
	case id.Type == bsoncore.TypeArray:
		return fail(codeBadValue, "The '_id' value cannot be of type array")
	default:
		if first, _ := firstField(raw); first != "_id" {
			raw = withID(raw, id)
		}
	}
	if len(raw) > maxDocument {
		return fail(10334, "BSONObj size: %d is invalid. Size must be between 0 and %d", len(raw), maxDocument)
	}
	return w.insert(ns, raw)
}

func (w *draft) objectID() val {
	id := uuidOf("_id", mix(w.seed+uint64(len(w.changes))))
	return val{Type: bsoncore.TypeObjectID, Data: append([]byte(nil), id[:12]...)}
}

func withErrors(b *bsoncore.DocumentBuilder, errs []val) *bsoncore.DocumentBuilder {
	if len(errs) > 0 {
		b.AppendValue("writeErrors", vArray(errs...))
	}
	return b
}

func remove(x *call) (*bsoncore.DocumentBuilder, error) {
	dels, ns, n := x.docs("deletes"), x.ns(), int32(0)
	errs, err := x.each(len(dels), func(i int) error {
		d := dels[i]
		if err := onlyFields(d, "delete", "q limit hint collation"); err != nil {
			return err
		}
		limit := number(field(d, "limit"))
		st, err := x.write(x.stmtID(i), func(w *draft) (statement, error) {
			return x.removeIn(w, ns, d, "q", limit)
		})
		n += st.n
		return err
	})
	if err != nil {
		return nil, err
	}
	return withErrors(build().AppendInt32("n", n), errs), nil
}

func (x *call) removeIn(w *draft, ns string, d doc, filter string, limit int64) (statement, error) {
	found, err := x.matching(w, ns, d, filter, limit)
	for _, old := range found {
		if err := w.remove(ns, old); err != nil {
			return statement{}, err
		}
	}
	return statement{n: int32(len(found))}, err
}

// matching finds the documents a statement is about.
func (x *call) matching(w *draft, ns string, d doc, filter string, limit int64) ([]*document, error) {
	if has(d, "collation") {
		return nil, refuse("collation")
	}
	f, err := compile(document0(field(d, filter)), x.env)
	if err != nil {
		return nil, err
	}
	c := w.v.coll(ns)
	if c == nil {
		return nil, nil
	}
	return c.find(query{filter: f, sort: document0(field(d, "sort")), hint: field(d, "hint"), limit: limit})
}

// document0 gives the document of a value, empty when it is none.
func document0(v val) doc {
	if d, ok := v.DocumentOK(); ok {
		return d
	}
	return build().Build()
}

// onlyFields refuses fields that are not imitated.
func onlyFields(d doc, of, fields string) error {
	for _, e := range elements(d) {
		if !containsWord(fields, e.Key()) {
			return refuse("field %s of %s", e.Key(), of)
		}
	}
	return nil
}
