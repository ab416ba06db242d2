package authz

import (
	"context"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// CountBlocked notes, in the transaction that blocks a request for its wrong
// numbers, that it was this device, and locks a device that has blocked
// Limits.BlockedADay of them within a day. It is counted in the row, so it
// holds over all nodes and restarts.
func (s *Service) CountBlocked(tx unit.Tx, device string) error {
	d, err := s.t.Devices.Get(tx, device)
	if err != nil || d.State != Active {
		return absentAs(err, fault.DeviceUnknown)
	}
	var recent []time.Time
	for _, at := range d.Blocked {
		if tx.Now().Sub(at) < 24*time.Hour {
			recent = append(recent, at)
		}
	}
	d.Blocked = append(recent, tx.Now())
	if len(d.Blocked) >= s.limits.BlockedADay {
		d.State = Frozen
		err := s.audit.Write(tx, audit.Record{
			Actor: d.Person, Role: "system", Action: "device.locked", Object: "device:" + d.ID, Decision: audit.Alarm, Detail: "blocked-requests",
		})
		if err != nil {
			return err
		}
	}
	return s.t.Devices.Replace(tx, d)
}

// UnlockDevice takes a locked device back into use, after an operator's review.
func (s *Service) UnlockDevice(ctx context.Context, by, device, reason string) error {
	return s.work.Update(ctx, func(tx unit.Tx) error {
		d, err := s.t.Devices.Get(tx, device)
		if err != nil {
			return absentAs(err, fault.Absent)
		}
		if d.State != Frozen {
			return fault.WrongState
		}
		d.State, d.Blocked = Active, nil
		err = s.audit.Write(tx, audit.Record{
			Actor: by, Role: "business", Action: "device.unlocked", Object: "device:" + d.ID, Decision: "done", Detail: reason,
		})
		if err != nil {
			return err
		}
		return s.t.Devices.Replace(tx, d)
	})
}

// standing refuses a device that is not in use, and says why.
func (d *Device) standing() error {
	switch d.State {
	case Active:
		return nil
	case Frozen:
		return fault.DeviceLocked
	}
	return fault.DeviceRevoked
}
