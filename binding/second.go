package binding

import (
	"context"
	"errors"
	"slices"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/qrflow"
)

// Second is an approved stamp that waits for a second person; its id is the
// ticket's. It is a policy result, no state of the ticket: nothing is taken and
// nothing can be signed before he has approved, and everything is checked
// again then.
type Second struct {
	unit.Row `bson:",inline"`
	Org      string      `bson:"org"`
	Person   string      `bson:"person"` // who approved first
	State    authz.State `bson:"state"`  // pending; active: approved; ended: refused or over
	Act      string      `bson:"act"`    // by which it was decided
	Expires  time.Time   `bson:"expires"`
}

// SecondAsk is what a second person is asked.
type SecondAsk struct {
	Ticket    string
	Statement statement.Signed // of the first person, complete
	Until     time.Time

	ticket *qrflow.Ticket
	r      *request
}

// needsSecond is check 19 of protocol.md §2.7: the delegation, or the rule of the
// house, asks for another person from so many documents on. The legal
// representative himself needs none. The signer decides the same by himself.
func (s *Service) needsSecond(t *qrflow.Ticket, f *authz.Facts) bool {
	if f.Owner() || f.Delegation == nil {
		return false
	}
	reached := func(from int) bool { return from > 0 && t.Documents >= from }
	return reached(f.Delegation.SecondFrom) || reached(s.policy.SecondFrom)
}

// await makes an approval wait for its second person.
func (s *Service) await(tx unit.Tx, t *qrflow.Ticket, r *request) error {
	t.Waits = true
	until := tx.Now().Add(s.policy.SecondWait)
	if err := s.seals.Extend(tx, r.Hold, until.Add(holdLife)); err != nil {
		return err
	}
	if err := s.notice(tx, notify.SecondAsked, t.ID); err != nil {
		return err
	}
	return takenAs(s.t.Seconds.Insert(tx, &Second{
		Row: unit.Row{ID: t.ID}, Org: r.Org, Person: t.Person, State: authz.Pending, Expires: until,
	}), fault.StateConflict)
}

// asked gives what waits under a ticket, for whoever may decide it. To everybody
// else it does not exist.
func (s *Service) asked(tx unit.Tx, who authz.Caller, ticket string) (*SecondAsk, authz.Facts, error) {
	row, err := s.t.Seconds.Get(tx, ticket)
	if err != nil {
		return nil, authz.Facts{}, absentAs(err, fault.Absent)
	}
	t, a, err := s.flow.Evidence(tx, ticket)
	if err != nil {
		return nil, authz.Facts{}, err
	}
	r, err := decodeRequest(&t)
	if err != nil {
		return nil, authz.Facts{}, err
	}
	f, err := s.maySecond(tx, who, &t, r)
	if err != nil {
		return nil, f, err
	}
	switch state := t.StateAt(tx.Now()); {
	case state == qrflow.Expired:
		return nil, f, fault.Expired
	case state != qrflow.Approved || !t.Waits || row.State != authz.Pending:
		return nil, f, fault.WrongState.With("state", string(state))
	}
	return &SecondAsk{Ticket: ticket, Statement: a.Signed(), Until: t.Deadline, ticket: &t, r: r}, f, nil
}

// maySecond: he represents the organization, or is appointed by a delegation with
// the action second for these seals here, and is not the person who approved:
// by identity, whatever account or device he uses.
func (s *Service) maySecond(tx unit.Tx, who authz.Caller, t *qrflow.Ticket, r *request) (authz.Facts, error) {
	ask := authz.Ask{Action: authz.Second, App: t.App, Seals: r.Seals, SecondGiven: true}
	f, err := s.authz.Facts(tx, who.Device.ID, r.Org, "", ask)
	if err == nil {
		err = authz.Decide(f, ask, tx.Now())
	}
	for _, stranger := range []error{fault.Subject, fault.DelegationNone, fault.AgentNotAllowed, fault.NotLegalRep} {
		if errors.Is(err, stranger) {
			return f, fault.Absent // it is none of his business that there is one
		}
	}
	if err != nil {
		return f, err
	}
	first, err := s.authz.Person(tx, t.Person)
	if err != nil {
		return f, err
	}
	if first.ID == f.Person.ID || first.IDHash == f.Person.IDHash {
		return f, fault.SamePerson
	}
	return f, nil
}

// Second gives one of them; a fault says why it is not the caller's to decide.
func (s *Service) Second(ctx context.Context, who authz.Caller, ticket string) (ask *SecondAsk, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		ask, _, err = s.asked(tx, who, ticket)
		return err
	})
	return ask, err
}

// DraftSecond drafts his statement: yes or no to the first person's statement,
// which it names by its hash.
func (s *Service) DraftSecond(ctx context.Context, who authz.Caller, ticket, opinion, note string) (*authz.Act, error) {
	if opinion != statement.Approve && opinion != statement.Reject {
		return nil, fault.BadRequest.With("field", "opinion")
	}
	var ask *SecondAsk
	var org *authz.Organization
	err := s.work.View(ctx, func(tx unit.Tx) (err error) {
		if ask, _, err = s.asked(tx, who, ticket); err != nil {
			return err
		}
		org, err = s.authz.Organization(tx, ask.r.Org)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.authz.DraftReview(ctx, who, org, statement.SecondApproval, statement.Ref{ID: ticket, Hash: ask.Statement.Hash()}, opinion, note)
}

// DecideSecond performs the signed statement. A yes begins the stamp: everything
// that the first approval stood on is checked again, so that a revocation in
// between wins. A no ends the ticket. What was performed and not answered is
// answered when it is asked again.
func (s *Service) DecideSecond(ctx context.Context, who authz.Caller, act *authz.Act) (qrflow.State, error) {
	if state, err := s.decidedBy(ctx, act); state != "" || err != nil {
		return state, err
	}
	r, err := statement.ParseReview(act.Statement.Bytes)
	if err != nil {
		return "", fault.StatementBad.Because(err)
	}
	ask, err := s.Second(ctx, who, r.Subject.ID)
	if err != nil {
		return "", err
	}
	if r.Subject.Hash != ask.Statement.Hash() || r.Act != statement.SecondApproval {
		return "", fault.StatementChanged
	}
	if r.Opinion != statement.Approve {
		return qrflow.Failed, s.work.Update(ctx, func(tx unit.Tx) error { return s.refuseSecond(tx, who, act) })
	}
	if s.now().Sub(r.IssuedAt) > statement.SecondLife {
		return "", fault.Expired // the signer would refuse it when it has taken a use
	}
	if err := s.authz.Refresh(ctx, ask.r.Org); err != nil {
		return "", err
	}
	if err := s.checkDocuments(ctx, ask.ticket, ask.r); err != nil {
		return "", err
	}
	if err := s.work.Update(ctx, func(tx unit.Tx) error { return s.takeSecond(tx, who, act) }); err != nil {
		return "", err
	}
	s.Enqueue(ask.Ticket)
	return qrflow.Approved, nil
}

// decidedBy gives what an act has decided already, "" when nothing. It is read in a
// unit that could write: a mere look may lag behind what was written just now.
func (s *Service) decidedBy(ctx context.Context, act *authz.Act) (state qrflow.State, err error) {
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		state = ""
		row, err := s.t.Seconds.Get(tx, act.Subject)
		switch {
		case errors.Is(err, unit.ErrAbsent):
			return nil // for the others it is absent too
		case err != nil || row.Act != act.ID:
			return err
		case row.State == authz.Active:
			state = qrflow.Approved
		default:
			state = qrflow.Failed
		}
		return nil
	})
	if state == qrflow.Approved {
		s.Enqueue(act.Subject)
	}
	return state, err
}

func (s *Service) refuseSecond(tx unit.Tx, who authz.Caller, act *authz.Act) error {
	ask, _, err := s.asked(tx, who, act.Subject)
	if err != nil {
		return err
	}
	if _, err := s.authz.Take(tx, act.ID, "", "ticket:"+ask.Ticket); err != nil {
		return err
	}
	if err := s.closeSecond(tx, ask.Ticket, authz.Ended, act.ID); err != nil {
		return err
	}
	return s.flow.Advance(tx, ask.Ticket, qrflow.Progress{To: qrflow.Failed, Reason: "second-refused"})
}

func (s *Service) takeSecond(tx unit.Tx, who authz.Caller, act *authz.Act) error {
	ask, f2, err := s.asked(tx, who, act.Subject)
	if err != nil {
		return err
	}
	taken, err := s.authz.Take(tx, act.ID, "", "ticket:"+ask.Ticket)
	if err != nil {
		return err
	}
	_, a, err := s.flow.Evidence(tx, ask.Ticket)
	if err != nil {
		return err
	}
	f, err := s.stillStands(tx, ask, a)
	if err != nil {
		return err
	}
	if err := s.delegationSigned(tx, &f2); err != nil {
		return err
	}
	if err := s.authz.RelySecond(tx, &f2); err != nil {
		return err
	}
	g, err := s.seconding(tx, &f2, taken)
	if err != nil {
		return err
	}
	if err := s.begin(tx, ask.ticket, ask.r, &f, a, g); err != nil {
		return err
	}
	if err := s.closeSecond(tx, ask.Ticket, authz.Active, act.ID); err != nil {
		return err
	}
	return s.flow.Second(tx, ask.Ticket, who.Person.ID, taken.Statement.Hash())
}

// stillStands checks again what the first approval stood on, and writes it back as
// settle does, the binding with it. A face, a use of the passkey and the page were
// settled with that approval.
func (s *Service) stillStands(tx unit.Tx, ask *SecondAsk, a qrflow.Approval) (authz.Facts, error) {
	first := qrflow.Claimant{Person: a.Person, Device: a.Device}
	b, bound := s.bound(tx, ask.ticket, first, ask.r)
	f, err := s.standing(tx, ask.ticket, first, ask.r, look{second: len(a.Second) > 0, bound: bound, signed: true})
	if err != nil {
		return f, err
	}
	if err := s.rely(tx, ask.ticket, &f, false); err != nil {
		return f, err
	}
	return f, s.t.Bindings.Replace(tx, b) // an unbinding at the same time conflicts
}

// seconding collects what the signer needs of the second person.
func (s *Service) seconding(tx unit.Tx, f *authz.Facts, act *authz.Act) (keys.Seconding, error) {
	g := keys.Seconding{At: tx.Now(), Approval: act.Statement, Assertion: act.Second, Enrolment: f.Device.Enrolment}
	if f.Owner() {
		return g, nil
	}
	grantor, err := s.authz.Device(tx, f.Delegation.Device)
	if err != nil {
		return g, err
	}
	g.Delegation, g.DelegationAssertion = f.Delegation.Statement, f.Delegation.Second
	g.GrantorEnrolment = grantor.Enrolment
	return g, nil
}

func (s *Service) closeSecond(tx unit.Tx, ticket string, to authz.State, act string) error {
	row, err := s.t.Seconds.Get(tx, ticket)
	if err != nil {
		return err
	}
	row.State, row.Act = to, act
	return s.t.Seconds.Replace(tx, row)
}

// endSecond ends what waited with its ticket, if anything did.
func (s *Service) endSecond(tx unit.Tx, ticket string) error {
	row, err := s.t.Seconds.Get(tx, ticket)
	if errors.Is(err, unit.ErrAbsent) || err == nil && row.State != authz.Pending {
		return nil
	}
	if err != nil {
		return err
	}
	return s.closeSecond(tx, ticket, authz.Ended, "")
}

// appointed lists who may be the second person of a ticket beside the legal
// representative.
func (s *Service) appointed(tx unit.Tx, t *qrflow.Ticket, r *request) (people []string, err error) {
	given, err := s.authz.DelegationsFor(tx, r.Org, t.App)
	for _, d := range given {
		if d.Agent != t.Person && slices.Contains(d.Actions, authz.Second) && !slices.Contains(people, d.Agent) {
			people = append(people, d.Agent)
		}
	}
	return people, err
}
