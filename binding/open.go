package binding

import (
	"context"
	"errors"
	"slices"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/qrflow"
)

// holdLife is how long documents are held for a request that is not approved:
// longer than any ticket may last (600 s), so that a hold never runs out under
// a live one.
const holdLife = 15 * time.Minute

// Ask is what a declaration system asks of a person.
type Ask struct {
	Action authz.Action
	// Account of the application's user who asks: compulsory for bind and
	// stamp; for log-in the user name typed first, if any.
	Account string
	USCC    string // organization acted for: bind and stamp
	Person  string // the only one who may scan; "" for whoever the account is bound to
	Case    string // the application's own number, shown and signed
	Origin  string // of the page that will show the code; one of the application's
	Context string // network (or address) and browser of its user, "203.0.113.0/24 Chrome/Windows", as the application saw them
	// VerifierHash is SM3("cseal-verifier/1" ‖ 0x00 ‖ verifier); the verifier
	// stays in the user's session with the application.
	VerifierHash gm.Digest
	Stamps       []Placement
}

// Placement is one stamp that is asked for: the kind of seal, on which
// document, where (mm from the displayed page's top left).
type Placement struct {
	Document string
	Kind     impression.Kind
	Page     int
	X, Y     float64
}

// Open makes a ticket: documents are held, stamps placed, digests computed.
func (s *Service) Open(ctx context.Context, app *App, a Ask, kept unit.Kept[qrflow.Opened]) (qrflow.Opened, error) {
	if err := s.checkAsk(app, a); err != nil {
		return qrflow.Opened{}, err
	}
	if err := s.flow.Admit(app.ID); err != nil {
		return qrflow.Opened{}, err
	}
	r := &request{Action: a.Action, AppName: app.Name, Origin: a.Origin, Account: a.Account, Case: a.Case, Context: cutContext(a.Context)}
	expected, err := s.subject(ctx, app, a, r)
	if err != nil {
		return qrflow.Opened{}, err
	}
	var batch *cloudseal.Batch
	if a.Action == authz.Stamp {
		if batch, err = s.prepare(ctx, app, a); err != nil {
			return qrflow.Opened{}, err
		}
		r.Hold = unit.NewID("hd")
		r.list(batch)
	}
	return s.issue(ctx, app, a, r, expected, batch, kept)
}

func (s *Service) checkAsk(app *App, a Ask) error {
	switch {
	case !slices.Contains(app.Actions, a.Action):
		return fault.AppInactive.With("action", a.Action)
	case !slices.Contains(app.Origins, a.Origin):
		return fault.OriginBad
	case a.VerifierHash.IsZero():
		return fault.BadRequest.With("field", "verifier_hash")
	case a.Action != authz.Login && (a.Account == "" || a.USCC == ""):
		return fault.BadRequest.With("field", "subject")
	case (a.Action == authz.Stamp) != (len(a.Stamps) > 0):
		return fault.BadRequest.With("field", "documents")
	}
	if err := checkContext(a.Context); err != nil {
		return err
	}
	for _, text := range []string{a.Account, a.Case} {
		if text != "" && statement.CheckText(text) != nil {
			return fault.StatementBad
		}
	}
	for _, p := range a.Stamps {
		if !slices.Contains(app.SealKinds, string(p.Kind)) {
			return fault.SealNotForAction.With("kind", p.Kind)
		}
	}
	return nil
}

// prepare places the stamps on the documents.
func (s *Service) prepare(ctx context.Context, app *App, a Ask) (*cloudseal.Batch, error) {
	var draft *cloudseal.Draft
	err := s.work.View(ctx, func(tx unit.Tx) error {
		placements, err := s.placements(tx, a)
		if err == nil {
			draft, err = s.seals.Draft(tx, app.ID, placements)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.seals.Prepare(ctx, draft)
}

// placements finds the seals that are asked for by their kinds.
func (s *Service) placements(tx unit.Tx, a Ask) ([]cloudseal.Placement, error) {
	placements, seals := make([]cloudseal.Placement, 0, len(a.Stamps)), map[impression.Kind]*cloudseal.Seal{}
	for _, p := range a.Stamps {
		if seals[p.Kind] == nil {
			seal, err := s.seals.UsableOfKind(tx, a.USCC, p.Kind)
			if err != nil {
				return nil, err
			}
			seals[p.Kind] = seal
		}
		placements = append(placements, cloudseal.Placement{Document: p.Document, Seal: seals[p.Kind].ID, Page: p.Page, X: p.X, Y: p.Y})
	}
	return placements, nil
}

// issue makes the ticket, and the documents its own.
func (s *Service) issue(ctx context.Context, app *App, a Ask, r *request, expected string, batch *cloudseal.Batch, kept unit.Kept[qrflow.Opened]) (opened qrflow.Opened, err error) {
	payload, err := r.encode()
	if err != nil {
		return opened, err
	}
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		if batch != nil {
			if err := s.seals.Hold(tx, batch, r.Hold, tx.Now().Add(holdLife)); err != nil {
				return err
			}
		}
		opened, err = s.flow.OpenIn(tx, qrflow.Request{
			App: app.ID, Tenant: app.ID, Purpose: string(a.Action),
			Subject: qrflow.Subject{Account: a.Account, Principal: r.Org, Person: expected},
			Origins: []string{a.Origin}, VerifierHash: a.VerifierHash, Documents: r.Count, Payload: payload,
		})
		if err != nil {
			return err
		}
		return kept.Keep(tx, opened)
	})
	if err != nil {
		return opened, err
	}
	// Not before and not in the transaction: whoever stops the application now
	// finds the ticket, and whoever has stopped it is found here.
	err = s.work.View(ctx, func(tx unit.Tx) error { _, err := s.activeApp(tx, app.ID); return err })
	if errors.Is(err, fault.AppInactive) {
		return qrflow.Opened{}, errors.Join(err, s.flow.Withdraw(ctx, app.ID, opened.Ticket))
	}
	return opened, err
}
