package mongo

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/authz/unit"
)

// An upload that is older than uploadLife puts no head any more; one that is
// older than OrphanAge is taken for what a crash left. Nodes whose clocks are apart
// by less than the difference agree on that; [Open] refuses a clock that is apart
// by seconds.
const (
	uploadLife = time.Hour
	OrphanAge  = 24 * time.Hour
)

// Sweep removes the chunks of uploads that were begun before the given time,
// which is OrphanAge ago or earlier, and have no blob, and gives how many uploads
// those were.
//
// It writes outside of units, so no lease fences it, and none has to: several
// nodes may run it at once, and one that was asleep in the middle may go on. The
// name of an upload is at random and never used again, and behind uploadLife it
// has a head or will never have one. So whoever has seen that an orphan has none
// is right for ever, and what it removes is an orphan's.
func (b *Blobs) Sweep(ctx context.Context, before time.Time) (removed int, err error) {
	var notes []note
	inner, cancel := b.e.within(ctx)
	defer cancel()
	cursor, err := b.uploads.Find(inner, bson.D{}, options.Find().SetSort(hintID).SetHint(hintID))
	if err == nil {
		err = cursor.All(inner, &notes)
	}
	if err != nil {
		return 0, ctxErr(ctx, b.e.explain("list uploads", err))
	}
	for _, n := range notes {
		if !n.At.Before(before) {
			continue
		}
		h, err := b.headOf(ctx, n.Blob)
		if err != nil && !errors.Is(err, unit.ErrAbsent) {
			return removed, err
		}
		if h.Upload != n.Upload {
			if err := b.dropChunks(ctx, n.Upload); err != nil {
				return removed, err
			}
			removed++
		}
		if err := b.forget(ctx, n.Upload); err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// pageOfNames is how many names are read at once.
const pageOfNames = 1000

// Names calls fn with the name of every blob, in order: for a move or a backup.
// What fn does may take hours, and a server forgets a cursor that rests for ten
// minutes: none is open meanwhile.
func (b *Blobs) Names(ctx context.Context, fn func(name string) error) error {
	for after := ""; ; {
		names, err := b.namesBehind(ctx, after)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := fn(name); err != nil {
				return err
			}
		}
		if len(names) < pageOfNames {
			return nil
		}
		after = names[len(names)-1]
	}
}

// namesBehind reads one page of names. No blob's name is empty.
func (b *Blobs) namesBehind(ctx context.Context, after string) (names []string, err error) {
	leave, err := b.e.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	inner, cancel := b.e.within(ctx)
	defer cancel()
	behind := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}
	one := options.Find().SetProjection(hintID).SetSort(hintID).SetHint(hintID).SetLimit(pageOfNames).SetBatchSize(pageOfNames)
	cursor, err := b.heads.Find(inner, behind, one)
	var found []head
	if err == nil {
		err = cursor.All(inner, &found)
	}
	for _, h := range found {
		names = append(names, h.ID)
	}
	return names, ctxErr(ctx, b.e.explain("list blobs", err))
}
