package mongosim

import (
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// cursor is what getMore continues.
type cursor interface {
	namespace() string
	// more gives the next documents, at most n (0: as many as fit), and
	// whether there may be more after them.
	more(x *call, n int64) (docs []doc, open bool, err error)
}

// list is the cursor of a result that has been worked out already.
type list struct {
	ns   string
	docs []doc
	txn  *txn
}

func (l *list) namespace() string { return l.ns }

func (l *list) more(_ *call, n int64) ([]doc, bool, error) {
	size, i := 0, 0
	for i < len(l.docs) && (n <= 0 || int64(i) < n) {
		size += len(l.docs[i])
		if i > 0 && size > maxDocument {
			break
		}
		i++
	}
	batch := l.docs[:i]
	l.docs = l.docs[i:]
	return batch, len(l.docs) > 0, nil
}

const firstBatch = 101 // documents, unless the client says otherwise

// source gives the version that a read sees: that of its transaction, the one
// of a majority, or what is there ("Read Concern").
func (x *call) source() (*version, error) {
	if x.txn != nil {
		return x.txn.draft.v, nil
	}
	pos := x.m.log.end()
	switch {
	case x.level == "snapshot" && x.atTime != (timestamp{}):
		if ok, err := x.c.await(x.deadline, func() bool { return !x.m.log.at(x.m.commit - 1).at.less(x.atTime) }); err != nil {
			return nil, err
		} else if !ok {
			return nil, fail(codeMaxTime, "operation exceeded time limit")
		}
		pos = x.m.commit
		for pos > x.m.log.base && x.atTime.less(x.m.log.at(pos-1).at) {
			pos--
		}
	case x.level == "snapshot":
		pos = x.m.commit
		x.atTime = x.m.log.at(pos - 1).at
	case x.level == "majority" && !x.s.opts.Weak.LazyMajorityReads:
		pos = x.m.commit
	}
	if pos <= x.m.log.base || x.m.log.at(pos-1).after == nil {
		return nil, fail(codeSnapshotTooOld, "Read timestamp is older than the oldest available timestamp.")
	}
	return x.m.log.at(pos - 1).after, nil
}

func find(x *call) (*bsoncore.DocumentBuilder, error) {
	b := x.body
	docs, err := x.found(field(b, "filter"), number(field(b, "limit")))
	if err != nil {
		return nil, err
	}
	n := int64(firstBatch)
	if has(b, "batchSize") {
		n = number(field(b, "batchSize"))
		if n == 0 {
			n = -1
		}
	}
	return x.cursorReply(x.ns(), docs, n, truth(field(b, "singleBatch")))
}

// found runs a query of find or count.
func (x *call) found(filter val, limit int64) ([]doc, error) {
	b := x.body
	v, err := x.source()
	if err != nil {
		return nil, err
	}
	f, err := compile(document0(filter), x.env)
	if err != nil {
		return nil, err
	}
	c := v.coll(x.ns())
	if c == nil {
		return nil, nil
	}
	if (has(b, "min") || has(b, "max")) && !has(b, "hint") {
		return nil, fail(51173, "A 'hint' must be provided when using 'min' or 'max'")
	}
	q := query{filter: f, sort: document0(field(b, "sort")), hint: field(b, "hint"), skip: number(field(b, "skip")), limit: limit}
	if has(b, "min") {
		q.min = document0(field(b, "min"))
	}
	if has(b, "max") {
		q.max = document0(field(b, "max"))
	}
	ds, err := c.find(q)
	if err != nil {
		return nil, err
	}
	docs := make([]doc, len(ds))
	for i, d := range ds {
		if docs[i], err = project(d.raw, document0(field(b, "projection")), x.env); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// cursorReply answers with the first n documents (-1: none) and keeps the
// others under a cursor.
func (x *call) cursorReply(ns string, docs []doc, n int64, single bool) (*bsoncore.DocumentBuilder, error) {
	l := &list{ns: ns, docs: docs, txn: x.txn}
	var batch []doc
	open := len(docs) > 0
	if n >= 0 {
		batch, open, _ = l.more(x, n)
	}
	id := int64(0)
	if open && !single {
		id = x.keep(l)
	}
	return x.batch("firstBatch", ns, id, batch), nil
}

func (x *call) keep(c cursor) int64 {
	id := int64(x.s.next()>>1) | 1
	x.m.cursors[id] = c
	return id
}

func (x *call) batch(name, ns string, id int64, docs []doc) *bsoncore.DocumentBuilder {
	b := build().AppendValue(name, vDocs(docs)).AppendInt64("id", id).AppendString("ns", ns)
	if x.level == "snapshot" && x.txn == nil && x.atTime != (timestamp{}) {
		b.AppendValue("atClusterTime", x.atTime.val())
	}
	return build().AppendDocument("cursor", b.Build())
}

func getMore(x *call) (*bsoncore.DocumentBuilder, error) {
	id := number(field(x.body, "getMore"))
	c := x.m.cursors[id]
	if c == nil {
		return nil, fail(codeCursorNotFound, "cursor id %d not found", id)
	}
	if l, ok := c.(*list); ok && l.txn != x.txn {
		return nil, fail(50740, "Cannot run getMore on cursor %d, which was not created in the same transaction", id)
	}
	if s, ok := c.(*stream); ok {
		x.stream = true
		return s.getMore(x, id)
	}
	docs, open, err := c.more(x, number(field(x.body, "batchSize")))
	if err != nil {
		return nil, err
	}
	if !open {
		delete(x.m.cursors, id)
		id = 0
	}
	return x.batch("nextBatch", c.namespace(), id, docs), nil
}

func killCursors(x *call) (*bsoncore.DocumentBuilder, error) {
	var killed, absent []val
	for _, v := range items(field(x.body, "cursors")) {
		if _, ok := x.m.cursors[number(v)]; ok {
			killed = append(killed, v)
			delete(x.m.cursors, number(v))
		} else {
			absent = append(absent, v)
		}
	}
	none := vArray()
	return build().AppendValue("cursorsKilled", vArray(killed...)).AppendValue("cursorsNotFound", vArray(absent...)).
		AppendValue("cursorsAlive", none).AppendValue("cursorsUnknown", none), nil
}

func count(x *call) (*bsoncore.DocumentBuilder, error) {
	docs, err := x.found(field(x.body, "query"), number(field(x.body, "limit")))
	return build().AppendInt32("n", int32(len(docs))), err
}

func distinct(x *call) (*bsoncore.DocumentBuilder, error) {
	docs, err := x.found(field(x.body, "query"), 0)
	if err != nil {
		return nil, err
	}
	var vs []val
	seen := map[string]bool{}
	for _, d := range docs {
		for _, v := range spread(reach(d, text(field(x.body, "key")))) {
			if k := keyOf(v); !seen[k] {
				seen[k] = true
				vs = append(vs, v)
			}
		}
	}
	b := build().AppendValue("values", vArray(vs...))
	if x.level == "snapshot" && x.txn == nil {
		b.AppendValue("atClusterTime", x.atTime.val())
	}
	return b, nil
}

// explain tells which index a find uses.
func explain(x *call) (*bsoncore.DocumentBuilder, error) {
	inner := document0(field(x.body, "explain"))
	name, coll := firstField(inner)
	if name != "find" {
		return nil, refuse("explain of %s", name)
	}
	v, err := x.source()
	if err != nil {
		return nil, err
	}
	f, err := compile(document0(field(inner, "filter")), x.env)
	if err != nil {
		return nil, err
	}
	ns := x.db + "." + text(coll)
	stage := build().AppendString("stage", "EOF").Build()
	if c := v.coll(ns); c != nil {
		q := query{filter: f, sort: document0(field(inner, "sort")), hint: field(inner, "hint")}
		p, err := c.plan(q)
		if err != nil {
			return nil, err
		}
		stage = p.explain(q)
	}
	return build().AppendDocument("queryPlanner", build().AppendString("namespace", ns).AppendDocument("winningPlan", stage).Build()), nil
}

func (p plan) explain(q query) doc {
	var scan doc
	switch {
	case p.index != nil:
		scan = ixscan(p.index, p.back)
	case q.filter.ranges["_id"] != nil || p.sorted && len(elements(q.sort)) > 0:
		scan = ixscan(idIndex, p.back)
	default:
		scan = build().AppendString("stage", "COLLSCAN").Build()
	}
	if text(field(scan, "stage")) == "IXSCAN" {
		scan = build().AppendString("stage", "FETCH").AppendDocument("inputStage", scan).Build()
	}
	if !p.sorted {
		scan = build().AppendString("stage", "SORT").AppendDocument("inputStage", scan).Build()
	}
	return scan
}

func ixscan(ix *index, back bool) doc {
	direction := "forward"
	if back {
		direction = "backward"
	}
	return build().AppendString("stage", "IXSCAN").AppendValue("keyPattern", field(ix.spec, "key")).AppendString("indexName", ix.name).AppendString("direction", direction).Build()
}

func aggregate(x *call) (*bsoncore.DocumentBuilder, error) {
	b := x.body
	stages := items(field(b, "pipeline"))
	if x.isChangeStream() {
		return x.openStream(stages)
	}
	v, err := x.source()
	if err != nil {
		return nil, err
	}
	p := &pipeline{env: x.env, v: v, db: x.db, hint: field(b, "hint")}
	if let, ok := field(b, "let").DocumentOK(); ok {
		if p.env, err = p.env.let(let, build().Build()); err != nil {
			return nil, err
		}
	}
	var docs []doc
	ns := x.db + ".$cmd.aggregate"
	if name, ok := field(b, "aggregate").StringValueOK(); ok {
		ns = x.db + "." + name
		docs, stages, err = p.source(ns, stages)
	}
	if err == nil {
		docs, err = p.run(docs, stages, allStages)
	}
	if err != nil {
		return nil, err
	}
	n := int64(firstBatch)
	cur := document0(field(b, "cursor"))
	if has(cur, "batchSize") {
		n = number(field(cur, "batchSize"))
		if n == 0 {
			n = -1
		}
	}
	return x.cursorReply(ns, docs, n, false)
}

// isChangeStream: an aggregate that opens a change stream.
func (x *call) isChangeStream() bool {
	stages := items(field(x.body, "pipeline"))
	if x.name != "aggregate" || len(stages) == 0 {
		return false
	}
	name, _ := firstField(document0(stages[0]))
	return name == "$changeStream"
}

// onStream: the command opens a change stream, or has found one to go on with.
func (x *call) onStream() bool { return x.stream || x.isChangeStream() }

// linearize makes a read wait until everything it can see is committed.
func (x *call) linearize() error {
	if !x.m.primary {
		return fail(codeNotWritablePrimary, "cannot satisfy linearizable read concern on non-primary node")
	}
	x.wrote = x.m.append(&entry{after: x.m.state(), changes: []change{{kind: kindNoop}}})
	x.concern = concern{majority: true}
	return nil
}
