package mongosim

import (
	"math"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// eval gives the value of an aggregation expression over a document.
func eval(x val, d doc, e env) (val, error) {
	switch x.Type {
	case bsoncore.TypeString:
		return evalPath(x, d, e)
	case bsoncore.TypeEmbeddedDocument:
		if name, arg := firstField(x.Document()); strings.HasPrefix(name, "$") {
			return evalOperator(name, arg, d, e)
		}
		b := build()
		for _, el := range elements(x.Document()) {
			v, err := eval(el.Value(), d, e)
			if err != nil {
				return val{}, err
			}
			if v.Type != 0 {
				b.AppendValue(el.Key(), v)
			}
		}
		return vDoc(b.Build()), nil
	case bsoncore.TypeArray:
		vs, err := evalAll(x, d, e)
		for i := range vs {
			if vs[i].Type == 0 {
				vs[i] = vNull()
			}
		}
		return vArray(vs...), err
	}
	return x, nil
}

func evalPath(x val, d doc, e env) (val, error) {
	s := text(x)
	name, isVar := strings.CutPrefix(s, "$$")
	if !isVar {
		if path, isField := strings.CutPrefix(s, "$"); isField {
			return throughArrays(vDoc(d), path), nil
		}
		return x, nil
	}
	name, rest, dotted := strings.Cut(name, ".")
	var v val
	switch name {
	case "NOW":
		v = vDate(e.now)
	case "ROOT", "CURRENT":
		v = vDoc(d)
	case "REMOVE":
		return val{}, nil
	default:
		known := false
		if v, known = e.vars[name]; !known {
			return val{}, refuse("variable $$%s", name)
		}
	}
	if dotted {
		return throughArrays(v, rest), nil
	}
	return v, nil
}

// throughArrays follows a path; an array on the way becomes the array of what
// its documents have there.
func throughArrays(v val, path string) val {
	first, rest, dotted := strings.Cut(path, ".")
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument:
		inner := field(v.Document(), first)
		if !dotted {
			return inner
		}
		return throughArrays(inner, rest)
	case bsoncore.TypeArray:
		var vs []val
		for _, item := range items(v) {
			if found := throughArrays(item, path); found.Type != 0 && item.Type == bsoncore.TypeEmbeddedDocument {
				vs = append(vs, found)
			}
		}
		return vArray(vs...)
	}
	return val{}
}

func evalAll(x val, d doc, e env) ([]val, error) {
	args := []val{x}
	if x.Type == bsoncore.TypeArray {
		args = items(x)
	}
	vs := make([]val, len(args))
	for i, a := range args {
		var err error
		if vs[i], err = eval(a, d, e); err != nil {
			return nil, err
		}
	}
	return vs, nil
}

func evalOperator(name string, arg val, d doc, e env) (val, error) {
	if name == "$literal" {
		return arg, nil
	}
	vs, err := evalAll(arg, d, e)
	if err != nil {
		return val{}, err
	}
	switch name {
	case "$eq", "$ne", "$gt", "$gte", "$lt", "$lte":
		if len(vs) != 2 {
			return val{}, fail(16020, "Expression %s takes exactly 2 arguments. %d were passed in.", name, len(vs))
		}
		return vBool(compares(name, vs[0], vs[1])), nil
	case "$and", "$or":
		for _, v := range vs {
			if truth(v) == (name == "$or") {
				return vBool(name == "$or"), nil
			}
		}
		return vBool(name == "$and"), nil
	case "$not":
		return vBool(!truth(vs[0])), nil
	case "$ifNull":
		for _, v := range vs {
			if v.Type != 0 && v.Type != bsoncore.TypeNull {
				return v, nil
			}
		}
		return vs[len(vs)-1], nil
	case "$cond":
		if len(vs) != 3 {
			return val{}, refuse("$cond other than with an array of three")
		}
		if truth(vs[0]) {
			return vs[1], nil
		}
		return vs[2], nil
	case "$add":
		return sum(vs)
	case "$in":
		if len(vs) == 2 && vs[1].Type == bsoncore.TypeArray {
			for _, item := range items(vs[1]) {
				if keyOf(item) == keyOf(vs[0]) {
					return vBool(true), nil
				}
			}
			return vBool(false), nil
		}
	}
	return val{}, refuse("expression %s", name)
}

func compares(op string, a, b val) bool {
	ka, kb := exprKey(a), exprKey(b)
	switch op {
	case "$eq":
		return ka == kb
	case "$ne":
		return ka != kb
	case "$gt":
		return ka > kb
	case "$gte":
		return ka >= kb
	case "$lt":
		return ka < kb
	}
	return ka <= kb
}

// exprKey: in expressions a missing value is less than null.
func exprKey(v val) string {
	if v.Type == 0 {
		return string(rune(keyUndefined))
	}
	return keyOf(v)
}

// sum adds numbers and keeps the narrowest type that holds the result; a date
// plus milliseconds is a date.
func sum(vs []val) (val, error) {
	kind := bsoncore.TypeInt32
	var whole int64
	var real float64
	for _, v := range vs {
		switch {
		case v.Type == bsoncore.TypeDateTime && kind != bsoncore.TypeDateTime:
			kind = bsoncore.TypeDateTime
			whole += v.DateTime()
			continue
		case v.Type == bsoncore.TypeDouble && kind != bsoncore.TypeDateTime:
			kind = bsoncore.TypeDouble
		case v.Type == bsoncore.TypeInt64 && kind == bsoncore.TypeInt32:
			kind = bsoncore.TypeInt64
		case !v.IsNumber() || v.Type == bsoncore.TypeDecimal128:
			return val{}, refuse("adding a value of type %s", v.Type)
		}
		real += v.AsFloat64()
		whole += v.AsInt64()
	}
	switch {
	case kind == bsoncore.TypeDateTime:
		return vDate(whole), nil
	case kind == bsoncore.TypeDouble:
		return vDouble(real), nil
	case kind == bsoncore.TypeInt64 || whole > math.MaxInt32 || whole < math.MinInt32:
		return vInt64(whole), nil
	}
	return vInt32(int32(whole)), nil
}

func exprPredicate(x val, e env) (predicate, error) {
	if _, err := eval(x, build().Build(), e); err != nil {
		return nil, err
	}
	return func(d doc) bool {
		v, err := eval(x, d, e)
		return err == nil && truth(v)
	}, nil
}
