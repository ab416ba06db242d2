package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// How a node says that it works on a store. A move out of the store waits for
// the whole life; the node itself trusts its last word for a third of it only: what
// it began by then is committed or given up before anybody may think that the node
// is gone. A server with its own settings keeps a transaction open for a minute and
// looks every half minute for those whose time is over (MongoDB,
// transactionLifetimeLimitSeconds).
const (
	presenceLife  = 3 * time.Minute
	presenceTrust = presenceLife / 3
	// PresenceEvery is how often a node says so again.
	PresenceEvery = 15 * time.Second
	// presenceKept is how long the row of a node that crashed stays; somebody may
	// ask which one it was.
	presenceKept = time.Hour
)

// presencePrefix begins the ids of leases that are presences.
const presencePrefix = "node "

// ErrSilent: the node could not say for too long that it works on the store, so
// that a move may have begun. It writes nothing until it could.
var ErrSilent = errors.New("store: the node was away for too long, it asks first whether it may go on")

// Presence is a node's lease on working on a store at all. It is there from
// before the node's first write to behind its last: a move does not begin beside
// it, and the node does not go on beside a move.
type Presence struct {
	main              *Main
	fingerprint, node string
	id                string // of this process: its name may be another's too, as that of a tool beside it

	mu   sync.Mutex
	said time.Time // guarded by mu; zero: it may not work here
}

// Enter lets a node with these keys work on the store: the first one's
// fingerprint is written, later ones must be equal, and neither a store that was
// moved away or is on the way, nor one that is not filled yet, is worked on.
func (m *Main) Enter(ctx context.Context, fingerprint, node string) (*Presence, error) {
	p := &Presence{main: m, fingerprint: fingerprint, node: node, id: unit.NewID(presencePrefix + node)}
	if err := p.Stay(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Stay asks again whether the node may work here and says that it does, in one
// unit. After an error for which [Over] holds the node stops.
func (p *Presence) Stay(ctx context.Context) error {
	began := time.Now()
	m := p.main
	err := NewWork(m.engine).Update(ctx, func(tx unit.Tx) error {
		if err := admit(tx, m.marks, p.fingerprint); err != nil {
			return err
		}
		rows, err := m.leases.Find(tx, unit.Query{Index: "_id"})
		if err != nil {
			return err
		}
		if err := m.pastMove(tx, find(rows, moveLease)); err != nil {
			return err
		}
		return errors.Join(p.put(tx, find(rows, p.id)), forgetAbsent(tx, rows))
	})
	switch {
	case err == nil:
		p.say(began)
	case Over(err):
		p.say(time.Time{})
	}
	return err
}

// Over reports that a node with this answer has no business with the store any
// more, however often it asks.
func Over(err error) bool {
	return errors.Is(err, ErrMoved) || errors.Is(err, ErrMoving) || errors.Is(err, ErrOtherKeys)
}

// pastMove writes the lease of moves, so that a move that begins or ends at the
// same time conflicts with whoever enters, and one whose time is over finds that
// somebody did.
func (m *Main) pastMove(tx unit.Tx, row *Lease) error {
	switch {
	case row == nil:
		return again(m.leases.Insert(tx, &Lease{Row: unit.Row{ID: moveLease}, Until: tx.Now()}))
	case row.live(tx.Now()):
		return errBeingMoved
	case row.Holder != "":
		row.Holder, row.Fence = "", row.Fence+1
	}
	return m.leases.Replace(tx, row)
}

func (p *Presence) put(tx unit.Tx, row *Lease) error {
	until := tx.Now().Add(presenceLife)
	if row == nil {
		return p.main.leases.Insert(tx, &Lease{Row: unit.Row{ID: p.id}, Holder: p.node, Fence: 1, Until: until})
	}
	row.Until = until
	return p.main.leases.Replace(tx, row)
}

// forgetAbsent removes the rows of nodes that crashed.
func forgetAbsent(u unit.Tx, rows []*Lease) error {
	for _, row := range rows {
		if !strings.HasPrefix(row.ID, presencePrefix) || row.Until.Add(presenceKept).After(u.Now()) {
			continue
		}
		if err := u.(*tx).Tx.Delete("leases", row.ID); err != nil {
			return err
		}
	}
	return nil
}

// Leave takes the presence away: the node has written its last.
func (p *Presence) Leave(ctx context.Context) error {
	p.say(time.Time{})
	err := NewWork(p.main.engine).Update(ctx, func(u unit.Tx) error {
		if _, err := p.main.leases.Get(u, p.id); err != nil {
			return err
		}
		return u.(*tx).Tx.Delete("leases", p.id)
	})
	if errors.Is(err, unit.ErrAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("leave the store: %w", err)
	}
	return nil
}

func (p *Presence) say(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = at
}

// Check gives fault.ShuttingDown for ErrSilent when the node's last word is too old to write on. A
// machine that was put to sleep has one clock that stood still and one that was
// set: either may tell.
func (p *Presence) Check() error {
	p.mu.Lock()
	said := p.said
	p.mu.Unlock()
	if now := time.Now(); now.Sub(said) > presenceTrust || now.Round(0).Sub(said) > presenceTrust {
		return fault.ShuttingDown.Becausef("%w", ErrSilent)
	}
	return nil
}

func find(rows []*Lease, id string) *Lease {
	for _, row := range rows {
		if row.ID == id {
			return row
		}
	}
	return nil
}
