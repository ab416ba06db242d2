package qrflowtest

import (
	"context"
	"sync"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/qrflow"
)

// Desk owns all three purposes in a world. It lets everybody do everything
// unless a test refuses; nil functions refuse nothing.
type Desk struct {
	OnHead    func(t *qrflow.Ticket, c qrflow.Claimant) error
	OnRecheck func(t qrflow.Ticket, c qrflow.Claimant, a qrflow.Approval) error
	OnSettle  func(tx unit.Tx, t *qrflow.Ticket) error
	OnEnded   func(t qrflow.Ticket) error
	Change    func(*statement.Approval) // of the statement before it is built

	mu    sync.Mutex
	ended map[string]qrflow.State // guarded by mu: how each ticket ended
}

// Settled is what the desk adds to the payload of an approved ticket.
const Settled = "+settled"

// Head builds a real statement.
func (d *Desk) Head(_ unit.Tx, t *qrflow.Ticket, c qrflow.Claimant) ([]byte, error) {
	if d.OnHead != nil {
		if err := d.OnHead(t, c); err != nil {
			return nil, err
		}
	}
	a := HeadOf(t, c)
	if d.Change != nil {
		d.Change(&a)
	}
	return a.Head()
}

// HeadOf is the statement about a ticket.
func HeadOf(t *qrflow.Ticket, c qrflow.Claimant) statement.Approval {
	a := statement.Approval{
		Purpose: t.Purpose, Decision: statement.Approve, Issuer: "seal.example", Ticket: t.ID, Nonce: t.Nonce,
		App: statement.App{ID: t.App, Name: "申报系统"}, Origin: t.Origins[0], Account: "zh***",
		Principal: statement.Org{USCC: "91330100MA00000000", Name: "示例科技有限公司"},
		Agent:     statement.Person{ID: c.Person, Name: c.Name}, Device: c.Key.Hash(),
		Context: "203.0.113.0/24", Display: gm.SM3([]byte("display")),
		IssuedAt: t.ClaimedAt, ExpiresAt: t.Deadline.Truncate(time.Second),
	}
	if t.Purpose == statement.Stamp {
		a.Seals = []statement.Ref{{ID: "es_1", Hash: gm.SM3([]byte("seal"))}}
	}
	for range t.Documents {
		a.Docs = append(a.Docs, statement.Doc{
			SM3: gm.SM3([]byte("file")), DTBS: gm.SM3([]byte("dtbs")), Pages: 1, Seal: 1,
			Place: statement.Place{Page: 1, X: 120, Y: 57, W: 42, H: 42}, Title: "申请书.pdf",
		})
	}
	return a
}

// Recheck refuses what the test refuses.
func (d *Desk) Recheck(_ context.Context, t qrflow.Ticket, c qrflow.Claimant, a qrflow.Approval) (qrflow.Settle, error) {
	if d.OnRecheck != nil {
		if err := d.OnRecheck(t, c, a); err != nil {
			return nil, err
		}
	}
	return d.settle, nil
}

func (d *Desk) settle(tx unit.Tx, t *qrflow.Ticket) error {
	if d.OnSettle != nil {
		if err := d.OnSettle(tx, t); err != nil {
			return err
		}
	}
	t.Payload = append(append([]byte(nil), t.Payload...), Settled...)
	return nil
}

// Ended remembers how a ticket ended.
func (d *Desk) Ended(_ unit.Tx, t qrflow.Ticket) error {
	if d.OnEnded != nil {
		if err := d.OnEnded(t); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ended[t.ID] = t.State
	return nil
}

// HowEnded gives the state that the purpose was told of, "" for nothing.
func (d *Desk) HowEnded(ticket string) qrflow.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ended[ticket]
}

// Strange refuses everybody but one person as the wrong subject.
func Strange(person string) func(*qrflow.Ticket, qrflow.Claimant) error {
	return func(_ *qrflow.Ticket, c qrflow.Claimant) error {
		if c.Person != person {
			return fault.Subject
		}
		return nil
	}
}
