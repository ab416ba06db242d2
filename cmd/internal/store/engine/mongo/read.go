package mongo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Now implements [engine.Tx].
func (t *tx) Now() time.Time {
	if t.now.IsZero() && !t.ended && t.lost == nil {
		_ = t.ask(nil) // a failure shows at the next call, or at the end
	}
	if t.now.IsZero() {
		return t.e.floor.read(time.UnixMilli(0), bson.Timestamp{})
	}
	return t.now
}

// Get implements [engine.Tx].
func (t *tx) Get(collection, id string) (bson.Raw, error) {
	c, err := t.use(collection)
	if err != nil {
		return nil, err
	}
	doc, err := t.row(c, id)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, unit.ErrAbsent
	}
	return slices.Clone(doc), nil
}

// row gives a row as the unit sees it, nil when there is none.
func (t *tx) row(c *collected, id string) (bson.Raw, error) {
	at := place{c.Name, id}
	if doc, known := t.seen[at]; known {
		return doc, nil
	}
	if t.now.IsZero() {
		if err := t.ask([]*want{{c: c, ids: []string{id}}}); err != nil {
			return nil, err
		}
		if doc, known := t.seen[at]; known {
			return doc, nil
		}
	}
	var doc bson.Raw
	err := t.read(func(ctx context.Context) (err error) {
		doc, err = c.on.FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Raw()
		return err
	})
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		doc = nil
	case err != nil:
		return nil, t.fail("get from "+c.Name, err)
	}
	t.seen[at] = doc
	return doc, nil
}

// Attempts and pause of the first read of a view.
const (
	viewAttempts = 50
	viewPause    = 20 * time.Millisecond
)

// read sends a read. The first one of a view chooses its moment: when that is
// refused because an index or a collection is being made just then, a later
// moment does.
func (t *tx) read(send func(context.Context) error) error {
	first := !t.sent && !t.writable
	t.sent = true
	for n := 1; ; n++ {
		ctx, cancel := t.e.within(t.ctx)
		err := send(ctx)
		cancel()
		if !first || n == viewAttempts || t.ctx.Err() != nil || !tooYoung(err) {
			return err
		}
		pause(t.ctx, viewPause)
	}
}

// Fetch implements [engine.Fetcher]. Rows that are known already, or under
// writes that were not sent yet, are left out.
func (t *tx) Fetch(refs ...engine.Ref) error {
	together := t.e.joins && !t.mode.single
	var wants []*want
	rows := map[string]*want{}
	for _, r := range refs {
		c, err := t.use(r.Collection)
		if err != nil {
			return err
		}
		if !together {
			continue // a wrong name is a mistake all the same
		}
		if r.Query == nil {
			wants = t.wantRow(wants, rows, c, r.ID)
			continue
		}
		if r.Query.After != nil || r.Query.Index == engine.IDIndex || t.writing(c.Name) {
			continue
		}
		s, err := c.search(*r.Query)
		if err != nil {
			return err
		}
		if _, known := t.listed[s.key(c)]; !known {
			wants = append(wants, &want{c: c, list: s})
		}
	}
	if len(wants) == 0 {
		return nil
	}
	return t.ask(wants)
}

// wantRow adds a row to what is wanted of its collection.
func (t *tx) wantRow(wants []*want, rows map[string]*want, c *collected, id string) []*want {
	if _, known := t.seen[place{c.Name, id}]; known {
		return wants
	}
	w := rows[c.Name]
	if w == nil {
		w = &want{c: c}
		rows[c.Name] = w
		wants = append(wants, w)
	}
	w.ids = append(w.ids, id)
	return wants
}

// want is what one $lookup brings: rows of a collection, or the answer to a
// query.
type want struct {
	c    *collected
	ids  []string
	list *search
}

func (w *want) pipeline() bson.A {
	if w.list == nil {
		return bson.A{bson.D{{Key: "$match", Value: bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: w.ids}}}}}}}
	}
	return bson.A{
		bson.D{{Key: "$match", Value: w.list.filter}},
		bson.D{{Key: "$sort", Value: w.list.sort}},
		bson.D{{Key: "$limit", Value: w.list.limit}},
	}
}

// ask reads several things, and the time, in one command: an aggregate over
// the anchor with one uncorrelated $lookup for each.
func (t *tx) ask(wants []*want) error {
	if !t.e.joins {
		wants = nil
	}
	steps := mongo.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "_id", Value: anchorID}}}},
		{{Key: "$project", Value: bson.D{{Key: "_id", Value: 0}, {Key: "now", Value: "$$NOW"}}}},
	}
	for i, w := range wants {
		steps = append(steps, bson.D{{Key: "$lookup", Value: bson.D{
			{Key: "from", Value: w.c.Name}, {Key: "pipeline", Value: w.pipeline()}, {Key: "as", Value: fmt.Sprint("r", i)},
		}}})
	}
	var found []bson.Raw
	err := t.read(func(ctx context.Context) error {
		cursor, err := t.e.db.Collection(anchorName).Aggregate(ctx, steps)
		if err == nil {
			err = cursor.All(ctx, &found)
		}
		return err
	})
	switch {
	case hasCode(err, codeTooLarge, codeLookupTooLarge) && len(wants) > 0:
		t.mode.single = true
		if !t.writable {
			return nil // they are read one by one
		}
		return t.restart()
	case err != nil:
		return t.fail("read", err)
	case len(found) != 1:
		return t.lose(fmt.Errorf("mongo: the document %q of %s is gone: start a node, which makes it again", anchorID, anchorName))
	}
	return t.learn(wants, found[0])
}

// learn takes in what ask was answered.
func (t *tx) learn(wants []*want, answer bson.Raw) error {
	if t.now.IsZero() {
		now, ok := answer.Lookup("now").TimeOK()
		if !ok {
			return t.lose(errors.New("mongo: the server gave no time"))
		}
		t.now = t.e.floor.read(now, clusterTime(t.s))
	}
	for i, w := range wants {
		list, ok := answer.Lookup(fmt.Sprint("r", i)).ArrayOK()
		if !ok {
			return t.lose(errors.New("mongo: the server answered in part"))
		}
		values, err := list.Values()
		if err != nil {
			return t.lose(fmt.Errorf("mongo: read: %w", err))
		}
		docs := make([]bson.Raw, len(values))
		for j, v := range values {
			docs[j] = v.Document()
		}
		t.remember(w, docs)
	}
	return nil
}

func (t *tx) remember(w *want, docs []bson.Raw) {
	for _, id := range w.ids {
		t.seen[place{w.c.Name, id}] = nil
	}
	for _, d := range docs {
		if id, _, err := engine.Head(d); err == nil {
			t.seen[place{w.c.Name, id}] = d
		}
	}
	if w.list != nil {
		t.listed[w.list.key(w.c)] = docs
	}
}
