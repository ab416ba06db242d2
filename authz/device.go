package authz

import (
	"context"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
)

// ActApproveDevice is the review act by which an old device ends the cooling of
// a new one.
const ActApproveDevice = "approve-device"

// Devices lists the caller's devices.
func (s *Service) Devices(ctx context.Context, who Caller) (list []*Device, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		list, err = s.t.Devices.Find(tx, unit.Query{Index: "person", Key: []any{who.Person.ID}})
		return err
	})
	return list, err
}

// DraftDeviceApproval drafts, on an old device, the release of a new one.
func (s *Service) DraftDeviceApproval(ctx context.Context, who Caller, device string) (*Act, error) {
	var subject statement.Ref
	err := s.work.View(ctx, func(tx unit.Tx) error {
		d, err := s.t.Devices.Get(tx, device)
		if err != nil {
			return absentAs(err, fault.Absent)
		}
		if d.Person != who.Person.ID || d.ID == who.Device.ID {
			return fault.Absent
		}
		if tx.Now().Before(who.Device.CoolUntil) {
			return fault.DeviceCooling.With("until", who.Device.CoolUntil)
		}
		subject = statement.Ref{ID: d.ID, Hash: keyDigest(*d)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.DraftReview(ctx, who, nil, ActApproveDevice, subject, "approve", "")
}

func (s *Service) approveDevice(tx unit.Tx, a *Act) error {
	d, err := s.t.Devices.Get(tx, a.Subject)
	if err != nil || d.Person != a.Person {
		return absentAs(err, fault.Absent)
	}
	if d.State != Active {
		return fault.DeviceRevoked
	}
	d.CoolUntil = tx.Now()
	if d.Enrolment, err = s.release(d.Enrolment); err != nil {
		return err
	}
	return s.t.Devices.Replace(tx, d)
}

// release words an enrolment anew without its cooling. The signer believes
// nothing but the statement, so that a changed row ends no cooling.
func (s *Service) release(old statement.Signed) (statement.Signed, error) {
	e, err := statement.ParseEnrolment(old.Bytes)
	if err != nil || e.CoolsUntil.IsZero() {
		return old, err
	}
	e.CoolsUntil = time.Time{}
	return s.vouch(e)
}

// Notify sends a notice to a person by id, best effort.
func (s *Service) Notify(ctx context.Context, person string, template notify.Template, params map[string]string) {
	if err := s.Message(ctx, person, template, params); err != nil {
		s.log.WarnContext(ctx, "notice not sent", "template", template, "person", person)
	}
}

// Message is Notify for a caller who tries again.
func (s *Service) Message(ctx context.Context, person string, template notify.Template, params map[string]string) error {
	var phone string
	err := s.work.View(ctx, func(tx unit.Tx) error {
		p, err := s.t.People.Get(tx, person)
		if err == nil {
			phone = p.Phone
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.notices.Send(ctx, notify.Message{To: phone, Template: template, Params: params})
}

// Person gives a person by id.
func (s *Service) Person(tx unit.Tx, id string) (*Person, error) {
	p, err := s.t.People.Get(tx, id)
	return p, absentAs(err, fault.Absent)
}

// Device gives a device by id.
func (s *Service) Device(tx unit.Tx, id string) (*Device, error) {
	d, err := s.t.Devices.Get(tx, id)
	return d, absentAs(err, fault.DeviceUnknown)
}

// Delegation gives a delegation by id.
func (s *Service) Delegation(tx unit.Tx, id string) (*Delegation, error) {
	d, err := s.t.Delegations.Get(tx, id)
	return d, absentAs(err, fault.DelegationNone)
}
