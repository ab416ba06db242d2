package enginetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Traits are the liberties that the port gives to an engine.
type Traits struct {
	// KeepsIndexes: an index that no declaration names any more stays in
	// force, for other processes.
	KeepsIndexes bool
}

// Run runs the suite. open gives a new, empty engine for each test and closes
// it behind it; its clock runs.
func Run(t *testing.T, traits Traits, open func(t testing.TB) engine.Engine) {
	for name, test := range map[string]func(*testing.T, bench){
		"documents come back as they were written": documents,
		"what is absent":                               absent,
		"what is taken":                                taken,
		"replace compares the version":                 versions,
		"a lost unit stays lost":                       lost,
		"a taken value comes from the call it met":     takenWhere,
		"a later write meets an earlier one":           takenAcross,
		"what is fetched together changes no answer":   fetched,
		"an error undoes the unit":                     undone,
		"a panic undoes the unit and reaches the call": panics,
		"a goroutine that ends inside its unit":        exits,
		"a unit sees its own writes":                   ownWrites,
		"a value moves from row to row":                moves,
		"a view is one snapshot":                       snapshots,
		"a view cannot write":                          readOnly,
		"a unit has an end":                            ended,
		"nothing runs for a caller who has gone":       gone,
		"concurrent writers of one row":                increments,
		"units have times":                             times,
		"malformed documents":                          malformed,
		"order of values":                              order,
		"pages of an index":                            pages,
		"pages of a unique index":                      uniquePages,
		"pages of all rows":                            idPages,
		"bad queries":                                  badQueries,
		"an index of some rows":                        partial,
		"an index where a field is present":            present,
		"null and absent are one value":                nulls,
		"what cannot be indexed":                       unindexable,
		"undeclared":                                   undeclared,
		"declaring again changes nothing":              again,
		"a new index holds the old rows":               newIndex,
		"an index that changes its mind":               changedIndex,
		"a unique index over equal rows is refused":    notUnique,
		"bad declarations":                             badDeclarations,
		"an outbox is followed":                        followed,
		"following resumes":                            resumed,
		"a position outlives what came before it":      behindTheEnd,
		"an outbox does not change":                    outboxOnly,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, bench{t, open(t), traits})
		})
	}
}

// bench is one engine with short ways to use it.
type bench struct {
	t      testing.TB
	e      engine.Engine
	traits Traits
}

func (b bench) declare(name string, indexes ...engine.Index) {
	b.t.Helper()
	if err := b.e.Declare(b.t.Context(), engine.Collection{Name: name, Indexes: indexes}); err != nil {
		b.t.Fatal(err)
	}
}

func unique(fields ...string) engine.Index { return engine.Index{Fields: fields, Unique: true} }

func plain(fields ...string) engine.Index { return engine.Index{Fields: fields} }

// doc makes a document of pairs of names and values behind its head.
func doc(id string, ver int64, pairs ...any) bson.Raw {
	d := bson.D{{Key: "_id", Value: id}, {Key: "ver", Value: ver}}
	for i := 0; i < len(pairs); i += 2 {
		d = append(d, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return raw
}

func idOf(d bson.Raw) string {
	id, _, err := engine.Head(d)
	if err != nil {
		return err.Error()
	}
	return id
}

func ids(docs []bson.Raw) (list []string) {
	for _, d := range docs {
		list = append(list, idOf(d))
	}
	return list
}

// try runs a unit and gives its error.
func (b bench) try(fn func(engine.Tx) error) error { return b.e.Update(b.t.Context(), fn) }

// do runs a unit that must succeed.
func (b bench) do(fn func(engine.Tx) error) {
	b.t.Helper()
	if err := b.try(fn); err != nil {
		b.t.Fatal(err)
	}
}

// insert stores documents in one unit.
func (b bench) insert(collection string, docs ...bson.Raw) {
	b.t.Helper()
	b.do(func(tx engine.Tx) error {
		for _, d := range docs {
			if err := tx.Insert(collection, d); err != nil {
				return fmt.Errorf("insert %s: %w", idOf(d), err)
			}
		}
		return nil
	})
}

// get reads in a view of its own; nil for an absent document.
func (b bench) get(collection, id string) (d bson.Raw) {
	b.t.Helper()
	err := b.e.View(b.t.Context(), func(tx engine.Tx) (err error) {
		d, err = tx.Get(collection, id)
		return err
	})
	if err != nil && !errors.Is(err, unit.ErrAbsent) {
		b.t.Fatal(err)
	}
	return d
}

// find gives the ids a query lists.
func (b bench) find(collection string, q unit.Query) (list []string) {
	b.t.Helper()
	err := b.e.View(b.t.Context(), func(tx engine.Tx) error {
		docs, err := tx.Find(collection, q)
		list = ids(docs)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// same compares by what is printed.
func (b bench) same(what string, got, want any) {
	b.t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		b.t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// is compares errors.
func (b bench) is(what string, got, want error) {
	b.t.Helper()
	if !errors.Is(got, want) {
		b.t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

var day = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
