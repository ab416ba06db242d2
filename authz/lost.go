package authz

import (
	"context"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/unit"
)

// endLost ends the former devices of a person who has lost them, in the
// transaction that enrols his new one. The new one cools all the same: whoever
// stole face and number gains a stop, and no power before it is noticed.
func (s *Service) endLost(tx unit.Tx, st settlement) error {
	if !st.enrolment.Lost {
		return nil
	}
	owned, err := s.t.Devices.Find(tx, unit.Query{Index: "person", Key: []any{st.person.ID}})
	if err != nil {
		return err
	}
	for _, d := range owned {
		if d.ID == st.device.ID || d.State == Revoked {
			continue
		}
		if err := s.endDevice(tx, d.ID); err != nil {
			return err
		}
		err := s.audit.Write(tx, audit.Record{
			Actor: st.person.ID, Role: "person", Action: "device.lost", Object: "device:" + d.ID, Decision: audit.Alarm, Detail: "re-enrolled as " + st.device.ID,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// tellPerson sends the notices of an enrolment: to the person, and for a
// further device that is the warning, and then to the legal representatives he
// acts for. The former devices show the new one in their list.
func (s *Service) tellPerson(ctx context.Context, st *settlement) {
	template := notify.DeviceEnrolled
	if st.enrolment.Lost {
		template = notify.DeviceLost
	}
	params := map[string]string{"name": codes.MaskName(st.person.Name), "device": st.device.Name}
	told := map[string]bool{st.person.ID: true}
	s.Notify(ctx, st.person.ID, template, params)
	if st.known == nil {
		return
	}
	places, err := s.Places(ctx, st.person.ID)
	if err != nil {
		s.log.WarnContext(ctx, "legal representatives not told of a device", "person", st.person.ID, "error", err)
	}
	for _, p := range places {
		legal := s.legalOf(ctx, p.Org)
		if p.State != Active || legal == "" || told[legal] {
			continue
		}
		told[legal] = true
		s.Notify(ctx, legal, template, params)
	}
}

func (s *Service) legalOf(ctx context.Context, org string) (legal string) {
	_ = s.work.View(ctx, func(tx unit.Tx) error {
		o, err := s.t.Organizations.Get(tx, org)
		if err == nil {
			legal = o.Legal
		}
		return err
	})
	return legal
}
