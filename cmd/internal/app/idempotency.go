package app

import (
	"context"
	"errors"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/web/httpx"
)

// claimLife is how long a request may run before its key is free again: longer
// than any request, short enough for a client that tries again after a crash.
const claimLife = 2 * time.Minute

// idempotencyLife is how long an answer is repeated (protocol.md §2.4).
const idempotencyLife = 24 * time.Hour

// answers implements httpx.Idempotency.
type answers struct {
	work  unit.Work
	table unit.Table[store.Answer]
}

func answerID(client, route, key string) string {
	return gm.SM3([]byte(client), []byte{0}, []byte(route), []byte{0}, []byte(key)).Hex()
}

// Begin implements httpx.Idempotency.
func (a answers) Begin(ctx context.Context, c httpx.Client, route, key string, fp gm.Digest) (httpx.Stored, httpx.Run, error) {
	row := &store.Answer{Row: unit.Row{ID: answerID(c.Name, route, key)}, Fingerprint: fp}
	var old *store.Answer
	err := a.work.Update(ctx, func(tx unit.Tx) (err error) {
		if c.Spend != nil {
			if err := c.Spend(tx); err != nil {
				return err
			}
		}
		old, err = a.claim(tx, row)
		return err
	})
	switch {
	case err != nil:
		return httpx.Stored{}, nil, err
	case old == nil:
		return httpx.Stored{}, &run{answers: a, id: row.ID, ver: row.Ver}, nil
	}
	stored, err := recall(old, fp) // a refusal too: the nonce stays spent
	return stored, nil, err
}

// claim writes the record of a request that is to run, or gives the one that
// says why it is not.
func (a answers) claim(tx unit.Tx, row *store.Answer) (old *store.Answer, err error) {
	old, err = a.table.Get(tx, row.ID) // before Now: the first read brings the time along
	row.Expires, row.Until = tx.Now().Add(idempotencyLife), tx.Now().Add(claimLife)
	switch {
	case errors.Is(err, unit.ErrAbsent):
		return nil, takenAgain(a.table.Insert(tx, row))
	case err != nil:
		return nil, err
	case old.Status == 0 && !tx.Now().Before(old.Until) && (old.Until.IsZero() || old.Fingerprint.Equal(row.Fingerprint)):
		row.Ver = old.Ver
		return nil, a.table.Replace(tx, row)
	}
	return old, nil
}

// recall gives what a record says to a later request.
func recall(old *store.Answer, fp gm.Digest) (httpx.Stored, error) {
	switch {
	case !old.Fingerprint.Equal(fp):
		return httpx.Stored{}, fault.IdempotencyMismatch
	case old.Status == 0:
		return httpx.Stored{}, fault.IdempotencyRunning.After(time.Second)
	}
	return httpx.Stored{Status: old.Status, Type: old.Type, Body: old.Body}, nil
}

// takenAgain turns a lost race for a new row into a conflict, so that the unit
// runs again and finds the winner's.
func takenAgain(err error) error {
	if errors.Is(err, unit.ErrTaken) {
		return unit.ErrConflict
	}
	return err
}

// run implements httpx.Run.
type run struct {
	answers
	id  string
	ver int64 // of the record, as Begin has written it
}

// Reads implements httpx.Run.
func (r *run) Reads() unit.Want { return unit.Rows(r.table, r.id) }

// lapsed refuses a run whose key another one has by now.
func lapsed() error { return fault.IdempotencyRunning.After(time.Second) }

// Keep implements httpx.Run.
func (r *run) Keep(tx unit.Tx, answer httpx.Stored) error {
	row, err := r.table.Get(tx, r.id)
	if err != nil {
		return err
	}
	if row.Ver != r.ver {
		return lapsed()
	}
	return r.store(tx, row, answer)
}

func (r *run) store(tx unit.Tx, row *store.Answer, answer httpx.Stored) error {
	row.Status, row.Type, row.Body = answer.Status, answer.Type, answer.Body
	return r.table.Replace(tx, row)
}

// Finish implements httpx.Run. Over an answer that was kept it says what came of
// it in the end.
func (r *run) Finish(ctx context.Context, answer httpx.Stored) error {
	return r.work.Update(ctx, func(tx unit.Tx) error {
		row, err := r.table.Get(tx, r.id)
		if err != nil {
			return err
		}
		if row.Ver != r.ver && !r.kept(row) {
			return lapsed()
		}
		return r.store(tx, row, answer)
	})
}

// kept reports an answer that Keep has written: whoever takes a lapsed run over
// writes the record without an answer first.
func (r *run) kept(row *store.Answer) bool { return row.Ver == r.ver+1 && row.Status != 0 }

// Abandon implements httpx.Run.
func (r *run) Abandon(ctx context.Context) error {
	return r.work.Update(ctx, func(tx unit.Tx) error {
		row, err := r.table.Get(tx, r.id)
		if err != nil || row.Ver != r.ver {
			return err
		}
		row.Until = time.Time{}
		return r.table.Replace(tx, row)
	})
}

// nonces implements api.Nonces.
type nonces struct {
	work  unit.Work
	table unit.Table[store.Spent]
}

// Spend implements sign.Nonces.
func (n nonces) Spend(ctx context.Context, keyID, nonce string, until time.Time) error {
	return n.work.Update(ctx, func(tx unit.Tx) error { return n.SpendIn(tx, keyID, nonce, until) })
}

// SpendIn implements api.Nonces.
func (n nonces) SpendIn(tx unit.Tx, keyID, nonce string, until time.Time) error {
	id := gm.SM3([]byte(keyID), []byte{0}, []byte(nonce)).Hex()
	err := n.table.Insert(tx, &store.Spent{Row: unit.Row{ID: id}, Expires: until.UTC().Truncate(time.Millisecond)})
	if errors.Is(err, unit.ErrTaken) {
		return fault.Unauthorized.Because(err)
	}
	return err
}
