package mongosim

import (
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// pipeline runs the stages of an aggregation over documents.
type pipeline struct {
	env  env
	v    *version
	db   string
	hint val
}

const allStages = "$match $sort $limit $skip $project $set $addFields $unset $count $group $lookup $unwind $replaceRoot $replaceWith $documents"

// source answers a leading $match (and the $sort and $limit after it) by an
// index, and gives the stages that are left.
func (p *pipeline) source(ns string, stages []val) ([]doc, []val, error) {
	q := query{sort: build().Build(), hint: p.hint}
	match := build().Build()
	if len(stages) > 0 && has(document0(stages[0]), "$match") {
		match, stages = document0(field(document0(stages[0]), "$match")), stages[1:]
	}
	if len(stages) > 0 && has(document0(stages[0]), "$sort") {
		q.sort, stages = document0(field(document0(stages[0]), "$sort")), stages[1:]
	}
	if len(stages) > 0 && has(document0(stages[0]), "$limit") {
		q.limit, stages = number(field(document0(stages[0]), "$limit")), stages[1:]
	}
	var err error
	if q.filter, err = compile(match, p.env); err != nil {
		return nil, nil, err
	}
	c := p.v.coll(ns)
	if c == nil {
		return nil, stages, nil
	}
	found, err := c.find(q)
	docs := make([]doc, len(found))
	for i, d := range found {
		docs[i] = d.raw
	}
	return docs, stages, err
}

func (p *pipeline) run(docs []doc, stages []val, known string) ([]doc, error) {
	for _, s := range stages {
		name, arg := firstField(document0(s))
		if !containsWord(known, name) {
			return nil, fail(40324, "mongosim: pipeline stage %s: not imitated here", name)
		}
		var err error
		if docs, err = p.stage(docs, name, arg); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

func (p *pipeline) stage(docs []doc, name string, arg val) ([]doc, error) {
	switch name {
	case "$match":
		f, err := compile(document0(arg), p.env)
		if err != nil {
			return nil, err
		}
		return slices.DeleteFunc(slices.Clone(docs), func(d doc) bool { return !f.test(d) }), nil
	case "$sort":
		o := newOrder(document0(arg))
		docs = slices.Clone(docs)
		slices.SortStableFunc(docs, func(a, b doc) int { return strings.Compare(o.key(a), o.key(b)) })
		return docs, nil
	case "$limit":
		return docs[:min(int(number(arg)), len(docs))], nil
	case "$skip":
		return docs[min(int(number(arg)), len(docs)):], nil
	case "$count":
		if len(docs) == 0 {
			return nil, nil
		}
		return []doc{build().AppendInt32(text(arg), int32(len(docs))).Build()}, nil
	case "$documents":
		v, err := eval(arg, build().Build(), p.env)
		for _, item := range items(v) {
			docs = append(docs, document0(item))
		}
		return docs, err
	case "$group":
		return p.group(docs, document0(arg))
	case "$lookup":
		return p.lookup(docs, document0(arg))
	case "$unwind":
		return unwind(docs, arg)
	}
	out := make([]doc, len(docs))
	for i, d := range docs {
		var err error
		if out[i], err = p.each(d, name, arg); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// each runs a stage that makes one document of one.
func (p *pipeline) each(d doc, name string, arg val) (doc, error) {
	switch name {
	case "$project":
		return project(d, document0(arg), p.env)
	case "$set", "$addFields":
		out := d
		for _, e := range elements(document0(arg)) {
			v, err := eval(e.Value(), d, p.env)
			if err != nil {
				return nil, err
			}
			if v.Type == 0 {
				out = cut(out, e.Key())
			} else if out, err = put(out, e.Key(), v); err != nil {
				return nil, err
			}
		}
		return out, nil
	case "$unset":
		for _, v := range spread([]val{arg}) {
			d = cut(d, text(v))
		}
		return d, nil
	case "$replaceRoot":
		arg = field(document0(arg), "newRoot")
	}
	v, err := eval(arg, d, p.env)
	if err != nil {
		return nil, err
	}
	root, ok := v.DocumentOK()
	if !ok {
		return nil, fail(40228, "'newRoot' expression must evaluate to an object, but resulting value was: %s", v)
	}
	return root, nil
}

// let gives an env with more variables.
func (e env) let(vars, d doc) (env, error) {
	next := env{now: e.now, vars: maps.Clone(e.vars)}
	if next.vars == nil {
		next.vars = map[string]val{}
	}
	for _, el := range elements(vars) {
		v, err := eval(el.Value(), d, e)
		if err != nil {
			return e, err
		}
		next.vars[el.Key()] = v
	}
	return next, nil
}

// lookup joins documents of another collection of the same snapshot.
func (p *pipeline) lookup(docs []doc, spec doc) ([]doc, error) {
	if err := onlyFields(spec, "$lookup", "from localField foreignField let pipeline as"); err != nil {
		return nil, err
	}
	ns := p.db + "." + text(field(spec, "from"))
	out := make([]doc, len(docs))
	for i, d := range docs {
		inner := &pipeline{env: p.env, v: p.v, db: p.db}
		var err error
		if let, ok := field(spec, "let").DocumentOK(); ok {
			if inner.env, err = p.env.let(let, d); err != nil {
				return nil, err
			}
		}
		stages := items(field(spec, "pipeline"))
		if local, ok := field(spec, "localField").StringValueOK(); ok {
			stages = append([]val{vDoc(joinOn(d, local, text(field(spec, "foreignField"))))}, stages...)
		}
		found, rest, err := inner.source(ns, stages)
		if err == nil {
			found, err = inner.run(found, rest, allStages)
		}
		if err != nil {
			return nil, err
		}
		if out[i], err = put(d, text(field(spec, "as")), vDocs(found)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// joinOn is the $match of the equality that $lookup joins on.
func joinOn(d doc, local, foreign string) doc {
	vs := spread(reach(d, local))
	if len(vs) == 0 {
		vs = []val{vNull()}
	}
	in := build().AppendValue("$in", vArray(vs...)).Build()
	return build().AppendDocument("$match", build().AppendDocument(foreign, in).Build()).Build()
}

func unwind(docs []doc, arg val) ([]doc, error) {
	keepEmpty := false
	if d, ok := arg.DocumentOK(); ok {
		if err := onlyFields(d, "$unwind", "path preserveNullAndEmptyArrays"); err != nil {
			return nil, err
		}
		keepEmpty = truth(field(d, "preserveNullAndEmptyArrays"))
		arg = field(d, "path")
	}
	path := strings.TrimPrefix(text(arg), "$")
	var out []doc
	for _, d := range docs {
		v := lookup(d, path)
		switch {
		case v.Type == bsoncore.TypeArray && len(items(v)) > 0:
			for _, item := range items(v) {
				next, err := put(d, path, item)
				if err != nil {
					return nil, err
				}
				out = append(out, next)
			}
		case v.Type != 0 && v.Type != bsoncore.TypeNull && v.Type != bsoncore.TypeArray, keepEmpty:
			out = append(out, d)
		}
	}
	return out, nil
}

// group supports the accumulators $sum, $count, $min, $max, $first, $last and
// $push.
func (p *pipeline) group(docs []doc, spec doc) ([]doc, error) {
	type set struct {
		id   val
		docs []doc
	}
	var order []string
	groups := map[string]*set{}
	for _, d := range docs {
		id, err := eval(field(spec, "_id"), d, p.env)
		if err != nil {
			return nil, err
		}
		if id.Type == 0 {
			id = vNull()
		}
		k := keyOf(id)
		if groups[k] == nil {
			groups[k] = &set{id: id}
			order = append(order, k)
		}
		groups[k].docs = append(groups[k].docs, d)
	}
	var out []doc
	for _, k := range order {
		b := build().AppendValue("_id", groups[k].id)
		for _, e := range elements(spec) {
			if e.Key() == "_id" {
				continue
			}
			v, err := p.accumulate(groups[k].docs, document0(e.Value()))
			if err != nil {
				return nil, err
			}
			b.AppendValue(e.Key(), v)
		}
		out = append(out, b.Build())
	}
	return out, nil
}

func (p *pipeline) accumulate(docs []doc, spec doc) (val, error) {
	op, arg := firstField(spec)
	if op == "$count" {
		op, arg = "$sum", vInt32(1)
	}
	var vs []val
	for _, d := range docs {
		v, err := eval(arg, d, p.env)
		if err != nil {
			return val{}, err
		}
		if v.Type == 0 {
			v = vNull()
		}
		vs = append(vs, v)
	}
	switch op {
	case "$sum":
		return sum(slices.DeleteFunc(vs, func(v val) bool { return !v.IsNumber() }))
	case "$push":
		return vArray(vs...), nil
	case "$first":
		return vs[0], nil
	case "$last":
		return vs[len(vs)-1], nil
	case "$min":
		return slices.MinFunc(vs, func(a, b val) int { return strings.Compare(keyOf(a), keyOf(b)) }), nil
	case "$max":
		return slices.MaxFunc(vs, func(a, b val) int { return strings.Compare(keyOf(a), keyOf(b)) }), nil
	}
	return val{}, refuse("accumulator %s", op)
}
