package binding

import (
	"encoding/json"
	"fmt"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
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

	// For stamps: what was prepared under Hold. Docs are kept here as long as
	// they stand in the statement; those of a larger batch are read from the
	// preparations and held against Root.
	Hold      string          `json:"hold,omitempty"`
	Seals     []statement.Ref `json:"seals,omitempty"`
	SealNames []string        `json:"seal_names,omitempty"`
	Docs      []statement.Doc `json:"docs,omitempty"`
	Count     int             `json:"count,omitempty"`
	Root      gm.Digest       `json:"root,omitzero"`

	// From the claim on: the delegation used, zero for the owner, and what the
	// phone shows.
	Delegation statement.Ref `json:"delegation"`
	Display    string        `json:"display,omitempty"`
}

// list takes down what was prepared.
func (r *request) list(b *cloudseal.Batch) {
	r.Seals, r.SealNames, r.Count, r.Root = b.Seals, b.SealNames, len(b.Docs), statement.DocsRoot(b.Docs)
	if r.Count <= statement.MaxInline {
		r.Docs = b.Docs
	}
}

// docs gives the document lines; fault.DocumentChanged when those of a large
// batch are not what was prepared for this request.
func (s *Service) docs(tx unit.Tx, r *request) ([]statement.Doc, error) {
	if r.Count <= statement.MaxInline {
		return r.Docs, nil
	}
	b, err := s.seals.BatchOf(tx, r.Hold)
	if err != nil {
		return nil, err
	}
	return r.listed(b)
}

// listed is docs with what is stored at hand.
func (r *request) listed(b *cloudseal.Batch) ([]statement.Doc, error) {
	if r.Count <= statement.MaxInline {
		return r.Docs, nil
	}
	if len(b.Docs) != r.Count || statement.DocsRoot(b.Docs) != r.Root {
		return nil, fault.DocumentChanged
	}
	return b.Docs, nil
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
		a.Seals, a.Uses = r.Seals, r.Count
	}
	return a
}

// approvalOf builds the statement that the person will sign, and what his phone
// shows of it in his language.
func (s *Service) approvalOf(t *qrflow.Ticket, c qrflow.Claimant, r *request, docs []statement.Doc, f *authz.Facts) (statement.Approval, error) {
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
		a.Seals, a.Docs, a.DocsRoot = r.Seals, docs, r.Root
		if f.Delegation != nil && !f.Owner() {
			a.Limits = &statement.Limits{UsesAfter: f.Delegation.Left() - r.Count, Expires: f.Delegation.NotAfter}
		}
	}
	shown, err := a.Render(c.Lang, r.SealNames).Bytes()
	r.Display, a.Display = string(shown), gm.SM3(shown)
	return a, err
}

// Display gives what the phone shows of a claim: the words that its statement
// names by their digest, nil for a claim that has none.
func Display(c qrflow.Claim) ([]byte, error) {
	r, err := decodeRequest(&qrflow.Ticket{Payload: c.Payload})
	if err != nil {
		return nil, err
	}
	return []byte(r.Display), nil
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
	docs, err := s.docs(tx, r)
	if err != nil {
		return nil, err
	}
	a, err := s.approvalOf(t, c, r, docs, &f)
	if err != nil {
		return nil, err
	}
	head, err := a.Head()
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
	return append(s.authz.Needs(f, r.Count),
		unit.Rows(s.t.Apps, t.App), s.bindingOn(t.App, r.Account), s.authz.NeedsPresent(t.ClaimID()),
		unit.Rows(s.t.Pages, pageID(t.App, r.Account, r.Context)))
}

// look is what a purpose knows when it has a request checked again.
type look struct {
	second bool  // a passkey assertion came with the approval
	bound  error // why the account is no longer bound to this person
	signed bool  // verify what the grantor signed: once for each approval
}

// recheck does what is common to the three purposes of checks 10 to 15, in their
// order. The application (17) is rely's to look at.
func (s *Service) recheck(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request, l look) (authz.Facts, error) {
	if err := s.stepUp(tx, t, c, r); err != nil {
		return authz.Facts{}, err
	}
	return s.standing(tx, t, c, r, l)
}

// standing is recheck without the face, which is asked for once.
func (s *Service) standing(tx unit.Tx, t *qrflow.Ticket, c qrflow.Claimant, r *request, l look) (authz.Facts, error) {
	ask := r.ask(t, l.second)
	f, err := s.authz.Facts(tx, c.Device, r.Org, r.Delegation.ID, ask)
	if err != nil {
		return f, err
	}
	f.NotExpected = l.bound
	if f.Owner() {
		err = authz.Decide(f, ask, tx.Now())
		if err == nil && r.Delegation != (statement.Ref{}) {
			err = fault.StatementChanged // he became the legal representative meanwhile
		}
		return f, err
	}
	f.Unproved = s.unproved(tx, &f, r, l.signed)
	return f, authz.Decide(f, ask, tx.Now())
}

// unproved is why the delegation is not the one that the statement names or,
// with signed, not what its grantor signed: the row is only a copy of that.
func (s *Service) unproved(tx unit.Tx, f *authz.Facts, r *request, signed bool) error {
	switch {
	case f.Delegation == nil:
		return nil // which is said elsewhere
	case f.Delegation.Statement.Hash() != r.Delegation.Hash:
		return fault.StatementChanged
	case !signed:
		return nil
	}
	return s.delegationSigned(tx, f)
}

// delegationSigned verifies the grantor's signature on the delegation.
func (s *Service) delegationSigned(tx unit.Tx, f *authz.Facts) error {
	if f.Owner() {
		return nil
	}
	grantor, err := s.authz.Device(tx, f.Delegation.Device)
	if err != nil {
		return err
	}
	written := f.Delegation.Statement
	if err := s.authz.CheckSM2(*grantor, written.Bytes, written.Sig); err != nil {
		return fault.DelegationBad.Because(err)
	}
	return nil
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
