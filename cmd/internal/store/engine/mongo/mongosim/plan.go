package mongosim

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// query is what find, update, delete and findAndModify look for.
type query struct {
	filter *filter
	sort   doc
	hint   val
	min    doc // with hint: keys of the index from here on,
	max    doc // and below this one
	skip   int64
	limit  int64
}

// plan is how a query is answered: by an index (nil: by all documents in the
// order of _id), over some ranges of its keys, forwards or backwards.
type plan struct {
	index  *index
	ranges [][2]string
	back   bool
	sorted bool // the order is already that of the sort
}

// find gives the documents of a query in its order.
func (c *collection) find(q query) ([]*document, error) {
	p, err := c.plan(q)
	if err != nil {
		return nil, err
	}
	var found []*document
	enough := int64(-1)
	if q.limit > 0 && p.sorted {
		enough = q.skip + q.limit
	}
	c.scan(p, func(d *document) bool {
		if q.filter.test(d.raw) {
			found = append(found, d)
		}
		return enough < 0 || int64(len(found)) < enough
	})
	if !p.sorted {
		sortDocuments(found, q.sort)
	}
	if q.skip > 0 {
		found = found[min(q.skip, int64(len(found))):]
	}
	if q.limit > 0 && int64(len(found)) > q.limit {
		found = found[:q.limit]
	}
	return found, nil
}

func (c *collection) scan(p plan, visit func(*document) bool) {
	seen := map[string]bool{}
	each := func(_ string, id string) bool {
		if p.index.multikey {
			if seen[id] {
				return true
			}
			seen[id] = true
		}
		d, _ := c.docs.get(id)
		return visit(d)
	}
	byID := func(_ string, d *document) bool { return visit(d) }
	more := true
	for _, r := range p.ranges {
		if !more {
			return
		}
		switch {
		case p.index == nil && p.back:
			more = c.docs.top.descend(r[0], r[1], byID)
		case p.index == nil:
			more = true
			c.docs.ascend(r[0], r[1], func(k string, d *document) bool { more = byID(k, d); return more })
		case p.back:
			p.index.keys.descend(r[0], r[1], func(k, id string) bool { more = each(k, id); return more })
		default:
			p.index.keys.ascend(r[0], r[1], func(k, id string) bool { more = each(k, id); return more })
		}
	}
}

// plan chooses the index that is hinted at, or else the one of which the
// filter fixes most fields, or else one in the order of the sort.
func (c *collection) plan(q query) (plan, error) {
	if q.hint.Type != 0 {
		ix, err := c.hinted(q.hint)
		if err != nil {
			return plan{}, err
		}
		p := planWith(ix, q)
		return p, p.bounded(q)
	}
	best := planWith(nil, q)
	score := best.score(nil, q)
	for _, ix := range c.indexes {
		if ix.partial != nil || ix.sparse {
			continue // a hint says that the index holds all that is asked for
		}
		if p := planWith(ix, q); p.score(ix, q) > score {
			best, score = p, p.score(ix, q)
		}
	}
	return best, nil
}

// bounded narrows a plan to the bounds that the query names, which have a value
// for every field of the index ("cursor.min()", "cursor.max()").
func (p *plan) bounded(q query) error {
	if q.min == nil && q.max == nil {
		return nil
	}
	r := [2]string{}
	for i, b := range []doc{q.min, q.max} {
		if b == nil {
			continue
		}
		fields, descending := []string{"_id"}, []bool{false}
		if p.index != nil {
			fields, descending = p.index.fields, p.index.descending
		}
		es := elements(b)
		values := make([]val, len(es))
		for j, e := range es {
			if j >= len(fields) || e.Key() != fields[j] {
				return fail(51174, "The index chosen is not compatible with min/max")
			}
			values[j] = e.Value()
		}
		if len(es) != len(fields) {
			return fail(51174, "The index chosen is not compatible with min/max")
		}
		r[i] = indexKey(values, descending)
	}
	if r[1] != "" && r[0] >= r[1] {
		return fail(51175, "The value provided for min does not come before the value provided for max")
	}
	p.ranges = [][2]string{r}
	return nil
}

func (p plan) score(ix *index, q query) int {
	fields := []string{"_id"}
	if ix != nil {
		fields = ix.fields
	}
	n := 0
	for _, f := range fields {
		s := q.filter.ranges[f]
		if s == nil {
			break
		}
		if s.keys == nil {
			n++
			break
		}
		n += 4
	}
	if p.sorted && len(elements(q.sort)) > 0 {
		n += 2
	}
	return n
}

// hinted finds the index a hint names, by its name or by its keys.
func (c *collection) hinted(hint val) (*index, error) {
	if s, ok := hint.StringValueOK(); ok {
		if s == "_id_" {
			return nil, nil
		}
		if ix := c.index(s); ix != nil {
			return ix, nil
		}
		return nil, fail(codeBadValue, "error processing query: planner returned error: bad hint: hint provided does not correspond to an existing index: %s", s)
	}
	name, _ := firstField(hint.Document())
	if name == "_id" || name == "$natural" {
		return nil, nil
	}
	for _, ix := range c.indexes {
		if keyOf(field(ix.spec, "key")) == keyOf(hint) {
			return ix, nil
		}
	}
	return nil, fail(codeBadValue, "error processing query: planner returned error: bad hint: hint provided does not correspond to an existing index: %s", hint)
}

// planWith works out which keys of an index a query needs, and whether they
// come in its order.
func planWith(ix *index, q query) plan {
	fields, descending := []string{"_id"}, []bool{false}
	if ix != nil {
		fields, descending = ix.fields, ix.descending
	}
	prefixes := []string{""}
	fixed := 0
	p := plan{index: ix}
	for i, f := range fields {
		s := q.filter.ranges[f]
		if s == nil {
			break
		}
		if s.keys == nil {
			p.ranges = within(prefixes, s, descending[i])
			break
		}
		if len(s.keys) > 1 && (len(prefixes) > 1 || i < len(fields)-1 && len(q.sort) > 5) {
			break
		}
		prefixes = extend(prefixes, s.keys, descending[i])
		fixed++
	}
	if p.ranges == nil {
		for _, prefix := range prefixes {
			p.ranges = append(p.ranges, [2]string{prefix, after(prefix)})
		}
	}
	p.sorted, p.back = inOrder(fields, descending, fixed, len(prefixes) > 1, q.sort)
	if ix != nil && ix.multikey && len(elements(q.sort)) > 0 {
		p.sorted, p.back = false, false
	}
	if p.back {
		slices.Reverse(p.ranges)
	}
	return p
}

func turned(key string, descending bool) string {
	if !descending {
		return key
	}
	b := []byte(key)
	for i := range b {
		b[i] = ^b[i]
	}
	return string(b)
}

func extend(prefixes, keys []string, descending bool) []string {
	var out []string
	for _, p := range prefixes {
		for _, k := range keys {
			out = append(out, p+turned(k, descending))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func within(prefixes []string, s *span, descending bool) [][2]string {
	var out [][2]string
	for _, p := range prefixes {
		if descending {
			out = append(out, [2]string{p, after(p)})
			continue
		}
		hi := after(p)
		if s.hi != "" {
			hi = p + s.hi
		}
		out = append(out, [2]string{p + s.lo, hi})
	}
	return out
}

// inOrder reports whether the keys of an index, of which the first fields are
// fixed, come in the order of a sort, or in the opposite order.
func inOrder(fields []string, descending []bool, fixed int, several bool, sort doc) (ok, back bool) {
	want := elements(sort)
	if len(want) == 0 {
		return true, false
	}
	if several {
		return false, false
	}
	at := 0
	for n, e := range want {
		if slices.Contains(fields[:fixed], e.Key()) {
			continue
		}
		for at < fixed {
			at++
		}
		rest := append(append([]string{}, fields...), "_id")
		turns := append(append([]bool{}, descending...), false)
		if at >= len(rest) || rest[at] != e.Key() {
			return false, false
		}
		turn := (e.Value().AsFloat64() < 0) != turns[at]
		if n > 0 && at > fixed && turn != back {
			return false, false
		}
		back = turn
		at++
		if e.Key() == "_id" && n == len(want)-1 {
			break
		}
	}
	return true, back
}

// sortDocuments sorts stably; an array stands by its least or greatest item.
func sortDocuments(ds []*document, sort doc) {
	order := newOrder(sort)
	keys := make(map[*document]string, len(ds))
	for _, d := range ds {
		keys[d] = order.key(d.raw)
	}
	slices.SortStableFunc(ds, func(a, b *document) int { return strings.Compare(keys[a], keys[b]) })
}

type order struct {
	fields     []string
	descending []bool
}

func newOrder(sort doc) order {
	var o order
	for _, e := range elements(sort) {
		o.fields = append(o.fields, e.Key())
		o.descending = append(o.descending, e.Value().AsFloat64() < 0)
	}
	return o
}

func (o order) key(raw doc) string {
	values := make([]val, len(o.fields))
	for i, path := range o.fields {
		vs := reach(raw, path)
		if len(vs) == 0 {
			values[i] = vNull()
			continue
		}
		if vs[0].Type == bsoncore.TypeArray || len(vs) > 1 {
			vs = spread(vs)
		}
		values[i] = vs[0]
		for _, v := range vs[1:] {
			if (keyOf(v) < keyOf(values[i])) != o.descending[i] {
				values[i] = v
			}
		}
	}
	return indexKey(values, o.descending)
}
