package mongosim

import (
	"bytes"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// modifier is what an update does to a document: put another in its place, edit
// it by operators, or pass it through a pipeline.
type modifier struct {
	whole    doc
	ops      doc
	pipeline []val
	env      env
}

func newModifier(u val, e env) (modifier, error) {
	m := modifier{env: e}
	if u.Type == bsoncore.TypeArray {
		m.pipeline = items(u)
		return m, nil
	}
	d, ok := u.DocumentOK()
	if !ok {
		return m, fail(codeFailedToParse, "Update argument must be either an object or an array")
	}
	if first, _ := firstField(d); strings.HasPrefix(first, "$") {
		m.ops = d
	} else {
		m.whole = d
	}
	return m, nil
}

func (u modifier) edits() bool { return u.whole == nil }

// apply gives the document after the update.
func (u modifier) apply(old doc, inserting bool) (doc, error) {
	id := field(old, "_id")
	var next doc
	var err error
	switch {
	case u.whole != nil:
		next = u.whole
		if given := field(next, "_id"); given.Type != 0 && id.Type != 0 && keyOf(given) != keyOf(id) {
			return nil, fail(66, "After applying the update, the (immutable) field '_id' was found to have been altered to _id: %s", given)
		} else if given.Type != 0 {
			id = given
		}
	case u.pipeline != nil:
		next, err = u.throughPipeline(old)
	default:
		next, err = u.operate(old, inserting)
	}
	if err != nil {
		return nil, err
	}
	if id.Type != 0 && (u.whole != nil || !has(next, "_id")) {
		next = withID(next, id)
	}
	if len(next) > maxDocument {
		return nil, fail(17419, "Resulting document after update is larger than %d", maxDocument)
	}
	return next, nil
}

func (u modifier) operate(d doc, inserting bool) (doc, error) {
	for _, op := range elements(u.ops) {
		if op.Key() == "$setOnInsert" && !inserting {
			continue
		}
		args, ok := op.Value().DocumentOK()
		if !ok {
			return nil, fail(codeFailedToParse, "Modifiers operate on fields but we found type %s instead", op.Value().Type)
		}
		for _, e := range sortedKeys(args) {
			if strings.Contains(e.Key(), "$") {
				return nil, refuse("positional path %s", e.Key())
			}
			next, err := u.operator(d, op.Key(), e.Key(), e.Value())
			if err != nil {
				return nil, err
			}
			d = next
		}
	}
	return d, nil
}

func (u modifier) operator(d doc, op, path string, v val) (doc, error) {
	old := lookup(d, path)
	switch op {
	case "$set", "$setOnInsert":
		return put(d, path, v)
	case "$unset":
		return cut(d, path), nil
	case "$inc":
		if old.Type == 0 {
			return put(d, path, v)
		}
		if !old.IsNumber() || !v.IsNumber() {
			return nil, fail(14, "Cannot apply $inc to a value of non-numeric type. {%s} has the field '%s' of non-numeric type %s", field(d, "_id"), path, old.Type)
		}
		n, err := sum([]val{old, v})
		if err != nil {
			return nil, err
		}
		return put(d, path, n)
	case "$min", "$max":
		if old.Type != 0 && (keyOf(v) < keyOf(old)) != (op == "$min") || old.Type != 0 && keyOf(v) == keyOf(old) {
			return d, nil
		}
		return put(d, path, v)
	case "$currentDate":
		return u.currentDate(d, path, v)
	case "$push":
		if old.Type != 0 && old.Type != bsoncore.TypeArray {
			return nil, fail(codeBadValue, "The field '%s' must be an array but is of type %s", path, old.Type)
		}
		if inner, ok := v.DocumentOK(); ok {
			if first, _ := firstField(inner); strings.HasPrefix(first, "$") {
				return nil, refuse("$push with %s", first)
			}
		}
		return put(d, path, vArray(append(items(old), v)...))
	}
	return nil, refuse("update operator %s", op)
}

func (u modifier) currentDate(d doc, path string, v val) (doc, error) {
	if kind, ok := v.DocumentOK(); ok && text(field(kind, "$type")) != "date" {
		return nil, refuse("$currentDate with %s", v)
	}
	return put(d, path, vDate(u.env.now))
}

func (u modifier) throughPipeline(d doc) (doc, error) {
	p := &pipeline{env: u.env}
	out, err := p.run([]doc{d}, u.pipeline, "$set $addFields $unset $project $replaceRoot $replaceWith")
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// upserted gives the document that an upsert inserts: the equalities of the
// filter, edited.
func (u modifier) upserted(filter doc, id func() val) (doc, error) {
	base := build().Build()
	if u.whole == nil {
		var err error
		if base, err = equalities(base, filter); err != nil {
			return nil, err
		}
	} else if v := equality(field(filter, "_id")); v.Type != 0 {
		base = withID(base, v)
	}
	d, err := u.apply(base, true)
	if err != nil {
		return nil, err
	}
	if v := field(d, "_id"); v.Type != 0 {
		return withID(d, v), nil
	}
	return withID(d, id()), nil
}

func equalities(d, filter doc) (doc, error) {
	for _, e := range elements(filter) {
		var err error
		switch key := e.Key(); {
		case key == "$and":
			for _, item := range items(e.Value()) {
				if d, err = equalities(d, item.Document()); err != nil {
					return nil, err
				}
			}
		case strings.HasPrefix(key, "$"):
		default:
			if v := equality(e.Value()); v.Type != 0 {
				d, err = put(d, key, v)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

// equality gives the value a condition fixes, if it fixes one.
func equality(v val) val {
	if d, ok := v.DocumentOK(); ok {
		if first, _ := firstField(d); strings.HasPrefix(first, "$") {
			return field(d, "$eq")
		}
	}
	return v
}

func update(x *call) (*bsoncore.DocumentBuilder, error) {
	ups, ns := x.docs("updates"), x.ns()
	var n, modified int32
	var upserted []val
	errs, err := x.each(len(ups), func(i int) error {
		if err := onlyFields(ups[i], "update", "q u upsert multi hint sort collation"); err != nil {
			return err
		}
		st, err := x.write(x.stmtID(i), func(w *draft) (statement, error) {
			return x.updateIn(w, ns, ups[i], "q", "u")
		})
		if err != nil {
			return err
		}
		n, modified = n+st.n, modified+st.modified
		if st.upserted.Type != 0 {
			upserted = append(upserted, vDoc(build().AppendInt32("index", int32(i)).AppendValue("_id", st.upserted).Build()))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b := build().AppendInt32("n", n).AppendInt32("nModified", modified)
	if len(upserted) > 0 {
		b.AppendValue("upserted", vArray(upserted...))
	}
	return withErrors(b, errs), nil
}

// updateIn runs one update statement, whose filter and update are in fields of
// the given names.
func (x *call) updateIn(w *draft, ns string, d doc, filter, mods string) (statement, error) {
	u, err := newModifier(field(d, mods), x.env)
	if err != nil {
		return statement{}, err
	}
	limit := int64(1)
	if truth(field(d, "multi")) {
		limit = 0
		if !u.edits() {
			return statement{}, fail(codeFailedToParse, "multi update is not supported for replacement-style update")
		}
	}
	found, err := x.matching(w, ns, d, filter, limit)
	if err != nil {
		return statement{}, err
	}
	if len(found) == 0 && truth(field(d, "upsert")) {
		fresh, err := u.upserted(document0(field(d, filter)), w.objectID)
		if err != nil {
			return statement{}, err
		}
		return statement{n: 1, upserted: field(fresh, "_id"), image: vDoc(fresh)}, w.insert(ns, fresh)
	}
	st := statement{n: int32(len(found))}
	for _, old := range found {
		next, err := u.apply(old.raw, false)
		if err != nil {
			return statement{}, err
		}
		if bytes.Equal(next, old.raw) {
			continue
		}
		if err := w.replace(ns, old, next, u.edits()); err != nil {
			return statement{}, err
		}
		st.modified++
	}
	return st, nil
}

func containsWord(words, w string) bool { return strings.Contains(" "+words+" ", " "+w+" ") }
