package mongosim

import (
	"encoding/hex"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// stream is the cursor of a change stream: it reads the log up to the commit
// point and tells what concerns its collection, database or the whole set.
type stream struct {
	ns      string // "db.coll", "db." for a database, "" for all
	cursor  string // namespace of the cursor
	pos     int    // next entry
	full    string // fullDocument
	stages  []val
	last    token
	ended   bool // after invalidate
	pending []event
	skip    *token // events up to here have been told before
}

const streamStages = "$match $project $set $addFields $unset $replaceRoot $replaceWith"

// event is one document of the stream and the place it has in it.
type event struct {
	at   token
	doc  doc
	ends bool
}

// token is a place in the stream: after change sub of the entry at a time.
// Resume tokens carry it ("Change Streams", resume tokens).
type token struct {
	at   timestamp
	sub  int
	kind byte // of the event; 'h' for a high water mark
}

func (t token) less(u token) bool {
	if t.at != u.at {
		return t.at.less(u.at)
	}
	return t.sub < u.sub
}

func (t token) doc() doc {
	b := []byte{0x82, byte(t.at.t >> 24), byte(t.at.t >> 16), byte(t.at.t >> 8), byte(t.at.t),
		byte(t.at.i >> 24), byte(t.at.i >> 16), byte(t.at.i >> 8), byte(t.at.i), byte(t.sub >> 16), byte(t.sub >> 8), byte(t.sub), t.kind}
	return build().AppendString("_data", strings.ToUpper(hex.EncodeToString(b))).Build()
}

func tokenOf(v val) (token, error) {
	b, err := hex.DecodeString(text(field(document0(v), "_data")))
	if err != nil || len(b) != 13 || b[0] != 0x82 {
		return token{}, fail(codeInvalidResumeToken, "Bad resume token: _data of missing or of wrong type %s", v)
	}
	u := func(b []byte) uint32 { return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]) }
	return token{timestamp{u(b[1:]), u(b[5:])}, int(b[9])<<16 | int(b[10])<<8 | int(b[11]), b[12]}, nil
}

// openStream answers aggregate with $changeStream.
func (x *call) openStream(stages []val) (*bsoncore.DocumentBuilder, error) {
	if x.s.opts.Standalone {
		return nil, fail(codeOnlyReplicaSets, "The $changeStream stage is only supported on replica sets")
	}
	_, arg := firstField(document0(stages[0]))
	spec := document0(arg)
	st := &stream{stages: stages[1:]}
	name, isColl := field(x.body, "aggregate").StringValueOK()
	switch {
	case isColl:
		st.ns, st.cursor = x.db+"."+name, x.db+"."+name
	case truth(field(spec, "allChangesForCluster")):
		st.cursor = "admin.$cmd.aggregate"
	default:
		st.ns, st.cursor = x.db+".", x.db+".$cmd.aggregate"
	}
	if x.multi {
		return nil, fail(codeTransactionsForbidden, "$changeStream cannot be used in a transaction")
	}
	if _, err := (&pipeline{env: x.env}).run(nil, st.stages, streamStages); err != nil {
		return nil, err
	}
	if err := st.start(x, spec); err != nil {
		return nil, err
	}
	docs, _, err := st.more(x, number(field(document0(field(x.body, "cursor")), "batchSize")))
	if err != nil {
		return nil, err
	}
	return st.reply(x, "firstBatch", x.keep(st), docs), nil
}

// start finds the place where the stream begins.
func (st *stream) start(x *call, spec doc) error {
	from := x.m.log.last().at
	if at := x.m.log.at(x.m.commit - 1).at; !x.m.primary {
		from = at
	}
	st.last = token{at: from, sub: 1 << 23, kind: 'h'}
	for _, e := range elements(spec) {
		switch e.Key() {
		case "fullDocument":
			st.full = text(e.Value())
			if st.full != "default" && st.full != "updateLookup" {
				return refuse("fullDocument %q", st.full)
			}
		case "resumeAfter", "startAfter":
			t, err := tokenOf(e.Value())
			if err != nil {
				return err
			}
			if e.Key() == "resumeAfter" && t.kind == 'v' {
				return fail(codeInvalidResumeToken, "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate notification.")
			}
			st.last, st.skip, from = t, &t, t.at
		case "startAtOperationTime":
			from = timestampOf(e.Value())
			st.last = token{at: from, kind: 'h'}
		case "allChangesForCluster":
		default:
			return refuse("field %s of $changeStream", e.Key())
		}
	}
	return st.seek(x.m, from, st.skip == nil && !has(spec, "startAtOperationTime"))
}

func (st *stream) seek(m *Member, from timestamp, after bool) error {
	l := &m.log
	if l.base > 0 && from.less(l.entries[0].at) {
		return lostHistory()
	}
	st.pos = l.end()
	for st.pos > l.base && (!after && !l.at(st.pos-1).at.less(from) || after && from.less(l.at(st.pos-1).at)) {
		st.pos--
	}
	return nil
}

func lostHistory() *failure {
	return fail(codeHistoryLost, "Resume of change stream was not possible, as the resume point may no longer be in the oplog.")
}

func (st *stream) namespace() string { return st.cursor }

// more reads on to the commit point or until the batch is full.
func (st *stream) more(x *call, n int64) ([]doc, bool, error) {
	l := &x.m.log
	if st.pos < l.base {
		return nil, false, lostHistory()
	}
	if n <= 0 {
		n = 1 << 20
	}
	var docs []doc
	size := 0
	for !st.ended && int64(len(docs)) < n && size < maxDocument/2 {
		if len(st.pending) == 0 {
			if st.pos >= x.m.commit {
				break
			}
			st.pending = st.events(x, l.at(st.pos))
			st.last = token{at: l.at(st.pos).at, sub: 1 << 23, kind: 'h'}
			st.pos++
			continue
		}
		ev := st.pending[0]
		st.pending = st.pending[1:]
		out, err := (&pipeline{env: x.env}).run([]doc{ev.doc}, st.stages, streamStages)
		if err != nil {
			return nil, false, err
		}
		for _, d := range out {
			if !has(d, "_id") {
				return nil, false, fail(280, "Encountered an event whose _id field, which contains the resume token, was modified by the pipeline. Modifying the _id field of an event makes it impossible to resume the stream from that point. Only transformations that retain the unmodified _id field are allowed.")
			}
			docs = append(docs, d)
			size += len(d)
		}
		st.last = ev.at
		st.ended = ev.ends
	}
	return docs, !st.ended, nil
}

func (st *stream) getMore(x *call, id int64) (*bsoncore.DocumentBuilder, error) {
	n := number(field(x.body, "batchSize"))
	wait := time.Second
	if ms := number(field(x.body, "maxTimeMS")); ms > 0 {
		wait = time.Duration(ms) * time.Millisecond
	}
	deadline := time.Now().Add(wait)
	for {
		docs, open, err := st.more(x, n)
		if err != nil {
			delete(x.m.cursors, id)
			return nil, err
		}
		left := time.Until(deadline) > 0
		if len(docs) > 0 || !open || !left {
			if !open {
				delete(x.m.cursors, id)
				id = 0
			}
			return st.reply(x, "nextBatch", id, docs), nil
		}
		commit, epoch := x.m.commit, x.m.epoch
		if _, err := x.c.await(deadline, func() bool {
			return x.m.commit != commit || x.m.epoch != epoch || x.m.cursors[id] == nil
		}); err != nil {
			return nil, err
		}
		if x.m.cursors[id] == nil {
			return nil, fail(237, "cursor was killed")
		}
	}
}

func (st *stream) reply(x *call, name string, id int64, docs []doc) *bsoncore.DocumentBuilder {
	b := build().AppendValue(name, vDocs(docs)).AppendDocument("postBatchResumeToken", st.last.doc()).AppendInt64("id", id).AppendString("ns", st.cursor)
	return build().AppendDocument("cursor", b.Build())
}

func (x *call) concerns(ns string, ch change) bool {
	return ns == "" && !strings.HasPrefix(ch.ns, "admin.") && !strings.HasPrefix(ch.ns, "config.") && !strings.HasPrefix(ch.ns, "local.") ||
		ch.ns == ns || strings.HasSuffix(ns, ".") && strings.HasPrefix(ch.ns, ns)
}
