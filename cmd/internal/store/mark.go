package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/unit"
)

// Mark is what a store says of itself: which keys it was made with, and whether
// it was moved elsewhere. Its id is the kind of mark.
type Mark struct {
	unit.Row `bson:",inline"`
	Value    string    `bson:"value"`
	At       time.Time `bson:"at"`
}

// The kinds of marks.
const (
	// markKeys: the fingerprint of the keys folder it was made with.
	markKeys = "keys"
	// markMoving: rows are still being brought here; the value says from where.
	markMoving = "moving"
	// markMoved: everything was taken elsewhere; the value says where to.
	markMoved = "moved"
)

// What Enter and Admit find wrong with a store.
var (
	// ErrOtherKeys: the store was made with another keys folder. What it holds
	// could not be opened, and tokens of its nodes would not be known.
	ErrOtherKeys = errors.New("the store was made with other keys")
	// ErrMoved: the store was moved. Two that go on from one would give out the
	// same uses twice.
	ErrMoved = errors.New("the store was moved elsewhere")
	// ErrMoving: a move into this store has not ended.
	ErrMoving = errors.New("a move into the store has not ended")

	errBeingMoved = fmt.Errorf("%w: it is being moved away", ErrMoving)
)

// Admit is what Main.Enter asks of the marks, for the signer's store. Whether it
// is on the way elsewhere stands in the main one.
func (j *Journal) Admit(ctx context.Context, fingerprint string) error {
	return j.Work.Update(ctx, func(tx unit.Tx) error { return admit(tx, j.marks, fingerprint) })
}

// Matches is Enter that writes nothing: a store without keys is new and has
// nothing against these.
func (m *Main) Matches(ctx context.Context, fingerprint string) error {
	return m.Work.View(ctx, func(tx unit.Tx) error {
		if _, err := matches(tx, m.marks, fingerprint); err != nil {
			return err
		}
		row, err := m.leases.Get(tx, moveLease)
		switch {
		case errors.Is(err, unit.ErrAbsent):
			return nil
		case err == nil && row.live(tx.Now()):
			return errBeingMoved
		}
		return err
	})
}

// Matches is Admit that writes nothing.
func (j *Journal) Matches(ctx context.Context, fingerprint string) error {
	return j.Work.View(ctx, func(tx unit.Tx) error {
		_, err := matches(tx, j.marks, fingerprint)
		return err
	})
}

// admit holds a store's marks against the keys and writes the fingerprint when
// they are the first. Whoever loses the race for it finds the winner's.
func admit(tx unit.Tx, marks unit.Table[Mark], fingerprint string) error {
	fresh, err := matches(tx, marks, fingerprint)
	if err == nil && fresh {
		err = again(insertMark(tx, marks, markKeys, fingerprint))
	}
	return err
}

// matches holds a store's marks against the keys; fresh when it has none yet.
func matches(tx unit.Tx, marks unit.Table[Mark], fingerprint string) (fresh bool, err error) {
	found, err := marksIn(tx, marks)
	switch {
	case err != nil:
		return false, err
	case found[markMoved] != nil:
		return false, fmt.Errorf("%w: to %s, at %s", ErrMoved, found[markMoved].Value, found[markMoved].At)
	case found[markMoving] != nil:
		return false, fmt.Errorf("%w: from %s, begun at %s", ErrMoving, found[markMoving].Value, found[markMoving].At)
	case found[markKeys] != nil && found[markKeys].Value != fingerprint:
		return false, fmt.Errorf("%w: theirs have the fingerprint %s, these %s", ErrOtherKeys, found[markKeys].Value, fingerprint)
	}
	return found[markKeys] == nil, nil
}

func setMark(ctx context.Context, work *Work, marks unit.Table[Mark], kind, value string) error {
	return work.Update(ctx, func(tx unit.Tx) error { return insertMark(tx, marks, kind, value) })
}

func insertMark(tx unit.Tx, marks unit.Table[Mark], kind, value string) error {
	return marks.Insert(tx, &Mark{Row: unit.Row{ID: kind}, Value: value, At: tx.Now()})
}

func readMarks(ctx context.Context, work *Work, marks unit.Table[Mark]) (found map[string]*Mark, err error) {
	err = work.View(ctx, func(tx unit.Tx) error {
		found, err = marksIn(tx, marks)
		return err
	})
	return found, err
}

func marksIn(tx unit.Tx, marks unit.Table[Mark]) (map[string]*Mark, error) {
	found := map[string]*Mark{}
	rows, err := marks.Find(tx, unit.Query{Index: "_id"})
	for _, row := range rows {
		found[row.ID] = row
	}
	return found, err
}
