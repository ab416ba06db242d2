package mongo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// commitPause is between two questions whether a transaction was committed.
const commitPause = 20 * time.Millisecond

// commit makes the unit durable. The caller's end does not stop it: he is told
// what became of his unit.
func (t *tx) commit() error {
	if !t.sent {
		return nil // nothing was asked and nothing written
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), t.e.patience)
	defer cancel()
	for asked := false; ; asked = true {
		err := t.commitOnce(ctx)
		switch {
		case err == nil:
			return nil
		case t.e.careless:
			return fmt.Errorf("mongo: commit: %w (%w)", unit.ErrConflict, err)
		case !answered(err):
			if ctx.Err() != nil || errors.Is(err, mongo.ErrClientDisconnected) {
				return t.unknown(err)
			}
			pause(ctx, commitPause)
		case len(t.wrote) > 0 && (asked || hasCode(err, codeNoSuchTransaction)):
			return t.settle(ctx, err) // the driver asks twice by itself, too
		default:
			return t.gone(err)
		}
	}
}

func (t *tx) commitOnce(ctx context.Context) error {
	ctx, cancel := t.e.within(ctx)
	defer cancel()
	return t.s.CommitTransaction(ctx)
}

// answered reports whether an error of a commit is the server's word that the
// transaction was not committed.
func answered(err error) bool {
	var command mongo.CommandError
	return !hasLabel(err, labelUnknown) && !isTimeout(err) && !mongo.IsNetworkError(err) &&
		errors.As(err, &command) && command.Code != 0
}

// gone is for a transaction that the server refused to commit.
func (t *tx) gone(err error) error {
	if hasLabel(err, labelTransient) || hasCode(err, codeWriteConflict) {
		return fmt.Errorf("mongo: commit: %w (%w)", unit.ErrConflict, err)
	}
	return t.e.explain("commit", err)
}

// settle is for a commit of which the server now says that it knows no such
// transaction, when an answer may have been lost before: it has not been committed
// then, unless the server has forgotten that it was. What was written tells, read
// where nobody can be elected meanwhile ("linearizable").
func (t *tx) settle(ctx context.Context, answer error) error {
	o := t.witness()
	if o == nil {
		return t.unknown(answer)
	}
	ctx, cancel := t.e.within(mongo.NewSessionContext(ctx, nil))
	defer cancel()
	on := o.c.on.Clone(options.Collection().SetReadConcern(readconcern.Linearizable()).SetReadPreference(readpref.Primary()))
	stored, err := on.FindOne(ctx, bson.D{{Key: "_id", Value: o.id}}).Raw()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return t.unknown(err)
	}
	committed, certain := o.became(stored)
	switch {
	case !certain:
		return t.unknown(answer)
	case committed:
		return nil
	case hasCode(answer, codeNoSuchTransaction) || hasLabel(answer, labelTransient):
		return t.gone(answer)
	}
	return t.unknown(answer) // it may be under way yet
}

// became tells from the row as it is whether this was written: an equal one is
// this one, nobody else writes it (package engine, "Documents"). A row has one
// writer for each version, unless it was removed: of what came later, or begins
// anew, nobody knows what it followed.
func (o *op) became(stored bson.Raw) (written, certain bool) {
	if stored == nil {
		return false, o.kind == insertion // nobody deletes what was made just now
	}
	_, mine, err := engine.Head(o.doc)
	_, now, wrong := engine.Head(stored)
	return bytes.Equal(stored, o.doc), err == nil && wrong == nil && (now == mine || now == mine-1)
}

// witness gives a row that is as this unit wrote it only if it was committed;
// best one that it made.
func (t *tx) witness() *op {
	var last *op
	for i, o := range t.wrote {
		if !bytes.Equal(t.seen[place{o.c.Name, o.id}], o.doc) {
			continue // written over later in the same unit
		}
		switch o.kind {
		case insertion:
			return &t.wrote[i]
		case replacement:
			last = &t.wrote[i]
		}
	}
	return last
}

func (t *tx) unknown(err error) error {
	if len(t.wrote) == 0 {
		return t.e.explain("commit", err)
	}
	return fmt.Errorf("%w: %w", engine.ErrUnknown, t.e.explain("commit", err))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
