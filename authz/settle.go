package authz

import (
	"context"
	"errors"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// settlement is everything an enrolment becomes, made before the transaction
// that writes it.
type settlement struct {
	enrolment *Enrolment
	known     *Person // the person, when this is a further device
	person    Person
	device    Device
	finding   registry.Finding
	word      statement.Signed // representation
}

// settleEnrolment writes person, device and place in one transaction.
func (s *Service) settleEnrolment(ctx context.Context, e *Enrolment, pin PIN, ev realperson.Evidence) (*Enrolled, error) {
	st := &settlement{enrolment: e}
	if err := s.preparePerson(ctx, st, ev); err != nil {
		return nil, err
	}
	if err := s.prepareDevice(st, pin, ev); err != nil {
		return nil, err
	}
	if err := s.prepareLegal(ctx, st); err != nil {
		return nil, err
	}
	var org string
	err := s.work.Update(ctx, func(tx unit.Tx) (err error) {
		org, err = s.writeSettlement(tx, *st)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := s.Retell(ctx); err != nil {
		return nil, err
	}
	s.tellPerson(ctx, st)
	return &Enrolled{Person: st.person, Device: st.device, Org: org, Share: pin.Share}, nil
}

// preparePerson finds or makes the person. A known person enrols further
// devices only by EnrolDevice, an unknown one never.
func (s *Service) preparePerson(ctx context.Context, st *settlement, ev realperson.Evidence) error {
	a := st.enrolment.Applicant
	idHash := s.blinder.Blind("id", a.IDNumber)
	err := s.work.View(ctx, func(tx unit.Tx) error {
		found, err := s.t.People.Find(tx, unit.Query{Index: "idHash", Key: []any{idHash}, Limit: 1})
		if err == nil && len(found) > 0 {
			st.known = found[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	further := st.enrolment.Kind == EnrolDevice
	switch {
	case st.known != nil && !further:
		return fault.PersonExists
	case st.known == nil && further:
		return fault.DeviceUnknown
	case further && st.known.PhoneHash != s.blinder.Blind("phone", a.Phone):
		return fault.CodeWrong // the code went to a phone that is not his
	case st.known != nil:
		st.person = *st.known
		st.person.RealAt = ev.At
		return nil
	}
	st.person = Person{
		Row: unit.Row{ID: unit.NewID("us")}, IDHash: idHash, PhoneHash: s.blinder.Blind("phone", a.Phone),
		Name: a.Name, IDNumber: a.IDNumber, Phone: a.Phone, State: Active, RealAt: ev.At, CreatedAt: s.now(),
	}
	return nil
}

// prepareDevice makes the device with its enrolment statement, signed by the
// authority. A further device cools; the first one is released by the
// registration itself.
func (s *Service) prepareDevice(st *settlement, pin PIN, ev realperson.Evidence) error {
	n := st.enrolment.Device
	d := Device{
		Row: unit.Row{ID: unit.NewID("dv")}, Person: st.person.ID, Name: n.Name, Tier: n.Tier, State: Active,
		Key: n.Key, KeyHash: gm.SM3(n.Key).Hex(), RequestKey: n.RequestKey, Passkey: n.Passkey, PIN: pin, CreatedAt: s.now(),
	}
	if st.known != nil {
		d.CoolUntil = s.now().Add(s.limits.Cooling)
	}
	idHash, err := gm.ParseDigest(st.person.IDHash)
	if err != nil {
		return err
	}
	e := statement.Enrolment{
		ID: unit.NewID("es"), Issuer: s.issuer, Person: statement.Person{ID: st.person.ID, Name: st.person.Name},
		IDHash: idHash, Tier: string(d.Tier), Key: d.Key, RequestKey: d.RequestKey, Passkey: n.Passkey.Credential,
		PasskeyKey: n.Passkey.Key, Evidence: ev.Provider + " " + ev.ID, IssuedAt: seconds(s.now()),
	}
	if !d.CoolUntil.IsZero() {
		e.CoolsUntil = seconds(d.CoolUntil)
	}
	d.Enrolment, err = s.vouch(e)
	st.device = d
	return err
}

// vouch has the enrolment authority sign.
func (s *Service) vouch(e statement.Enrolment) (statement.Signed, error) {
	bytes, err := e.Bytes()
	if err != nil {
		return statement.Signed{}, fault.StatementBad.Because(err)
	}
	sig, err := s.authority.Sign(bytes)
	return statement.Signed{Bytes: bytes, Sig: sig}, err
}

// prepareLegal asks the registry about a new legal representative and ends a
// former one whom the registry no longer names.
func (s *Service) prepareLegal(ctx context.Context, st *settlement) error {
	if st.enrolment.Kind != EnrolLegal {
		return nil
	}
	f, err := s.registry.Represents(ctx, st.enrolment.USCC, registry.Identity{Name: st.person.Name, IDNumber: st.person.IDNumber})
	if err != nil {
		return fault.RegistrySilent.Because(err)
	}
	switch f.Answer {
	case registry.No:
		return fault.NotLegalRep
	case registry.Unknown:
		return fault.RegistrySilent
	}
	if err := s.endFormer(ctx, st.enrolment.USCC, st.person.ID); err != nil {
		return err
	}
	st.finding = f
	st.word, err = s.represent(st.enrolment.USCC, st.person, f)
	return err
}

// endFormer ends the powers of whoever is on record as legal representative
// when that is somebody else: the registry names one person only.
func (s *Service) endFormer(ctx context.Context, uscc, person string) error {
	var org, former string
	err := s.work.View(ctx, func(tx unit.Tx) error {
		o, err := s.orgByUSCC(tx, uscc)
		if err == nil && o != nil && o.Legal != "" && o.Legal != person {
			org, former = o.ID, o.Legal
		}
		return err
	})
	if err != nil || former == "" {
		return err
	}
	return s.dethrone(ctx, org, former)
}

func (s *Service) writeSettlement(tx unit.Tx, st settlement) (org string, err error) {
	if err := s.closeEnrolment(tx, st); err != nil {
		return "", err
	}
	if err := s.writePerson(tx, st); err != nil {
		return "", err
	}
	device := st.device
	if err := s.t.Devices.Insert(tx, &device); err != nil {
		return "", takenAs(err, fault.BadRequest.With("field", "key"))
	}
	if err := s.endLost(tx, st); err != nil {
		return "", err
	}
	if org, err = s.writePlace(tx, st); err != nil {
		return "", err
	}
	return org, s.recordEvidence(tx, "enrol-"+string(st.enrolment.Kind), "device:"+st.device.ID, st.person.ID, org, st.device.Enrolment.Hash())
}

// closeEnrolment uses the enrolment up, so that it makes one device only.
func (s *Service) closeEnrolment(tx unit.Tx, st settlement) error {
	e, err := s.t.Enrolments.Get(tx, st.enrolment.ID)
	if err != nil {
		return err
	}
	if e.State != Pending || !tx.Now().Before(e.Expires) {
		return fault.Absent
	}
	e.State, e.Result = Ended, st.device.ID
	return s.t.Enrolments.Replace(tx, e)
}

func (s *Service) writePerson(tx unit.Tx, st settlement) error {
	if st.known == nil {
		p := st.person
		return takenAs(s.t.People.Insert(tx, &p), fault.PersonExists)
	}
	p, err := s.t.People.Get(tx, st.known.ID)
	if err != nil {
		return err
	}
	p.RealAt = st.person.RealAt
	return s.t.People.Replace(tx, p)
}

func (s *Service) writePlace(tx unit.Tx, st settlement) (string, error) {
	e := st.enrolment
	switch e.Kind {
	case EnrolLegal:
		p := st.person
		o, err := s.install(tx, e.USCC, &p, st.finding, st.word)
		if err != nil {
			return "", err
		}
		return o.ID, nil
	case EnrolAgent:
		o, err := s.orgByUSCC(tx, e.USCC)
		if err != nil || o == nil {
			return "", errors.Join(err, fault.CodeWrong)
		}
		return o.ID, s.join(tx, o.ID, st.person.ID, Agent, Pending)
	case EnrolOperator:
		return "", s.accept(tx, e, st.person.ID)
	}
	return "", nil
}
