package binding

import (
	"context"
	"encoding/json"
	"fmt"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/qrflow"
)

// request is what binding keeps in a ticket's payload: everything that was
// asked and, from the claim on, under which power it is answered.
type request struct {
	Action  authz.Action `json:"action"`
	AppName string       `json:"app_name"`
	Origin  string       `json:"origin"`
	Account string       `json:"account,omitempty"`
	Case    string       `json:"case,omitempty"`
	Context string       `json:"context"`
	Risk    risk         `json:"risk"` // from the claim on

	// Org is the organization acted for; login learns it at the claim.
	Org   string        `json:"org,omitempty"`
	Party statement.Org `json:"party"`

	// Seals and Docs are set for stamps: what was prepared under Hold.
	Hold  string          `json:"hold,omitempty"`
	Seals []statement.Ref `json:"seals,omitempty"`
	Docs  []statement.Doc `json:"docs,omitempty"`

	// From the claim on: the delegation used, zero for the owner.
	Delegation statement.Ref `json:"delegation"`
}

func (r *request) encode() ([]byte, error) { return json.Marshal(r) }

func decodeRequest(t *qrflow.Ticket) (*request, error) {
	r := &request{}
	if err := json.Unmarshal(t.Payload, r); err != nil {
		return nil, fmt.Errorf("payload of ticket %s: %w", t.ID, err)
	}
	return r, nil
}

// ask words the request for authz. second says that a passkey assertion came
// with the approval.
func (r *request) ask(t *qrflow.Ticket, second bool) authz.Ask {
	a := authz.Ask{Action: r.Action, App: t.App, Person: t.Expected, SecondGiven: second}
	if r.Action == authz.Stamp {
		a.Seals, a.Uses = r.Seals, len(r.Docs)
	}
	return a
}

// approvalOf builds the statement that the person will sign.
func (s *Service) approvalOf(t *qrflow.Ticket, c qrflow.Claimant, r *request, f *authz.Facts) statement.Approval {
	a := statement.Approval{
		Purpose: t.Purpose, Decision: statement.Approve, Issuer: s.issuer, Ticket: t.ID, Nonce: t.Nonce,
		App: statement.App{ID: t.App, Name: r.AppName}, Origin: r.Origin, Principal: r.Party,
		Agent:  statement.Person{ID: f.Person.ID, Name: f.Person.Name},
		Device: c.Key.Hash(), Delegation: r.Delegation, Case: r.Case, Context: r.words(),
		IssuedAt: t.ClaimedAt, ExpiresAt: t.Deadline,
	}
	switch {
	case r.Action == authz.Bind:
		a.Account = r.Account // what is tied must be signed in full: a mask fits several
	case r.Account != "":
		a.Account = codes.MaskAccount(r.Account)
	}
	if r.Action == authz.Stamp {
		a.Seals, a.Docs, a.DocsRoot = r.Seals, r.Docs, statement.DocsRoot(r.Docs)
		if f.Delegation != nil && !f.Owner() {
			a.Limits = &statement.Limits{UsesAfter: f.Delegation.Left() - len(r.Docs), Expires: f.Delegation.NotAfter}
		}
	}
	a.Display = a.DisplayDigest(statement.Chinese)
	return a
}

// head refuses who may not claim and builds the head; it is the same for the
// three purposes once the organization is known.
func (s *Service) head(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request) ([]byte, error) {
	if _, err := s.activeApp(tx, t.App); err != nil {
		return nil, err
	}
	ask := r.ask(t, true) // the second signature is only due with the first
	f, err := s.authz.Facts(tx, c.Device, r.Org, "", ask)
	if err != nil {
		return nil, err
	}
	if err := authz.Decide(f, ask, tx.Now()); err != nil {
		return nil, err
	}
	if err := s.assess(tx, t, c, r, &f.Device); err != nil {
		return nil, err
	}
	r.Delegation = statement.Ref{}
	if !f.Owner() {
		r.Delegation = statement.Ref{ID: f.Delegation.ID, Hash: f.Delegation.Statement.Hash()}
	}
	head, err := s.approvalOf(t, c, r, &f).Head()
	if err != nil {
		return nil, err
	}
	t.Payload, err = r.encode()
	return head, err
}

// wants names what recheck will read, as far as the ticket tells: a hint.
func (s *Service) wants(t *qrflow.Ticket, c qrflow.Claimant, r *request) []unit.Want {
	return append(s.authz.Wants(c.Device, c.Person, r.Org, r.Delegation.ID),
		unit.Rows(s.t.Apps, t.App), s.bindingOn(t.App, r.Account))
}

// needs names what recheck, bound, remember and rely will read once more.
func (s *Service) needs(t *qrflow.Ticket, f *authz.Facts, r *request) []unit.Want {
	return append(s.authz.Needs(f, len(r.Docs)),
		unit.Rows(s.t.Apps, t.App), s.bindingOn(t.App, r.Account), s.authz.NeedsPresent(t.ClaimID()),
		unit.Rows(s.t.Pages, pageID(t.App, r.Account, r.Context)))
}

// recheck does what is common to the three purposes of checks 10 to 17.
func (s *Service) recheck(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request, second bool) (authz.Facts, error) {
	if err := s.stepUp(tx, t, c, r); err != nil {
		return authz.Facts{}, err
	}
	return s.standing(tx, t, c, r, second)
}

// standing is recheck without the face, which is asked for once.
func (s *Service) standing(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request, second bool) (authz.Facts, error) {
	ask := r.ask(t, second)
	f, err := s.authz.Facts(tx, c.Device, r.Org, r.Delegation.ID, ask)
	if err != nil {
		return f, err
	}
	if err := authz.Decide(f, ask, tx.Now()); err != nil {
		return f, err
	}
	if !f.Owner() && f.Delegation.Statement.Hash() != r.Delegation.Hash {
		return f, fault.StatementChanged
	}
	if f.Owner() && r.Delegation != (statement.Ref{}) {
		return f, fault.StatementChanged // he became the legal representative meanwhile
	}
	_, err = s.activeApp(tx, t.App)
	return f, err
}

// rely writes back what recheck stood on, the application with it, so that
// whoever ends one of them at the same time conflicts.
func (s *Service) rely(tx unit.Tx, t *qrflow.Ticket, f *authz.Facts, delegation bool) error {
	app, err := s.activeApp(tx, t.App)
	if err != nil {
		return err
	}
	if err := s.t.Apps.Replace(tx, app); err != nil {
		return err
	}
	return s.authz.Rely(tx, f, delegation)
}

// Shown gives the bytes that line i (from 1) of a claimed ticket's statement
// names, for the device that claimed it; fault.WrongState before the claim and
// once the ticket has ended.
func (s *Service) Shown(ctx context.Context, ticket string, i int) ([]byte, error) {
	var d *cloudseal.Document
	err := s.work.View(ctx, func(tx unit.Tx) error {
		t, err := s.flow.TicketIn(tx, ticket)
		if err != nil {
			return err
		}
		switch state := t.StateAt(tx.Now()); state {
		case qrflow.Claimed, qrflow.Approved, qrflow.Signing:
		default:
			return fault.WrongState.With("state", string(state))
		}
		r, err := decodeRequest(t)
		if err != nil {
			return err
		}
		batch, err := s.seals.BatchOf(tx, r.Hold)
		if err != nil {
			return err
		}
		if i < 1 || i > len(batch.Documents) {
			return fault.Absent
		}
		d, err = s.seals.DocumentIn(tx, t.Tenant, batch.Documents[i-1])
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.seals.Original(ctx, d)
}
