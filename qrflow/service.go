package qrflow

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
)

// Deps is what a Service needs.
type Deps struct {
	Work      unit.Work
	Tickets   unit.Table[Ticket]
	Standings Standings // nil: of Tickets
	Events    unit.Table[Event]
	Approvals unit.Table[Approval]
	Audit     Auditor
	// Secrets: the first makes new tickets, the others are still known. Keep
	// the old one until its tickets have ended and their results are fetched.
	Secrets []Secret
	// QRBase is the address of the landing page, "https://s.example.gov.cn/q".
	QRBase  string
	Limits  Limits           // zero fields: DefaultLimits
	Limiter Limiter          // nil: NewWindows()
	Now     func() time.Time // for Limiter only; deadlines use the store's time
}

// Service owns tickets. It is safe for concurrent use once all purposes are
// registered.
type Service struct {
	d        Deps
	purposes map[string]Purpose
}

// New makes a Service; purposes are registered next.
func New(d Deps) (*Service, error) {
	switch {
	case d.Work == nil || d.Tickets == nil || d.Events == nil || d.Approvals == nil || d.Audit == nil || d.Now == nil:
		return nil, errors.New("qrflow: a dependency is missing")
	case len(d.Secrets) == 0:
		return nil, errors.New("qrflow: no cluster secret")
	case !strings.Contains(d.QRBase, "://") || strings.ContainsAny(d.QRBase, "#?"):
		return nil, fmt.Errorf("qrflow: %q is no address of a landing page", d.QRBase)
	}
	for i, s := range d.Secrets {
		if s.ID == "" || len(s.Key) < minSecret {
			return nil, fmt.Errorf("qrflow: cluster secret %d needs an id and at least %d bytes", i, minSecret)
		}
	}
	if d.Limits = d.Limits.withDefaults(); d.Limits.DecideMost <= 0 {
		return nil, fmt.Errorf("qrflow: %s to scan leave no time to decide", d.Limits.Open)
	}
	if d.Limiter == nil {
		d.Limiter = NewWindows()
	}
	if d.Standings == nil {
		d.Standings = wholly{d.Tickets}
	}
	return &Service{d: d, purposes: map[string]Purpose{}}, nil
}

// Register names the owner of a purpose: statement.Login, Bind or Stamp. It
// belongs to wiring, before the first ticket.
func (s *Service) Register(purpose string, p Purpose) error {
	switch purpose {
	case statement.Login, statement.Bind, statement.Stamp:
	default:
		return fmt.Errorf("qrflow: unknown purpose %q", purpose)
	}
	if s.purposes[purpose] != nil {
		return fmt.Errorf("qrflow: purpose %q has an owner already", purpose)
	}
	s.purposes[purpose] = p
	return nil
}

// get reads a ticket; absent is the same answer as not yours.
func (s *Service) get(tx unit.Tx, id string) (*Ticket, error) {
	t, err := s.d.Tickets.Get(tx, id)
	if errors.Is(err, unit.ErrAbsent) {
		return nil, fault.TicketUnavailable.Because(err)
	}
	if err != nil {
		return nil, fmt.Errorf("load ticket: %w", err)
	}
	return t, nil
}

// kept is a refusal whose writes stay: a counted wrong number, an alarm.
type kept struct{ error }

// Unwrap gives the refusal.
func (k kept) Unwrap() error { return k.error }

// update runs fn in one unit of work. A kept refusal is committed with what fn
// wrote and then returned; every other error rolls back.
func (s *Service) update(ctx context.Context, fn func(unit.Tx) error) error {
	var refusal error
	err := s.d.Work.Update(ctx, func(tx unit.Tx) error {
		refusal = nil
		err := fn(tx)
		if k, ok := errors.AsType[kept](err); ok {
			refusal = k.error
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

// must gives why the ticket is not in one of the wanted states, nil when it
// is: check 6 of protocol.md §2.7.
func must(t *Ticket, now time.Time, wanted ...State) error {
	state := t.StateAt(now)
	for _, w := range wanted {
		if state == w {
			return nil
		}
	}
	if state == Expired {
		return fault.Expired
	}
	return fault.WrongState.With("state", string(state))
}

// conflict passes store errors on; a taken unique value means that somebody
// else was faster, so the unit must run again.
func conflict(doing string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, unit.ErrTaken) {
		err = unit.ErrConflict
	}
	return fmt.Errorf("%s: %w", doing, err)
}
