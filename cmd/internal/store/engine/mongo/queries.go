package mongo

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// NoIndex stands where a query needs none: a change stream reads the oplog.
const NoIndex = "(no index)"

// Shape is one form of query that the engine sends, and the index that answers
// it. Everything it sends is one of [Shapes] or of those that a declared index
// gives ([Engine.ShapeOf]); a test refuses whatever else goes out, and on a
// real server asks explain whether the index is the one used.
type Shape struct {
	Command    string
	Collection string   // "*": any declared one
	Filter     []string // fields of the filter, sorted
	Index      string
}

// Shapes are the queries that do not depend on a declared index.
func Shapes() []Shape {
	return []Shape{
		{"aggregate", anchorName, []string{"_id"}, "_id_"},       // the time, and what is fetched together
		{"update", anchorName, []string{"_id"}, "_id_"},          // at the start
		{"find", "*", []string{"_id"}, "_id_"},                   // Get, pages by id, a commit settled
		{"find", "*", nil, "_id_"},                               // the first page by id
		{"aggregate", "*", nil, "_id_"},                          // the same, as the first read of a unit
		{"aggregate", "*", []string{"_id"}, "_id_"},              // a later page, as the first read
		{"$lookup", "*", []string{"_id"}, "_id_"},                // rows that are fetched together
		{"bulkWrite", "*", []string{"_id", "ver"}, "_id_"},       // Replace, Delete
		{"update", "*", []string{"_id", "ver"}, "_id_"},          // Replace, before 8.0
		{"delete", "*", []string{"_id", "ver"}, "_id_"},          // Delete, before 8.0
		{"find", blobsName, []string{"_id"}, "_id_"},             // the head of a blob; pages of names, for a move
		{"delete", blobsName, []string{"_id"}, "_id_"},           // a blob
		{"delete", blobsName, []string{"_id", "upload"}, "_id_"}, // a blob of this upload
		{"find", chunksName, []string{"_id"}, "_id_"},            // the chunks of an upload
		{"delete", chunksName, []string{"_id"}, "_id_"},          // all chunks of an upload
		{"find", uploadsName, nil, "_id_"},                       // notes of a crash
		{"delete", uploadsName, []string{"_id"}, "_id_"},         // a note
		{"aggregate", "*", []string{"$changeStream"}, NoIndex},   // an outbox
	}
}

// Sent is one query as it went out.
type Sent struct {
	Shape
	// Database is that of the collection when the query names it, as those of a
	// bulkWrite do, which is sent to another; otherwise "".
	Database string
	Hint     string   // as sent, "" for none
	Filter   bson.Raw // whole
	Sort     bson.Raw
	Min      bson.Raw
	Max      bson.Raw
}

// Queries takes the queries out of a command. Commands that look for nothing
// (insert, commitTransaction, create …) have none.
func Queries(name string, command bson.Raw) (list []Sent, err error) {
	on, _ := command.Index(0).Value().StringValueOK()
	switch name {
	case "find":
		list = append(list, sent(name, on, command, "filter"))
	case "update":
		err = each(command, "updates", func(d bson.Raw) { list = append(list, sent(name, on, d, "q")) })
	case "delete":
		err = each(command, "deletes", func(d bson.Raw) { list = append(list, sent(name, on, d, "q")) })
	case "bulkWrite":
		list, err = ofBulk(command)
	case "aggregate":
		list, err = ofPipeline(on, command)
	case "findAndModify", "count", "distinct":
		err = fmt.Errorf("mongo: the engine does not send %s", name)
	}
	return list, err
}

func sent(name, on string, d bson.Raw, filter string) Sent {
	s := Sent{Shape: Shape{Command: name, Collection: on}, Hint: hintIn(d)}
	s.Filter, _ = d.Lookup(filter).DocumentOK()
	s.Sort, _ = d.Lookup("sort").DocumentOK()
	s.Min, _ = d.Lookup("min").DocumentOK()
	s.Max, _ = d.Lookup("max").DocumentOK()
	s.Shape.Filter = fieldsOf(s.Filter)
	return s
}

// hintIn reads a hint, which is a name or the keys of the index of ids.
func hintIn(d bson.Raw) string {
	v := d.Lookup("hint")
	if s, ok := v.StringValueOK(); ok {
		return s
	}
	if keys, ok := v.DocumentOK(); ok && len(fieldsOf(keys)) == 1 && fieldsOf(keys)[0] == "_id" {
		return "_id_"
	}
	return ""
}

// fieldsOf gives the fields of a filter, those inside $and with them.
func fieldsOf(filter bson.Raw) (names []string) {
	elements, _ := filter.Elements()
	for _, e := range elements {
		if e.Key() != "$and" {
			names = append(names, e.Key())
			continue
		}
		_ = each(filter, "$and", func(d bson.Raw) { names = append(names, fieldsOf(d)...) })
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func each(d bson.Raw, list string, do func(bson.Raw)) error {
	array, ok := d.Lookup(list).ArrayOK()
	if !ok {
		return nil
	}
	values, err := array.Values()
	for _, v := range values {
		if item, ok := v.DocumentOK(); ok {
			do(item)
		}
	}
	return err
}

func ofBulk(command bson.Raw) (list []Sent, err error) {
	var on [][2]string
	err = each(command, "nsInfo", func(d bson.Raw) {
		ns, _ := d.Lookup("ns").StringValueOK()
		database, collection, _ := strings.Cut(ns, ".")
		on = append(on, [2]string{database, collection})
	})
	if err != nil {
		return nil, err
	}
	err = each(command, "ops", func(d bson.Raw) {
		which, ok := d.Index(0).Value().AsInt64OK()
		if _, inserts := d.Lookup("document").DocumentOK(); !inserts && ok && int(which) < len(on) {
			s := sent("bulkWrite", on[which][1], d, "filter")
			s.Database = on[which][0]
			list = append(list, s)
		}
	})
	return list, err
}

func ofPipeline(on string, command bson.Raw) (list []Sent, err error) {
	first := true
	err = each(command, "pipeline", func(stage bson.Raw) {
		name := stage.Index(0).Key()
		switch {
		case first && name == "$changeStream":
			list = append(list, Sent{Shape: Shape{Command: "aggregate", Collection: on, Filter: []string{name}}})
		case first:
			s := sent("aggregate", on, stage, "$match")
			s.Hint = hintIn(command)
			list = append(list, s)
		case name == "$sort" && len(list) == 1:
			list[0].Sort = stage.Lookup(name).Document()
		case name == "$lookup":
			l := stage.Lookup(name).Document()
			from, _ := l.Lookup("from").StringValueOK()
			list = append(list, ofLookup(from, l))
		}
		first = false
	})
	return list, err
}

func ofLookup(from string, lookup bson.Raw) Sent {
	s := Sent{Shape: Shape{Command: "$lookup", Collection: from}}
	_ = each(lookup, "pipeline", func(stage bson.Raw) {
		if f, ok := stage.Lookup("$match").DocumentOK(); ok {
			s.Filter, s.Shape.Filter = f, fieldsOf(f)
		}
		if o, ok := stage.Lookup("$sort").DocumentOK(); ok {
			s.Sort = o
		}
	})
	return s
}

// ShapeOf finds the declared shape of a query, with the index that it must
// use, or says that there is none.
func (e *Engine) ShapeOf(q Sent) (Shape, error) {
	c := e.declared.Load().collections[q.Collection]
	for _, s := range Shapes() {
		own := s.Collection == q.Collection || s.Collection == "*" && c != nil
		if own && s.Command == q.Command && slices.Equal(s.Filter, q.Shape.Filter) && (q.Hint == "" || q.Hint == s.Index) {
			s.Collection = q.Collection
			return s, nil
		}
	}
	if c != nil && (q.Command == "find" || q.Command == "aggregate" || q.Command == "$lookup") {
		for _, ix := range c.indexes {
			if ix.answers(q) {
				return Shape{q.Command, q.Collection, q.Shape.Filter, ix.name}, nil
			}
		}
	}
	return Shape{}, fmt.Errorf("mongo: a query that is not declared: %s on %s by %v, hint %q", q.Command, q.Collection, q.Shape.Filter, q.Hint)
}

// answers reports whether a query is one that this index is for: its first
// fields fixed, its condition given, sorted as it is, and named by the hint
// where a hint can be given.
func (ix *indexed) answers(q Sent) bool {
	if q.Command != "$lookup" && q.Hint != ix.name {
		return false
	}
	first := 0 // how many of its fields are fixed from the left
	for first < len(ix.Fields) && slices.Contains(q.Shape.Filter, ix.Fields[first]) {
		first++
	}
	for _, f := range q.Shape.Filter {
		resumes := f == "$nor" && ix.Unique // behind this row of a unique index
		if !resumes && f != ix.While && !slices.Contains(ix.Fields[:first], f) {
			return false
		}
	}
	if ix.only != nil && !slices.Contains(q.Shape.Filter, ix.While) {
		return false
	}
	sort, _ := q.Sort.Elements()
	if len(sort) != len(ix.keys) {
		return false
	}
	for i, k := range ix.keys {
		if sort[i].Key() != k.Key {
			return false
		}
	}
	return true
}
