package audit

import (
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// batch is how many records one unit of work chains or reads: small enough
// that a unit stays short.
const batch = 200

// Deps is what a Log needs.
type Deps struct {
	Work    unit.Work
	Records unit.Table[Record]
	Chain   string // name of the chain; empty: "main"
}

// Log writes records and chains them.
type Log struct{ Deps }

// New makes a Log.
func New(d Deps) *Log {
	if d.Chain == "" {
		d.Chain = "main"
	}
	return &Log{d}
}

// Write adds a record to the unit of work of the act. Identifier and time are
// set here; chain fields are ignored.
func (l *Log) Write(tx unit.Tx, r Record) error {
	r.Row = unit.Row{ID: unit.NewID("au")}
	r.At = tx.Now()
	r.Chained, r.Chain, r.Seq, r.Prev, r.Hash = false, "", 0, gm.Digest{}, gm.Digest{}
	r.clean()
	if err := l.Records.Insert(tx, &r); err != nil {
		return fmt.Errorf("write audit record: %w", err)
	}
	return nil
}

// Alarms gives the records that somebody should look at, newest first, behind
// what came with the part before; nil for the newest.
func (l *Log) Alarms(ctx context.Context, after []any, limit int) (list []*Record, err error) {
	err = l.Work.View(ctx, func(tx unit.Tx) error {
		list, err = l.Records.Find(tx, unit.Query{Index: "decision+at", Key: []any{Alarm}, After: after, Desc: true, Limit: limit})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	return list, nil
}

// Head is where a chain stands.
type Head struct {
	Chain string
	Seq   int64 // 0: the chain is empty
	Hash  gm.Digest
}

// Sequence chains what was written since, oldest first, and gives how many
// records that were. Several nodes may run it: they conflict on the same rows,
// and the loser reads again.
func (l *Log) Sequence(ctx context.Context) (int, error) {
	total := 0
	for {
		var n int
		err := l.Work.Update(ctx, func(tx unit.Tx) (err error) {
			n, err = l.chainSome(tx)
			return err
		})
		if err != nil {
			return total, fmt.Errorf("chain audit records: %w", err)
		}
		if total += n; n < batch {
			return total, nil
		}
	}
}

func (l *Log) chainSome(tx unit.Tx) (int, error) {
	waiting, err := l.Records.Find(tx, unit.Query{Index: "chained+at", Key: []any{false}, Limit: batch})
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	head, err := l.head(tx)
	if err != nil {
		return 0, err
	}
	for _, r := range waiting {
		r.Chained, r.Chain, r.Seq, r.Prev = true, head.Chain, head.Seq+1, head.Hash
		r.Hash = r.link(head.Hash)
		if err := l.Records.Replace(tx, r); err != nil {
			return 0, again(err)
		}
		head.Seq, head.Hash = r.Seq, r.Hash
	}
	return len(waiting), nil
}

// again turns "this number is taken" into a conflict: another sequencer was
// here first, and the unit must read the head anew.
func again(err error) error {
	if errors.Is(err, unit.ErrTaken) {
		return unit.ErrConflict
	}
	return err
}

func (l *Log) head(tx unit.Tx) (Head, error) {
	last, err := l.Records.Find(tx, unit.Query{Index: "chain+seq", Key: []any{l.Chain}, Desc: true, Limit: 1})
	if err != nil || len(last) == 0 {
		return Head{Chain: l.Chain}, err
	}
	return Head{l.Chain, last[0].Seq, last[0].Hash}, nil
}
