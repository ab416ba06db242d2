package mongosim

import (
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// findAndModify changes one document and answers with it as it was or is.
func findAndModify(x *call) (*bsoncore.DocumentBuilder, error) {
	ns := x.ns()
	st, err := x.write(x.stmtID(0), func(w *draft) (statement, error) {
		return x.modifyIn(w, ns)
	})
	if err != nil {
		return nil, err
	}
	last := build().AppendInt32("n", st.n)
	if !truth(field(x.body, "remove")) {
		last.AppendBoolean("updatedExisting", st.n > 0 && st.upserted.Type == 0)
		if st.upserted.Type != 0 {
			last.AppendValue("upserted", st.upserted)
		}
	}
	value := st.image
	if value.Type == 0 {
		value = vNull()
	}
	return build().AppendDocument("lastErrorObject", last.Build()).AppendValue("value", value), nil
}

func (x *call) modifyIn(w *draft, ns string) (statement, error) {
	b := x.body
	found, err := x.matching(w, ns, b, "query", 1)
	if err != nil {
		return statement{}, err
	}
	var old, next doc
	st := statement{}
	switch {
	case truth(field(b, "remove")):
		if len(found) > 0 {
			old, st.n = found[0].raw, 1
			err = w.remove(ns, found[0])
		}
	default:
		st, err = x.updateIn(w, ns, wrapUpdate(b), "query", "update")
		if len(found) > 0 {
			old = found[0].raw
			if d, ok := w.v.coll(ns).docs.get(found[0].key); ok {
				next = d.raw
			}
		} else if st.upserted.Type != 0 {
			next = st.image.Document()
		}
	}
	if err != nil {
		return statement{}, err
	}
	image := old
	if truth(field(b, "new")) {
		image = next
	}
	st.image = val{}
	if image != nil {
		shaped, err := project(image, document0(field(b, "fields")), x.env)
		if err != nil {
			return statement{}, err
		}
		st.image = vDoc(shaped)
	}
	return st, nil
}

// wrapUpdate makes an update statement of a findAndModify.
func wrapUpdate(b doc) doc {
	u := build()
	for _, name := range []string{"query", "update", "upsert", "sort", "hint", "collation"} {
		if v := field(b, name); v.Type != 0 {
			u.AppendValue(name, v)
		}
	}
	return u.Build()
}

// bulkWrite runs statements on several collections ("bulkWrite (database
// command)", new in 8.0).
func bulkWrite(x *call) (*bsoncore.DocumentBuilder, error) {
	if x.s.opts.Wire < 25 {
		return nil, fail(codeCommandNotFound, "no such command: 'bulkWrite'")
	}
	if x.db != "admin" {
		return nil, fail(13, "bulkWrite may only be run against the admin database.")
	}
	var names []string
	for _, d := range x.docs("nsInfo") {
		if err := onlyFields(d, "nsInfo", "ns"); err != nil {
			return nil, err
		}
		names = append(names, text(field(d, "ns")))
	}
	ops := x.docs("ops")
	b := &bulk{x: x, names: names}
	errs, err := x.each(len(ops), func(i int) error { return b.one(i, ops[i]) })
	if err != nil {
		return nil, err
	}
	reply, err := x.cursorReply("admin.$cmd.bulkWrite", b.withErrors(errs), number(field(document0(field(x.body, "cursor")), "batchSize")), false)
	if err != nil {
		return nil, err
	}
	return reply.AppendInt32("nErrors", int32(len(errs))).AppendInt32("nInserted", b.inserted).AppendInt32("nMatched", b.matched).
		AppendInt32("nModified", b.modified).AppendInt32("nUpserted", b.upserted).AppendInt32("nDeleted", b.deleted), nil
}

type bulk struct {
	x                                              *call
	names                                          []string
	results                                        []doc
	inserted, matched, modified, upserted, deleted int32
}

func (b *bulk) one(i int, op doc) error {
	kind, at := firstField(op)
	n := number(at)
	if n < 0 || int(n) >= len(b.names) {
		return fail(codeBadValue, "BulkWrite ops entry %d has an invalid nsInfo index.", i)
	}
	x, ns := b.x, b.names[n]
	st, err := x.write(x.stmtID(i), func(w *draft) (statement, error) {
		switch kind {
		case "insert":
			if err := onlyFields(op, "ops", "insert document"); err != nil {
				return statement{}, err
			}
			return statement{n: 1}, w.insertNew(ns, document0(field(op, "document")))
		case "update":
			if err := onlyFields(op, "ops", "update filter updateMods multi upsert hint sort collation"); err != nil {
				return statement{}, err
			}
			return x.updateIn(w, ns, op, "filter", "updateMods")
		case "delete":
			if err := onlyFields(op, "ops", "delete filter multi hint collation"); err != nil {
				return statement{}, err
			}
			limit := int64(1)
			if truth(field(op, "multi")) {
				limit = 0
			}
			return x.removeIn(w, ns, op, "filter", limit)
		}
		return statement{}, refuse("bulkWrite operation %s", kind)
	})
	if err != nil {
		return err
	}
	b.count(i, kind, st)
	return nil
}

func (b *bulk) count(i int, kind string, st statement) {
	r := build().AppendDouble("ok", 1).AppendInt32("idx", int32(i)).AppendInt32("n", st.n)
	switch kind {
	case "insert":
		b.inserted += st.n
	case "delete":
		b.deleted += st.n
	default:
		r.AppendInt32("nModified", st.modified)
		if st.upserted.Type != 0 {
			b.upserted++
			r.AppendDocument("upserted", build().AppendValue("_id", st.upserted).Build())
		} else {
			b.matched += st.n
		}
		b.modified += st.modified
	}
	if !truth(field(b.x.body, "errorsOnly")) {
		b.results = append(b.results, r.Build())
	}
}

func (b *bulk) withErrors(errs []val) []doc {
	for _, e := range errs {
		d := e.Document()
		r := build().AppendDouble("ok", 0).AppendInt32("idx", int32(number(field(d, "index")))).AppendInt32("n", 0)
		for _, f := range elements(d) {
			if f.Key() != "index" {
				r.AppendValue(f.Key(), f.Value())
			}
		}
		b.results = append(b.results, r.Build())
	}
	return b.results
}
