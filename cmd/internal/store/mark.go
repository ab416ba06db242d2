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

// What Admit finds wrong with a store.
var (
	// ErrOtherKeys: the store was made with another keys folder. What it holds
	// could not be opened, and tokens of its nodes would not be known.
	ErrOtherKeys = errors.New("the store was made with other keys")
	// ErrMoved: the store was moved. Two that go on from one would give out the
	// same uses twice.
	ErrMoved = errors.New("the store was moved elsewhere")
	// ErrMoving: a move into this store has not ended.
	ErrMoving = errors.New("a move into the store has not ended")
)

// AtRest reports a move that is taking this store away just now.
func (m *Main) AtRest(ctx context.Context) error {
	live, err := m.LeasesOf("").Live(ctx)
	for _, l := range live {
		if l.ID == moveLease {
			err = fmt.Errorf("%w: it is being moved away", ErrMoving)
		}
	}
	return err
}

// Admit lets a node with these keys work on the store: the first one's
// fingerprint is written, later ones must be equal, and neither a store that was
// moved away nor one that is not filled yet is worked on.
func (m *Main) Admit(ctx context.Context, fingerprint string) error {
	return admit(ctx, m.Work, m.marks, fingerprint)
}

// Admit is that of Main.
func (j *Journal) Admit(ctx context.Context, fingerprint string) error {
	return admit(ctx, j.Work, j.marks, fingerprint)
}

// Matches is Admit that writes nothing: a store without keys is new and has
// nothing against these.
func (m *Main) Matches(ctx context.Context, fingerprint string) error {
	_, err := matches(ctx, m.Work, m.marks, fingerprint)
	return err
}

// Matches is that of Main.
func (j *Journal) Matches(ctx context.Context, fingerprint string) error {
	_, err := matches(ctx, j.Work, j.marks, fingerprint)
	return err
}

func admit(ctx context.Context, work *Work, marks unit.Table[Mark], fingerprint string) error {
	fresh, err := matches(ctx, work, marks, fingerprint)
	if err == nil && fresh {
		err = firstKeys(ctx, work, marks, fingerprint)
	}
	return err
}

// matches holds a store's marks against the keys; fresh when it has none yet.
func matches(ctx context.Context, work *Work, marks unit.Table[Mark], fingerprint string) (fresh bool, err error) {
	found, err := readMarks(ctx, work, marks)
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

// firstKeys writes the fingerprint, unless another node was faster; then it
// must be the same.
func firstKeys(ctx context.Context, work *Work, marks unit.Table[Mark], fingerprint string) error {
	err := setMark(ctx, work, marks, markKeys, fingerprint)
	if err != nil && !errors.Is(err, unit.ErrTaken) {
		return err
	}
	_, err = matches(ctx, work, marks, fingerprint)
	return err
}

func setMark(ctx context.Context, work *Work, marks unit.Table[Mark], kind, value string) error {
	return work.Update(ctx, func(tx unit.Tx) error {
		return marks.Insert(tx, &Mark{Row: unit.Row{ID: kind}, Value: value, At: tx.Now()})
	})
}

func readMarks(ctx context.Context, work *Work, marks unit.Table[Mark]) (found map[string]*Mark, err error) {
	err = work.View(ctx, func(tx unit.Tx) error {
		found = map[string]*Mark{}
		rows, err := marks.Find(tx, unit.Query{Index: "_id"})
		for _, row := range rows {
			found[row.ID] = row
		}
		return err
	})
	return found, err
}
