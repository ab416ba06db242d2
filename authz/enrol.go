package authz

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// EnrolKind is what an enrolment leads to.
type EnrolKind string

// The kinds of enrolment.
const (
	EnrolLegal    EnrolKind = "legal"    // a new person who represents an organization
	EnrolAgent    EnrolKind = "agent"    // a new person who asks for an agent's place
	EnrolDevice   EnrolKind = "device"   // a further device of a known person
	EnrolOperator EnrolKind = "operator" // a new person with operator roles, by invitation

	stepUp EnrolKind = "step-up" // fresh evidence of a known person; makes nothing
)

// EnrolRequest begins an enrolment.
type EnrolRequest struct {
	Kind       EnrolKind
	USCC       string // legal and agent
	Invitation string // operator
	Applicant  Applicant
	Device     NewDevice
	// Lost says that the person's former devices are lost: they end with their
	// powers when he has proved who he is. EnrolDevice only.
	Lost bool
	// Passkey is the registration response of a WebAuthn credential, nil when
	// the device has none.
	Passkey []byte
}

// Begun is an enrolment under way: the codes are on their way and the
// real-person session is open.
type Begun struct {
	ID      string
	FaceURL string // where the person shows his face
}

// BeginEnrol checks what can be checked at once, sends the codes and opens the
// real-person session. Whether an organization or person is known does not show
// in the answer.
func (s *Service) BeginEnrol(ctx context.Context, r EnrolRequest) (*Begun, error) {
	if err := s.checkEnrol(&r); err != nil {
		return nil, err
	}
	session, err := s.beginRealPerson(ctx, r.Applicant, "enrol-"+string(r.Kind))
	if err != nil {
		return nil, err
	}
	e := &Enrolment{
		Row: unit.Row{ID: unit.NewID("en")}, Kind: r.Kind, USCC: r.USCC, Applicant: r.Applicant, Device: r.Device,
		RealPerson: session.Token, Lost: r.Lost, State: Pending,
	}
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		e.Expires = tx.Now().Add(s.limits.EnrolLife)
		if r.Kind == EnrolOperator {
			i, err := s.invited(tx, r.Invitation)
			if err != nil {
				return err
			}
			e.Roles, e.Invitation = i.Roles, i.ID
		}
		return s.t.Enrolments.Insert(tx, e)
	})
	if err != nil {
		return nil, err
	}
	return &Begun{ID: e.ID, FaceURL: session.URL}, s.sendEnrolCodes(ctx, e)
}

func (s *Service) checkEnrol(r *EnrolRequest) error {
	a := &r.Applicant
	id, err := codes.ParseCitizenID(a.IDNumber)
	if err != nil {
		return fault.IDNumberBad
	}
	a.IDNumber = string(id)
	if a.Name, err = codes.CleanName(a.Name); err != nil {
		return fault.NameBad
	}
	phone, err := codes.ParsePhone(a.Phone)
	if err != nil {
		return fault.PhoneBad
	}
	a.Phone = string(phone)
	if r.Lost && r.Kind != EnrolDevice {
		return fault.BadRequest.With("field", "lost")
	}
	switch r.Kind {
	case EnrolLegal, EnrolAgent:
		uscc, err := codes.ParseUSCC(r.USCC)
		if err != nil {
			return fault.USCCBad
		}
		r.USCC = string(uscc)
	case EnrolDevice, EnrolOperator:
		r.USCC = ""
	default:
		return fault.BadRequest
	}
	if err := s.checkNewDevice(&r.Device); err != nil || len(r.Passkey) == 0 {
		return err
	}
	r.Device.Passkey, err = s.passkeys.Register(r.Device.Key, r.Device.RequestKey, r.Passkey)
	return err
}

func (s *Service) checkNewDevice(d *NewDevice) error {
	key, err := gm.ParsePublicKey(d.Key)
	if err != nil {
		return fault.BadRequest.With("field", "key")
	}
	request, err := gm.ParsePublicKey(d.RequestKey)
	if err != nil || request.Hash() == key.Hash() {
		return fault.BadRequest.With("field", "request_key")
	}
	if !slices.Contains(s.policy.Tiers, d.Tier) {
		return fault.Tier
	}
	if d.Name, err = codes.CleanName(d.Name); err != nil {
		return fault.NameBad
	}
	return nil
}

// sendEnrolCodes sends the code that proves the phone and, for an agent, the
// authorization code: that one goes to the legal representative, who passes it
// on.
func (s *Service) sendEnrolCodes(ctx context.Context, e *Enrolment) error {
	if err := s.codes.Send(ctx, phoneCode(e)); err != nil {
		return err
	}
	if e.Kind != EnrolAgent {
		return nil
	}
	return s.sendAuthorization(ctx, e.USCC, e.ID, e.Applicant.Name)
}

func phoneCode(e *Enrolment) CodeRequest {
	return CodeRequest{
		Purpose: "enrol", Phone: e.Applicant.Phone, Request: e.ID, Key: gm.SM3(e.Device.Key),
	}
}

// sendAuthorization sends an authorization code to the legal representative of
// an organization, if there is one. That it could not be sent, or that there is
// nobody, does not show: the answer would tell who is known here.
func (s *Service) sendAuthorization(ctx context.Context, uscc, request, applicant string) error {
	phone, err := s.legalPhone(ctx, uscc)
	if err != nil || phone == "" {
		return err
	}
	if err := s.codes.Send(ctx, authorizationCode(phone, request, applicant)); err != nil {
		s.log.WarnContext(ctx, "authorization code not sent", "code", fault.CodeOf(err))
	}
	return nil
}

func authorizationCode(phone, request, applicant string) CodeRequest {
	return CodeRequest{Purpose: "authorize-agent", Phone: phone, Request: request, About: codes.MaskName(applicant)}
}

func (s *Service) legalPhone(ctx context.Context, uscc string) (phone string, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		o, err := s.orgByUSCC(tx, uscc)
		if err != nil || o == nil || o.Legal == "" {
			return err
		}
		p, err := s.t.People.Get(tx, o.Legal)
		if err == nil {
			phone = p.Phone
		}
		return err
	})
	return phone, err
}

// FinishRequest ends an enrolment: the codes, the PIN and the proof that the
// device holds both its keys.
type FinishRequest struct {
	Enrolment     string
	PhoneCode     string
	Authorization string // agent only
	PIN           string
	KeyProof      []byte // signature of the statement key over EnrolProof
	RequestProof  []byte // signature of the request key over EnrolProof
}

// EnrolProof are the bytes both keys of a new device sign.
func EnrolProof(enrolment string, key, requestKey []byte) []byte {
	return fmt.Appendf(nil, "yunzhang-enrol/1\nenrolment: %s\nkey: %s\nrequest-key: %s\n",
		enrolment, gm.SM3(key).Hex(), gm.SM3(requestKey).Hex())
}

// Enrolled is the outcome of an enrolment.
type Enrolled struct {
	Person Person
	Device Device
	Org    string // organization joined, "" for none
	Share  []byte // the device wraps its statement key with it
}

// FinishEnrol makes a person and his device out of an enrolment. What was right
// once is kept, so that a mistake in one thing does not cost the others, and an
// answer that got lost can be had again by whoever holds both keys and the PIN.
func (s *Service) FinishEnrol(ctx context.Context, r FinishRequest) (*Enrolled, error) {
	e, err := s.openEnrolment(ctx, r.Enrolment)
	if err != nil {
		return nil, err
	}
	if err := checkEnrolProof(e, r); err != nil {
		return nil, err
	}
	if e.State == Ended {
		return s.enrolledBefore(ctx, e, r.PIN)
	}
	pin, err := s.newPIN(r.PIN)
	if err != nil {
		return nil, err
	}
	evidence, err := s.proof(ctx, e)
	if err != nil {
		return nil, err
	}
	if err := s.checkEnrolCodes(ctx, e, r); err != nil {
		return nil, err
	}
	return s.settleEnrolment(ctx, e, pin, evidence)
}

// proof gives the real-person evidence of an enrolment, asked for once and kept.
func (s *Service) proof(ctx context.Context, e *Enrolment) (realperson.Evidence, error) {
	if e.Proved.Match {
		return e.Proved, nil
	}
	ev, err := s.realPersonResult(ctx, e.RealPerson)
	if err != nil {
		return realperson.Evidence{}, err
	}
	return ev, s.keep(ctx, e, func(e *Enrolment) { e.Proved = ev })
}

// keep notes what an enrolment has proved.
func (s *Service) keep(ctx context.Context, e *Enrolment, what func(*Enrolment)) error {
	return s.work.Update(ctx, func(tx unit.Tx) error {
		fresh, err := s.t.Enrolments.Get(tx, e.ID)
		if err != nil {
			return err
		}
		what(fresh)
		return s.t.Enrolments.Replace(tx, fresh)
	})
}

func (s *Service) openEnrolment(ctx context.Context, id string) (e *Enrolment, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		if e, err = s.t.Enrolments.Get(tx, id); err != nil {
			return absentAs(err, fault.Absent)
		}
		if e.Kind == stepUp || !tx.Now().Before(e.Expires) {
			return fault.Absent
		}
		return nil
	})
	return e, err
}

// enrolledBefore gives the outcome of an enrolment again.
func (s *Service) enrolledBefore(ctx context.Context, e *Enrolment, pin string) (*Enrolled, error) {
	out := &Enrolled{}
	err := s.work.View(ctx, func(tx unit.Tx) error {
		var f Facts
		if err := s.identify(tx, &f, e.Result); err != nil {
			return err
		}
		out.Person, out.Device = f.Person, f.Device
		o, err := s.orgByUSCC(tx, e.USCC)
		if err == nil && o != nil {
			out.Org = o.ID
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	given, err := s.pinCheck(out.Device.PIN.Salt, pin)
	if err != nil || subtle.ConstantTimeCompare(given, out.Device.PIN.Check) != 1 {
		return nil, fault.Absent
	}
	if err := s.Retell(ctx); err != nil { // the first answer may have failed of that
		return nil, err
	}
	out.Share = out.Device.PIN.Share
	return out, nil
}

func checkEnrolProof(e *Enrolment, r FinishRequest) error {
	lines := EnrolProof(e.ID, e.Device.Key, e.Device.RequestKey)
	key, err := gm.ParsePublicKey(e.Device.Key)
	if err != nil || !key.Verify(lines, r.KeyProof) {
		return fault.Signature.Because(err)
	}
	request, err := gm.ParsePublicKey(e.Device.RequestKey)
	if err != nil || !request.Verify(lines, r.RequestProof) {
		return fault.Signature.Because(err)
	}
	return nil
}

func (s *Service) checkEnrolCodes(ctx context.Context, e *Enrolment, r FinishRequest) error {
	if !e.PhoneOK {
		if err := s.codes.Check(ctx, phoneCode(e), r.PhoneCode); err != nil {
			return err
		}
		if err := s.keep(ctx, e, func(e *Enrolment) { e.PhoneOK = true }); err != nil {
			return err
		}
	}
	if e.Kind != EnrolAgent || e.AuthorizationOK {
		return nil
	}
	if err := s.checkAuthorization(ctx, e.USCC, e.ID, r.Authorization); err != nil {
		return err
	}
	return s.keep(ctx, e, func(e *Enrolment) { e.AuthorizationOK = true })
}

func (s *Service) checkAuthorization(ctx context.Context, uscc, request, code string) error {
	phone, err := s.legalPhone(ctx, uscc)
	if err != nil {
		return err
	}
	if phone == "" {
		return fault.CodeWrong // as for a wrong code: nobody was told one
	}
	return s.codes.Check(ctx, authorizationCode(phone, request, ""), code)
}

// realPersonResult asks the provider; only a positive answer passes.
func (s *Service) realPersonResult(ctx context.Context, token string) (realperson.Evidence, error) {
	ev, err := s.realPerson.Result(ctx, token)
	switch {
	case errors.Is(err, realperson.ErrPending):
		return realperson.Evidence{}, fault.RealPersonFails.With("pending", true)
	case err != nil:
		return realperson.Evidence{}, fault.RealPersonDown.Because(err)
	case !ev.Match:
		return realperson.Evidence{}, fault.RealPersonFails
	}
	return ev, nil
}

func (s *Service) beginRealPerson(ctx context.Context, who Applicant, purpose string) (realperson.Session, error) {
	session, err := s.realPerson.Begin(ctx, realperson.Identity{Name: who.Name, IDNumber: who.IDNumber}, purpose)
	if err != nil {
		return realperson.Session{}, fault.RealPersonDown.Because(err)
	}
	return session, nil
}
