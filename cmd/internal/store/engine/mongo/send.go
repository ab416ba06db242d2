package mongo

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/authz/unit"
)

// send sends the writes that wait, in their order.
func (t *tx) send() error {
	ops := t.pending
	t.pending = nil
	if len(ops) == 0 {
		return nil
	}
	ctx, cancel := t.e.within(t.ctx)
	defer cancel()
	t.sent = true
	t.wrote = append(t.wrote, ops...)
	var matched, removed int64
	var err error
	atOnce := t.e.bulk.Load()
	if atOnce {
		matched, removed, err = t.e.sendAtOnce(ctx, ops)
	} else {
		matched, removed, err = sendByCollection(ctx, ops)
	}
	if err != nil {
		return t.refused(err, atOnce)
	}
	for _, o := range ops {
		switch o.kind {
		case replacement:
			matched--
		case removal:
			removed--
		}
	}
	if matched != 0 || removed != 0 { // another version than the snapshot showed
		return t.lose(fmt.Errorf("mongo: write: %w", unit.ErrConflict))
	}
	return nil
}

// refused is for writes that the server did not take.
func (t *tx) refused(err error, atOnce bool) error {
	if atOnce && hasCode(err, codeCommandNotFound, codeNotSupported) {
		// 8.0 with the feature compatibility of 7.0, in the midst of an upgrade.
		t.e.bulk.Store(false)
		return t.restart()
	}
	err = t.e.fate(t.ctx, "write", err)
	if errors.Is(err, unit.ErrTaken) && !t.mode.eager {
		t.mode.eager = true
		return t.restart()
	}
	return t.lose(err)
}

// hintID makes the index plain to whoever reads the server's log.
var hintID = bson.D{{Key: "_id", Value: int32(1)}}

func (o op) filter() bson.D {
	return bson.D{{Key: "_id", Value: o.id}, {Key: "ver", Value: o.ver}}
}

// sendAtOnce sends all writes in one command.
func (e *Engine) sendAtOnce(ctx context.Context, ops []op) (matched, removed int64, err error) {
	writes := make([]mongo.ClientBulkWrite, len(ops))
	for i, o := range ops {
		writes[i] = mongo.ClientBulkWrite{Database: e.db.Name(), Collection: o.c.Name}
		switch o.kind {
		case insertion:
			writes[i].Model = mongo.NewClientInsertOneModel().SetDocument(o.doc)
		case replacement:
			writes[i].Model = mongo.NewClientReplaceOneModel().SetFilter(o.filter()).SetReplacement(o.doc).SetHint(hintID)
		case removal:
			writes[i].Model = mongo.NewClientDeleteOneModel().SetFilter(o.filter()).SetHint(hintID)
		}
	}
	r, err := e.client.BulkWrite(ctx, writes, options.ClientBulkWrite().SetOrdered(true))
	if err != nil {
		return 0, 0, err
	}
	return r.MatchedCount, r.DeletedCount, nil
}

// sendByCollection sends the writes of one collection after those of another:
// each run of one kind is a command. Unique values are of one collection, so
// that the order among collections does not matter.
func sendByCollection(ctx context.Context, ops []op) (matched, removed int64, err error) {
	var order []*collected
	models := map[*collected][]mongo.WriteModel{}
	for _, o := range ops {
		if models[o.c] == nil {
			order = append(order, o.c)
		}
		models[o.c] = append(models[o.c], o.model())
	}
	for _, c := range order {
		r, err := c.on.BulkWrite(ctx, models[c], options.BulkWrite().SetOrdered(true))
		if err != nil {
			return 0, 0, err
		}
		matched, removed = matched+r.MatchedCount, removed+r.DeletedCount
	}
	return matched, removed, nil
}

func (o op) model() mongo.WriteModel {
	switch o.kind {
	case replacement:
		return mongo.NewReplaceOneModel().SetFilter(o.filter()).SetReplacement(o.doc).SetHint(hintID)
	case removal:
		return mongo.NewDeleteOneModel().SetFilter(o.filter()).SetHint(hintID)
	}
	return mongo.NewInsertOneModel().SetDocument(o.doc)
}
