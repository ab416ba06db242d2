package mongosim

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

func create(x *call) (*bsoncore.DocumentBuilder, error) {
	ns := x.ns()
	if truth(field(x.body, "capped")) {
		return nil, refuse("capped collections")
	}
	_, err := x.write(0, func(w *draft) (statement, error) {
		if w.v.coll(ns) != nil {
			return statement{}, fail(codeNamespaceExists, "Collection %s already exists.", ns)
		}
		_, err := w.create(ns)
		return statement{}, err
	})
	return build(), err
}

func createIndexes(x *call) (*bsoncore.DocumentBuilder, error) {
	ns, before, now := x.ns(), 1, 1
	fresh := false
	_, err := x.write(0, func(w *draft) (statement, error) {
		c := w.v.coll(ns)
		fresh = c == nil
		if c != nil {
			before += len(c.indexes)
		}
		if x.txn != nil && c != nil && c.docs.len() > 0 {
			return statement{}, fail(codeTransactionsForbidden, "Cannot create new indexes on non-empty collection %s in a multi-document transaction.", ns)
		}
		for _, spec := range x.docs("indexes") {
			if _, err := w.createIndex(ns, spec); err != nil {
				return statement{}, err
			}
		}
		now = 1 + len(w.v.coll(ns).indexes)
		return statement{}, nil
	})
	return build().AppendInt32("numIndexesBefore", int32(before)).AppendInt32("numIndexesAfter", int32(now)).AppendBoolean("createdCollectionAutomatically", fresh), err
}

func dropIndexes(x *call) (*bsoncore.DocumentBuilder, error) {
	ns := x.ns()
	name, ok := field(x.body, "index").StringValueOK()
	if !ok {
		return nil, refuse("dropIndexes other than by name")
	}
	_, err := x.write(0, func(w *draft) (statement, error) { return statement{}, w.dropIndex(ns, name) })
	return build(), err
}

func drop(x *call) (*bsoncore.DocumentBuilder, error) {
	ns := x.ns()
	_, err := x.write(0, func(w *draft) (statement, error) { return statement{}, w.drop(ns) })
	return build().AppendString("ns", ns), err
}

func (w *draft) drop(ns string) error {
	c := w.v.coll(ns)
	if c == nil {
		return nil
	}
	if err := w.guard(c, nil, ""); err != nil {
		return err
	}
	w.v = w.v.without(ns)
	w.changes = append(w.changes, change{kind: kindDrop, ns: ns, uuid: c.uuid})
	return nil
}

func dropDatabase(x *call) (*bsoncore.DocumentBuilder, error) {
	_, err := x.write(0, func(w *draft) (statement, error) {
		for _, c := range w.v.in(x.db) {
			if err := w.drop(c.ns); err != nil {
				return statement{}, err
			}
		}
		w.changes = append(w.changes, change{kind: kindDropDatabase, ns: x.db + "."})
		return statement{}, nil
	})
	return build().AppendString("dropped", x.db), err
}

func listIndexes(x *call) (*bsoncore.DocumentBuilder, error) {
	c := x.m.state().coll(x.ns())
	if x.txn != nil {
		c = x.txn.draft.v.coll(x.ns())
	}
	if c == nil {
		return nil, fail(codeNamespaceNotFound, "ns does not exist: %s", x.ns())
	}
	docs := []doc{idIndex.spec}
	for _, ix := range c.indexes {
		docs = append(docs, ix.spec)
	}
	return x.cursorReply(x.ns(), docs, firstBatch, false)
}

func listCollections(x *call) (*bsoncore.DocumentBuilder, error) {
	f, err := compile(document0(field(x.body, "filter")), x.env)
	if err != nil {
		return nil, err
	}
	var docs []doc
	for _, c := range x.m.state().in(x.db) {
		info := build().AppendBoolean("readOnly", false).AppendValue("uuid", vUUID(c.uuid)).Build()
		d := build().AppendString("name", c.name()).AppendString("type", "collection").AppendDocument("options", build().Build()).
			AppendDocument("info", info).AppendDocument("idIndex", idIndex.spec).Build()
		if f.test(d) {
			docs = append(docs, d)
		}
	}
	return x.cursorReply(x.db+".$cmd.listCollections", docs, firstBatch, false)
}

func listDatabases(x *call) (*bsoncore.DocumentBuilder, error) {
	var dbs []val
	seen := map[string]bool{}
	x.m.state().colls.ascend("", "", func(ns string, _ *collection) bool {
		db, _, _ := strings.Cut(ns, ".")
		if !seen[db] {
			seen[db] = true
			dbs = append(dbs, vDoc(build().AppendString("name", db).AppendInt64("sizeOnDisk", 1).AppendBoolean("empty", false).Build()))
		}
		return true
	})
	return build().AppendValue("databases", vArray(dbs...)).AppendInt64("totalSize", int64(len(dbs))), nil
}
