package authz

import (
	"context"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Operator roles (domain.md, Words).
const (
	RoleClerk    = "clerk"    // 受理员
	RoleReviewer = "reviewer" // 制发审核员
	RoleBusiness = "business" // 业务管理员
	RoleAuditor  = "auditor"  // 审计管理员
)

// Invitation is a one-time enrolment code of an operator; only its keyed hash
// is stored, as the id.
type Invitation struct {
	unit.Row `bson:",inline"`
	Roles    []string  `bson:"roles"`
	By       string    `bson:"by"`
	State    State     `bson:"state"`
	Expires  time.Time `bson:"expires"`
}

// InvitationLife is how long an invitation waits: a working week, so that
// nobody keeps one in a drawer.
const InvitationLife = 7 * 24 * time.Hour

// Invite makes an invitation and gives its code once. The business
// administrator invites clerks and reviewers; by is "" for the very first one,
// which only the initialization can make. Business and audit administration
// never meet in one person.
func (s *Service) Invite(ctx context.Context, by string, roles []string) (string, error) {
	if err := checkRoles(roles); err != nil {
		return "", err
	}
	code := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(gm.Random(20)))
	err := s.work.Update(ctx, func(tx unit.Tx) error {
		if err := s.mayInvite(tx, by); err != nil {
			return err
		}
		i := &Invitation{Row: unit.Row{ID: s.invitationID(code)}, Roles: roles, By: by, State: Pending, Expires: tx.Now().Add(InvitationLife)}
		if err := s.record(tx, "invite-operator", strings.Join(roles, ","), by, "", "done"); err != nil {
			return err
		}
		return s.t.Invitations.Insert(tx, i)
	})
	return code, err
}

func checkRoles(roles []string) error {
	known := []string{RoleClerk, RoleReviewer, RoleBusiness, RoleAuditor}
	for _, r := range roles {
		if !slices.Contains(known, r) {
			return fault.BadRequest.With("field", "roles")
		}
	}
	alone := slices.Contains(roles, RoleAuditor) && len(roles) > 1
	if len(roles) == 0 || alone {
		return fault.BadRequest.With("field", "roles")
	}
	return nil
}

func (s *Service) mayInvite(tx unit.Tx, by string) error {
	if by != "" {
		_, err := s.operator(tx, by, RoleBusiness)
		return err
	}
	any, err := s.t.Operators.Find(tx, unit.Query{Index: "state", Key: []any{Active}, Limit: 1})
	if err == nil && len(any) > 0 {
		return fault.RoleMissing // after the first, operators invite operators
	}
	return err
}

func (s *Service) invitationID(code string) string {
	return s.blinder.Blind("invitation", strings.ToLower(strings.TrimSpace(code)))
}

// invited finds an invitation in force. It is used up by whoever finishes an
// enrolment with it first: whoever begins one may not come to know of it.
func (s *Service) invited(tx unit.Tx, code string) (*Invitation, error) {
	i, err := s.t.Invitations.Get(tx, s.invitationID(code))
	if err != nil {
		return nil, absentAs(err, fault.CodeWrong)
	}
	if i.State != Pending || !tx.Now().Before(i.Expires) {
		return nil, fault.CodeWrong
	}
	return i, nil
}

// accept uses the invitation of an enrolment up and makes the operator.
func (s *Service) accept(tx unit.Tx, e *Enrolment, person string) error {
	i, err := s.t.Invitations.Get(tx, e.Invitation)
	if err != nil {
		return absentAs(err, fault.CodeWrong)
	}
	if i.State != Pending {
		return fault.CodeWrong
	}
	i.State = Ended
	if err := s.t.Invitations.Replace(tx, i); err != nil {
		return err
	}
	return s.t.Operators.Insert(tx, &Operator{
		Row: unit.Row{ID: person}, Person: person, Roles: e.Roles, State: Active, CreatedAt: tx.Now(),
	})
}

// Operator gives the caller's operator row if he has the role.
func (s *Service) Operator(ctx context.Context, who Caller, role string) (o *Operator, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		o, err = s.operator(tx, who.Person.ID, role)
		return err
	})
	return o, err
}

// OperatorIn is Operator inside a transaction.
func (s *Service) OperatorIn(tx unit.Tx, person, role string) (*Operator, error) {
	return s.operator(tx, person, role)
}

func (s *Service) operator(tx unit.Tx, person, role string) (*Operator, error) {
	o, err := s.t.Operators.Get(tx, person)
	if err != nil {
		return nil, absentAs(err, fault.RoleMissing)
	}
	if o.State != Active || !slices.Contains(o.Roles, role) {
		return nil, fault.RoleMissing
	}
	return o, nil
}
