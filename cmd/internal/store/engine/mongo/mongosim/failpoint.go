package mongosim

import (
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// failPoint is a fault that a client asked for by configureFailPoint ("The
// failCommand Fail Point" of the server's test documentation).
type failPoint struct {
	data  doc
	times int64 // left; -1 for always
	skip  int64
}

func configureFailPoint(x *call) (*bsoncore.DocumentBuilder, error) {
	name := text(field(x.body, "configureFailPoint"))
	if !containsWord("failCommand onPrimaryTransactionalWrite failGetMoreAfterCursorCheckout", name) {
		return nil, refuse("fail point %s", name)
	}
	p := &failPoint{data: document0(field(x.body, "data"))}
	mode := field(x.body, "mode")
	switch d, ok := mode.DocumentOK(); {
	case text(mode) == "off":
		delete(x.m.points, name)
		return build(), nil
	case text(mode) == "alwaysOn":
		p.times = -1
	case ok && has(d, "times"):
		p.times = number(field(d, "times"))
	case ok && has(d, "skip"):
		p.times, p.skip = -1, number(field(d, "skip"))
	default:
		return nil, refuse("fail point mode %s", mode)
	}
	if err := onlyFields(p.data, name, "failCommands errorCode errorLabels closeConnection blockConnection blockTimeMS appName writeConcernError failBeforeCommitExceptionCode"); err != nil {
		return nil, err
	}
	x.m.points[name] = p
	return build(), nil
}

// use reports whether a fail point strikes now, and counts it.
func (m *Member) use(name string, concerns func(doc) bool) *failPoint {
	p := m.points[name]
	if p == nil || concerns != nil && !concerns(p.data) {
		return nil
	}
	if p.skip > 0 {
		p.skip--
		return nil
	}
	if p.times > 0 {
		p.times--
		if p.times == 0 {
			delete(m.points, name)
		}
	}
	return p
}

// failPointBefore applies the fail points that strike before the command. A
// point returned has a write concern error to add to the answer.
func (x *call) failPointBefore() (*failPoint, *failure, error) {
	if x.name == "getMore" {
		if p := x.m.use("failGetMoreAfterCursorCheckout", nil); p != nil {
			_, x.stream = x.m.cursors[number(field(x.body, "getMore"))].(*stream)
			return nil, p.failure(), nil
		}
	}
	if has(x.body, "txnNumber") && !has(x.body, "autocommit") {
		x.beforeWrite = x.transactionalWrite
	}
	p := x.m.use("failCommand", func(data doc) bool {
		app, named := field(data, "appName").StringValueOK()
		return slices.ContainsFunc(items(field(data, "failCommands")), func(v val) bool { return text(v) == x.name }) && (!named || app == x.c.appName)
	})
	if p == nil {
		return nil, nil, nil
	}
	if truth(field(p.data, "blockConnection")) {
		if err := x.block(time.Duration(number(field(p.data, "blockTimeMS"))) * time.Millisecond); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case truth(field(p.data, "closeConnection")):
		return nil, nil, errGone
	case has(p.data, "errorCode"):
		return nil, p.failure(), nil
	case has(p.data, "writeConcernError"):
		return p, nil, nil
	}
	return nil, nil, nil
}

func (x *call) block(d time.Duration) error {
	_, err := x.c.await(time.Now().Add(d), func() bool { return false })
	return err
}

func (p *failPoint) failure() *failure {
	f := fail(int32(number(field(p.data, "errorCode"))), "Failing command via 'failCommand' failpoint")
	f.pointed = true
	if ls := field(p.data, "errorLabels"); ls.Type == bsoncore.TypeArray {
		f.fixed = true
		for _, l := range items(ls) {
			f.labels = append(f.labels, text(l))
		}
	}
	return f
}

// withConcernError adds the write concern error of a fail point to an answer.
func (x *call) withConcernError(reply doc, p *failPoint) doc {
	b := build()
	wce := field(p.data, "writeConcernError")
	for _, e := range elements(reply) {
		if e.Key() != "writeConcernError" && e.Key() != "errorLabels" {
			b.AppendValue(e.Key(), e.Value())
		}
	}
	inner := build()
	for _, e := range elements(document0(wce)) {
		if e.Key() != "errorLabels" {
			inner.AppendValue(e.Key(), e.Value())
		}
	}
	b.AppendDocument("writeConcernError", inner.Build())
	f := p.failure()
	f.code = int32(number(field(document0(wce), "code")))
	if labels := x.labels(f, true); len(labels) > 0 {
		b.AppendValue("errorLabels", vArray(labels...))
	}
	return b.Build()
}

// transactionalWrite is the fail point onPrimaryTransactionalWrite: a retryable
// write fails before its commit, or loses its connection after it.
func (x *call) transactionalWrite() *failure {
	p := x.m.use("onPrimaryTransactionalWrite", nil)
	if p == nil {
		return nil
	}
	if !has(p.data, "closeConnection") || truth(field(p.data, "closeConnection")) {
		x.dropAfter = true
	}
	if has(p.data, "failBeforeCommitExceptionCode") {
		return fail(int32(number(field(p.data, "failBeforeCommitExceptionCode"))), "failing via 'onPrimaryTransactionalWrite' fail point")
	}
	return nil
}
