package mongo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"yunzhang.dev/authz/unit"
)

// Labels that the driver and the server put on errors.
const (
	labelTransient = "TransientTransactionError"
	labelUnknown   = "UnknownTransactionCommitResult"
)

// fate is what an error of the driver means for the unit it met.
func (e *Engine) fate(ctx context.Context, doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case mongo.IsDuplicateKeyError(err) || hasCode(err, 11000, 11001):
		return fmt.Errorf("mongo: %s: %w", doing, unit.ErrTaken)
	case hasCode(err, codeWriteConflict):
		return fmt.Errorf("mongo: %s: %w", doing, unit.ErrConflict)
	case hasCode(err, codeTransactionTooOld) || tooYoung(err): // who tries again in vain reads why
		return fmt.Errorf("mongo: %s: %w (%w)", doing, unit.ErrConflict, err)
	case isTimeout(err):
		// Not a lost race: nobody said so, and to try again at once would only
		// wait again.
		return e.explain(doing, err)
	case hasLabel(err, labelTransient):
		return fmt.Errorf("mongo: %s: %w (%w)", doing, unit.ErrConflict, err)
	}
	return e.explain(doing, err)
}

// tooYoung reports that a read came before an index or a collection was made that
// exists now: servers from 7.0 on give a code to it, 6.0 does not find the index.
func tooYoung(err error) bool {
	return hasCode(err, codeSnapshotUnavailable) ||
		hasCode(err, codeBadValue) && strings.Contains(err.Error(), "hint provided does not correspond to an existing index")
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || mongo.IsTimeout(err)
}

// hasLabel looks for a label. An error of bulkWrite has lost those of the
// server on its way through the driver, but not the reply.
func hasLabel(err error, label string) bool {
	var labeled mongo.LabeledError
	if errors.As(err, &labeled) && labeled.HasErrorLabel(label) {
		return true
	}
	var bulk mongo.ClientBulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteError == nil {
		return false
	}
	var reply struct {
		Labels []string `bson:"errorLabels"`
	}
	if bson.Unmarshal(bulk.WriteError.Raw, &reply) != nil {
		return false
	}
	for _, l := range reply.Labels {
		if l == label {
			return true
		}
	}
	return false
}
