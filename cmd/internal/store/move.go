package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
)

// Stores is everything a system keeps, in one place.
type Stores struct {
	Name    string // where it is, for people; no secret
	Main    *Main
	Journal *Journal
	Blobs   Lister
}

// What keeps a move from beginning.
var (
	// ErrRunning: a node works on the source.
	ErrRunning = errors.New("a node works on the source")
	// ErrNothing: there is no system in the source.
	ErrNothing = errors.New("there is nothing to move")
	// ErrDiffers: what arrived is not what was there.
	ErrDiffers = errors.New("what arrived differs from what was there")
)

// Progress tells how far a move is: rows of a collection that have arrived.
type Progress func(store, collection string, rows int)

// leaseOfMove is how long a mover that died keeps nodes from the source; one that
// lives renews its lease every so often, whatever it is copying.
const (
	leaseOfMove = 10 * time.Minute
	renewMove   = time.Minute
)

// moveLease is held on the source while a move runs, so that no node starts.
const moveLease = "move"

// Move takes everything from one place to an empty other one, compares the two
// at the end and gives both lists of sums. Rows and blobs are moved as they are:
// it needs no key. A move that broke off goes on when it is run again, and
// until it has ended no node works on the target; from its end on none works on
// the source. When a node could work on the source while it ran, because the
// mover was put to sleep for longer than its lease, it does not end.
func Move(ctx context.Context, from, to *Stores, fingerprint string, tell Progress) (was, is []Sum, err error) {
	held, err := from.release(ctx, to)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, held.Release(context.WithoutCancel(ctx))) }()
	if err := to.receive(ctx, from.Name); err != nil {
		return nil, nil, err
	}
	working, rest := held.keep(ctx, leaseOfMove, renewMove)
	defer rest()
	was, is, err = from.transfer(working, to, tell)
	if err == nil {
		err = handOver(working, held, from, to, fingerprint)
	}
	if lost := context.Cause(working); lost != nil && ctx.Err() == nil {
		err = lost
	}
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrRunning) {
		err = fmt.Errorf("%s was worked on during the move: empty the target, stop all nodes and begin again: %w", from.Name, err)
	}
	return was, is, err
}

// transfer copies everything and compares.
func (s *Stores) transfer(ctx context.Context, to *Stores, tell Progress) (was, is []Sum, err error) {
	if err := s.copyTo(ctx, to, tell); err != nil {
		return nil, nil, err
	}
	if was, err = s.sums(ctx); err != nil {
		return nil, nil, err
	}
	if is, err = to.sums(ctx); err != nil {
		return nil, nil, err
	}
	for i := range was {
		if was[i] != is[i] {
			return was, is, fmt.Errorf("%w: %s", ErrDiffers, was[i].Name)
		}
	}
	return was, is, nil
}

// release sees that the source is a system at rest, and keeps it so. One that
// was handed over already may be moved again to the same place only, which is
// the end of a move that broke off there.
func (s *Stores) release(ctx context.Context, to *Stores) (*Held, error) {
	marks, err := readMarks(ctx, s.Main.Work, s.Main.marks)
	if err != nil {
		return nil, err
	}
	ahead, err := readMarks(ctx, to.Main.Work, to.Main.marks)
	switch {
	case err != nil:
		return nil, err
	case marks[markKeys] == nil:
		return nil, fmt.Errorf("%s: %w", s.Name, ErrNothing)
	case marks[markMoving] != nil:
		return nil, fmt.Errorf("%s: %w", s.Name, ErrMoving)
	case marks[markMoved] != nil && (marks[markMoved].Value != to.Name || ahead[markMoving] == nil):
		return nil, fmt.Errorf("%s: %w, to %s", s.Name, ErrMoved, marks[markMoved].Value)
	}
	held, err := s.Main.LeasesOf(moveLease).takeAlone(ctx, moveLease, leaseOfMove)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	return held, nil
}

// receive marks the target as one that is being filled; it must be empty, or
// have been marked so for the same source before.
func (s *Stores) receive(ctx context.Context, from string) error {
	marks, err := readMarks(ctx, s.Main.Work, s.Main.marks)
	if err != nil {
		return err
	}
	if m := marks[markMoving]; m != nil {
		if m.Value != from {
			return fmt.Errorf("%s: %w: it is from %s", s.Name, ErrMoving, m.Value)
		}
		return nil
	}
	if err := errors.Join(s.Main.empty(ctx), s.Journal.empty(ctx), noBlobs(ctx, s.Blobs)); err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	return errors.Join(setMark(ctx, s.Main.Work, s.Main.marks, markMoving, from), setMark(ctx, s.Journal.Work, s.Journal.marks, markMoving, from))
}

func (s *Stores) copyTo(ctx context.Context, to *Stores, tell Progress) error {
	for _, part := range []struct {
		store    string
		from, to *DB
	}{{"main", s.Main.DB, to.Main.DB}, {"signer", s.Journal.DB, to.Journal.DB}} {
		for _, name := range part.from.Collections() {
			rows := 0
			err := part.from.Copy(ctx, part.to, name, func(n int) {
				if rows = n; n%(50*copyRows) == 0 {
					tell(part.store, name, n)
				}
			})
			if err != nil {
				return err
			}
			tell(part.store, name, rows)
		}
	}
	return CopyBlobs(ctx, s.Blobs, to.Blobs, func(n int) {
		if n%1000 == 0 {
			tell("main", "blobs", n)
		}
	})
}

// sums reads everything.
func (s *Stores) sums(ctx context.Context) (all []Sum, err error) {
	for prefix, db := range map[string]*DB{"main": s.Main.DB, "signer": s.Journal.DB} {
		for _, name := range db.Collections() {
			sum, err := db.Sum(ctx, name)
			if err != nil {
				return nil, err
			}
			sum.Name = prefix + "." + name
			all = append(all, sum)
		}
	}
	blobs, err := SumBlobs(ctx, s.Blobs)
	all = append(all, blobs)
	slices.SortFunc(all, func(a, b Sum) int { return cmp.Compare(a.Name, b.Name) })
	return all, err
}

// handOver makes the source one that nobody works on any more, then the target
// one that nodes with these keys may: in between there is neither, never both.
func handOver(ctx context.Context, held *Held, from, to *Stores, fingerprint string) error {
	for _, step := range []func() error{
		func() error { return from.Main.giveUp(ctx, held, to.Name) },
		func() error { return setMarkOnce(ctx, from.Journal.Work, from.Journal.marks, markMoved, to.Name) },
		func() error { return to.Journal.filled(ctx, fingerprint) },
		func() error { return to.Main.filled(ctx, fingerprint) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("hand over: %w", err)
		}
	}
	return nil
}

// giveUp marks the source as moved while the lease of the move is still the
// mover's, so that no node has entered since, and nobody holds another.
func (m *Main) giveUp(ctx context.Context, held *Held, to string) error {
	err := m.Work.Update(held.Fenced(ctx), func(tx unit.Tx) error {
		if err := held.alone(tx); err != nil {
			return err
		}
		return insertMark(tx, m.marks, markMoved, to)
	})
	if errors.Is(err, unit.ErrTaken) {
		return nil
	}
	return err
}

func (m *Main) filled(ctx context.Context, fingerprint string) error {
	return filled(ctx, m.Work, m.marks, fingerprint)
}

func (j *Journal) filled(ctx context.Context, fingerprint string) error {
	return filled(ctx, j.Work, j.marks, fingerprint)
}

// filled writes the keys' fingerprint and takes the mark of the move away.
func filled(ctx context.Context, work *Work, marks unit.Table[Mark], fingerprint string) error {
	if err := setMarkOnce(ctx, work, marks, markKeys, fingerprint); err != nil {
		return err
	}
	err := work.engine.Update(ctx, func(t engine.Tx) error { return t.Delete("marks", markMoving) })
	if errors.Is(err, unit.ErrAbsent) {
		return nil
	}
	return err
}

// setMarkOnce is setMark for one that may be there.
func setMarkOnce(ctx context.Context, work *Work, marks unit.Table[Mark], kind, value string) error {
	err := setMark(ctx, work, marks, kind, value)
	if errors.Is(err, unit.ErrTaken) {
		return nil
	}
	return err
}
