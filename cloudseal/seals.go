package cloudseal

import (
	"context"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cloudseal/status"
)

// Seal gives a seal by its code; fault.Absent when there is none.
func (s *Service) Seal(ctx context.Context, code string) (seal *Seal, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		seal, err = s.SealIn(tx, code)
		return err
	})
	return seal, err
}

// SealIn is Seal inside a transaction.
func (s *Service) SealIn(tx unit.Tx, code string) (*Seal, error) {
	seal, err := s.t.Seals.Get(tx, code)
	if err != nil {
		return nil, absentAs(err, fault.Absent)
	}
	e, err := s.exhibit(tx, seal)
	if err != nil {
		return nil, err
	}
	seal.DER = e.der
	return seal, nil
}

// SealsOf lists the seals of an organization (USCC), without their data.
func (s *Service) SealsOf(tx unit.Tx, org string) ([]*Seal, error) {
	return s.t.Seals.Find(tx, unit.Query{Index: "org+kind", Key: []any{org}})
}

// SealOfKind gives the living seal of a kind, fault.SealUnusable when the
// organization has none.
func (s *Service) SealOfKind(tx unit.Tx, org string, kind impression.Kind) (*Seal, error) {
	found, err := s.t.Seals.Find(tx, ofKind(org, kind))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fault.SealUnusable
	}
	return found[0], nil
}

func ofKind(org string, kind impression.Kind) unit.Query {
	return unit.Query{Index: "owned", Key: []any{owned(org, kind)}, Limit: 1}
}

// NeedsOfKind names what SealOfKind reads: a hint for unit.Fetch.
func (s *Service) NeedsOfKind(org string, kind impression.Kind) unit.Want {
	return unit.Listed(s.t.Seals, ofKind(org, kind))
}

// Usable gives the seals behind the references and checks that the
// organization may use each of them now, in exactly this version (check 16 of
// protocol.md §2.7).
func (s *Service) Usable(tx unit.Tx, org string, refs []statement.Ref) ([]*Seal, error) {
	seals := make([]*Seal, 0, len(refs))
	for _, ref := range refs {
		seal, err := s.t.Seals.Get(tx, ref.ID)
		if err != nil {
			return nil, absentAs(err, fault.SealUnusable)
		}
		if seal.Ref() != ref {
			return nil, fault.SealUnusable
		}
		if err := seal.usable(org, tx.Now()); err != nil {
			return nil, err
		}
		seals = append(seals, seal)
	}
	return seals, nil
}

func (s *Seal) usable(org string, now time.Time) error {
	switch {
	case s.Org != org:
		return fault.SealUnusable
	case s.State == status.Frozen:
		return fault.SealFrozen
	case s.State != status.Usable || now.Before(s.ValidFrom):
		return fault.SealUnusable
	case now.After(s.ValidTo):
		return fault.SealExpired
	}
	return nil
}

// UsableOfKind is SealOfKind for a seal that the organization may use now.
func (s *Service) UsableOfKind(tx unit.Tx, org string, kind impression.Kind) (*Seal, error) {
	seal, err := s.SealOfKind(tx, org, kind)
	if err != nil {
		return nil, err
	}
	return seal, seal.usable(org, tx.Now())
}

// Rely writes seals back that a decision stood on, so that a freeze at the
// same time conflicts with it.
func (s *Service) Rely(tx unit.Tx, seals []*Seal) error {
	for _, seal := range seals {
		if err := s.t.Seals.Replace(tx, seal); err != nil {
			return err
		}
	}
	return nil
}

// Delegable reports whether others than the owner may be given the use of
// seals of this kind: a personal signature is its owner's alone.
func Delegable(kind impression.Kind) bool { return kind != impression.Signature }

// Impression is the picture of the seal at its true size. The seal must be one
// that Seal or SealIn gave.
func (s *Seal) Impression() (pdf.Picture, error) {
	data, err := ses.ParseSeal(s.DER)
	if err != nil {
		return pdf.Picture{}, err
	}
	return pictureOf(data), nil
}

func pictureOf(data *ses.Seal) pdf.Picture {
	p := data.Picture
	return pdf.Picture{PNG: p.Data, Width: float64(p.Width), Height: float64(p.Height)}
}

// History gives the events of a seal in their order.
func (s *Service) History(ctx context.Context, code string) (events []*Event, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		events, err = s.eventsOf(tx, code)
		return err
	})
	return events, err
}

func (s *Service) eventsOf(tx unit.Tx, code string) ([]*Event, error) {
	q := unit.Query{Index: "seal+n", Key: []any{code}}
	return unit.All(tx, s.t.Events, q, func(e *Event) []any { return []any{e.N, e.ID} })
}
