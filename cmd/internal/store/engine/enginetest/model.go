package enginetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
)

// thing is the row of the random test. Few values of everything, so that
// actors meet.
type thing struct {
	ID    string `bson:"_id"`
	Ver   int64  `bson:"ver"`
	Code  string `bson:"code"`  // unique
	Group string `bson:"group"` // indexed with n
	N     int    `bson:"n"`
	Slot  int    `bson:"slot"` // unique while on
	On    bool   `bson:"on"`
	Stamp string `bson:"stamp"` // who wrote this version: no two versions are equal
}

func (v thing) raw() bson.Raw {
	raw, err := bson.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

func parse(raw bson.Raw) (v thing, err error) {
	err = bson.Unmarshal(raw, &v)
	return v, err
}

// clash names a unique value that two different rows share, "" for none.
func (v thing) clash(w thing) string {
	switch {
	case v.ID == w.ID:
		return ""
	case v.Code == w.Code:
		return "code"
	case v.On && w.On && v.Slot == w.Slot:
		return "slot"
	}
	return ""
}

// write is one change of a unit.
type write struct {
	Delete bool  `bson:"delete"`
	Thing  thing `bson:"thing"`
}

// look is one reading of a unit, and what it saw.
type look struct {
	after int // own writes before it
	id    string
	query unit.Query // used when id is empty
	saw   []thing
}

// outcome of a unit, as its caller was told.
type outcome int

const (
	unknown    outcome = iota // the store went down under it
	committed                 // acknowledged
	refused                   // ErrTaken
	conflict                  // ErrConflict
	withdrawn                 // an error of its own, or a view
	unexpected                // any other error
)

// record is all that is known about one unit afterwards. begin and end are
// readings of one counter for all actors.
type record struct {
	name       string
	begin, end int64
	looks      []look
	writes     []write
	refused    write // what met ErrTaken
	outcome    outcome
	err        error // an unexpected one
	undone     bool  // it failed, and may have seen what was never committed
	place      int   // in the order of commits, from 1; 0: none
}

// version is a row as one commit left it; gone when it was deleted.
type version struct {
	place int
	gone  bool
	thing thing
}

// state is the rows, with their history.
type state map[string][]version

// at gives the row as of a place in the order of commits.
func (s state) at(id string, place int) (thing, bool) {
	all := s[id]
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].place <= place {
			return all[i].thing, !all[i].gone
		}
	}
	return thing{}, false
}

// rows gives all rows as of a place, under the writes of a unit's own.
func (s state) rows(place int, own []write) map[string]thing {
	rows := map[string]thing{}
	for id := range s {
		if v, there := s.at(id, place); there {
			rows[id] = v
		}
	}
	for _, w := range own {
		if w.Delete {
			delete(rows, w.Thing.ID)
		} else {
			rows[w.Thing.ID] = w.Thing
		}
	}
	return rows
}

// apply adds a committed write, or says why it could not have been committed.
func (s state) apply(place int, w write) error {
	old, there := s.at(w.Thing.ID, place)
	switch {
	case w.Delete && !there:
		return fmt.Errorf("%s was deleted and did not exist", w.Thing.ID)
	case w.Delete:
		s[w.Thing.ID] = append(s[w.Thing.ID], version{place, true, thing{}})
		return nil
	case there && w.Thing.Ver != old.Ver+1 || !there && w.Thing.Ver != 1:
		return fmt.Errorf("%s was written as version %d over version %d", w.Thing.ID, w.Thing.Ver, old.Ver)
	}
	for id := range s {
		if other, there := s.at(id, place); there && w.Thing.clash(other) != "" {
			return fmt.Errorf("%s and %s share a %s", w.Thing.ID, id, w.Thing.clash(other))
		}
	}
	s[w.Thing.ID] = append(s[w.Thing.ID], version{place, false, w.Thing})
	return nil
}

// sees answers a look at a place, the slow and obvious way.
func (s state) sees(place int, l look, own []write) []thing {
	rows := s.rows(place, own[:l.after])
	if l.id != "" {
		if v, there := rows[l.id]; there {
			return []thing{v}
		}
		return nil
	}
	var found []thing
	for _, v := range rows {
		if matches(v, l.query) {
			found = append(found, v)
		}
	}
	slices.SortFunc(found, func(a, b thing) int {
		if l.query.Desc {
			a, b = b, a
		}
		return compare(a, b, l.query.Index)
	})
	return found[:min(len(found), l.query.Limit)]
}

// compare orders as the three indexes of the test do.
func compare(a, b thing, index string) int {
	switch index {
	case "code":
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.ID, b.ID))
	case "slot":
		return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.ID, b.ID))
	}
	return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.N, b.N), cmp.Compare(a.ID, b.ID))
}

func matches(v thing, q unit.Query) bool {
	if q.Index == "slot" && !v.On {
		return false
	}
	if len(q.Key) > 0 && v.Group != q.Key[0] { // only group+n is asked with a key
		return false
	}
	if q.After == nil {
		return true
	}
	border := thing{Group: v.Group, N: q.After[0].(int), ID: q.After[1].(string)} // only group+n
	order := compare(v, border, q.Index)
	return order > 0 && !q.Desc || order < 0 && q.Desc
}

func show(things []thing) string {
	var list []string
	for _, v := range things {
		list = append(list, fmt.Sprintf("%s.%d", v.ID, v.Ver))
	}
	return "[" + strings.Join(list, " ") + "]"
}
