package mongosim

import (
	"bytes"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// events makes the documents of a change stream from an entry ("Change
// Events").
func (st *stream) events(x *call, e *entry) []event {
	var out []event
	for i, ch := range e.changes {
		if ch.kind == kindNoop || !x.concerns(st.ns, ch) {
			continue
		}
		out = append(out, st.eventsOf(x, e, ch, 2*i+1)...)
	}
	if st.skip == nil {
		return out
	}
	var rest []event
	for _, ev := range out {
		if st.skip.less(ev.at) {
			rest = append(rest, ev)
		}
	}
	return rest
}

func (st *stream) eventsOf(x *call, e *entry, ch change, sub int) []event {
	name, kind := "", byte('e')
	switch ch.kind {
	case kindInsert:
		name = "insert"
	case kindUpdate:
		name = "replace"
		if ch.edited {
			name = "update"
		}
	case kindDelete:
		name = "delete"
	case kindDrop:
		name = "drop"
	case kindDropDatabase:
		name = "dropDatabase"
		if st.ns != "" && st.ns != ch.ns {
			return nil
		}
	default:
		return nil // creations are told only with showExpandedEvents
	}
	at := token{e.at, sub, kind}
	out := []event{{at: at, doc: st.document(x, e, ch, name, at)}}
	single := st.ns != "" && st.ns[len(st.ns)-1] != '.'
	if ch.kind == kindDrop && single || ch.kind == kindDropDatabase && st.ns != "" {
		end := token{e.at, sub + 1, 'v'}
		d := build().AppendDocument("_id", end.doc()).AppendString("operationType", "invalidate").AppendValue("clusterTime", e.at.val()).AppendDateTime("wallTime", e.wall).Build()
		out = append(out, event{at: end, doc: d, ends: true})
	}
	return out
}

func (st *stream) document(x *call, e *entry, ch change, name string, at token) doc {
	b := build().AppendDocument("_id", at.doc()).AppendString("operationType", name).AppendValue("clusterTime", e.at.val()).AppendDateTime("wallTime", e.wall)
	if e.txn {
		b.AppendInt64("txnNumber", e.number)
		id := build().AppendBinary("id", 4, []byte(e.session)).Build()
		b.AppendDocument("lsid", id)
	}
	switch name {
	case "insert", "replace":
		b.AppendDocument("fullDocument", ch.after)
	case "update":
		if st.full == "updateLookup" {
			b.AppendValue("fullDocument", x.current(ch))
		}
	}
	db, coll := namespaceOf(ch.ns)
	ns := build().AppendString("db", db)
	if coll != "" {
		ns.AppendString("coll", coll)
	}
	b.AppendDocument("ns", ns.Build())
	if ch.id.Type != 0 {
		b.AppendDocument("documentKey", build().AppendValue("_id", ch.id).Build())
	}
	if name == "update" {
		var d difference
		d.compare("", ch.before, ch.after)
		b.AppendDocument("updateDescription", d.doc())
	}
	return b.Build()
}

// current looks the document up as a majority has it now.
func (x *call) current(ch change) val {
	if c := x.m.log.at(x.m.commit - 1).after.coll(ch.ns); c != nil {
		if d, ok := c.docs.get(keyOf(ch.id)); ok {
			return vDoc(d.raw)
		}
	}
	return vNull()
}

func namespaceOf(ns string) (db, coll string) {
	for i := range len(ns) {
		if ns[i] == '.' {
			return ns[:i], ns[i+1:]
		}
	}
	return ns, ""
}

// difference is what an update did, by paths.
type difference struct {
	updated   []bsoncore.Element
	removed   []val
	truncated []val
}

func (d *difference) compare(prefix string, before, after doc) {
	for _, e := range elements(before) {
		if !has(after, e.Key()) {
			d.removed = append(d.removed, vString(prefix+e.Key()))
		}
	}
	for _, e := range elements(after) {
		d.field(prefix+e.Key(), field(before, e.Key()), e.Value())
	}
}

func (d *difference) field(path string, old, v val) {
	switch {
	case old.Type == v.Type && bytes.Equal(old.Data, v.Data):
	case old.Type == bsoncore.TypeEmbeddedDocument && v.Type == old.Type:
		d.compare(path+".", old.Document(), v.Document())
	case old.Type == bsoncore.TypeArray && v.Type == old.Type:
		d.array(path, items(old), items(v))
	default:
		d.updated = append(d.updated, element(path, v))
	}
}

func (d *difference) array(path string, old, now []val) {
	for i, v := range now {
		prev := val{}
		if i < len(old) {
			prev = old[i]
		}
		d.field(path+"."+strconv.Itoa(i), prev, v)
	}
	if len(now) < len(old) {
		d.truncated = append(d.truncated, vDoc(build().AppendString("field", path).AppendInt32("newSize", int32(len(now))).Build()))
	}
}

func element(key string, v val) bsoncore.Element {
	d := build().AppendValue(key, v).Build()
	es, _ := d.Elements()
	return es[0]
}

func (d *difference) doc() doc {
	updated := build()
	for _, e := range d.updated {
		updated.AppendValue(e.Key(), e.Value())
	}
	return build().AppendDocument("updatedFields", updated.Build()).AppendValue("removedFields", vArray(d.removed...)).AppendValue("truncatedArrays", vArray(d.truncated...)).Build()
}
