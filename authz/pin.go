package authz

import (
	"context"
	"crypto/pbkdf2"
	"crypto/subtle"
	"unicode"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

const (
	pinMinLength   = 8      // domain.md, Identity
	pinMaxLength   = 64     // longer is not safer and costs hashing
	pinIterations  = 20_000 // slows a guesser who has both database and pepper
	pinSaltLength  = 16
	pinCheckLength = 32
	shareLength    = 32 // as long as the key it helps to unwrap
)

// newPIN makes what the server keeps of a PIN, with a fresh key share.
func (s *Service) newPIN(pin string) (PIN, error) {
	if err := checkPINStrength(pin); err != nil {
		return PIN{}, err
	}
	p := PIN{Salt: gm.Random(pinSaltLength), Share: gm.Random(shareLength)}
	check, err := s.pinCheck(p.Salt, pin)
	p.Check = check
	return p, err
}

func checkPINStrength(pin string) error {
	letters, digits := false, false
	for _, r := range pin {
		letters = letters || unicode.IsLetter(r)
		digits = digits || unicode.IsDigit(r)
	}
	if n := len([]rune(pin)); n < pinMinLength || n > pinMaxLength || !letters || !digits {
		return fault.PINWeak
	}
	return nil
}

// pinCheck hashes a PIN with a pepper that is not in the database: a copy of
// the database alone cannot be searched for PINs.
func (s *Service) pinCheck(salt []byte, pin string) ([]byte, error) {
	peppered := s.blinder.Blind("pin", pin)
	return pbkdf2.Key(gm.NewSM3, peppered, salt, pinIterations, pinCheckLength)
}

// Unlock gives the device its key share against the PIN. A wrong PIN counts;
// PINLimit of them in a row lock it. The count is durable before the answer.
func (s *Service) Unlock(ctx context.Context, who Caller, pin string) (share []byte, err error) {
	if len(pin) > 4*pinMaxLength {
		return nil, fault.PINWrong
	}
	given, err := s.pinGuess(ctx, who.Device.ID, pin)
	if err != nil {
		return nil, err
	}
	var refused error
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		d, err := s.t.Devices.Get(tx, who.Device.ID)
		if err != nil {
			return absentAs(err, fault.DeviceUnknown)
		}
		share, refused = s.judgePIN(d, given)
		if refused == nil && d.PINTries == 0 {
			return nil
		}
		if refused == nil {
			d.PINTries = 0
		}
		return s.savePIN(tx, d, refused)
	})
	if err != nil {
		return nil, err
	}
	return share, refused
}

func (s *Service) pinGuess(ctx context.Context, device, pin string) ([]byte, error) {
	var salt []byte
	err := s.work.View(ctx, func(tx unit.Tx) error {
		d, err := s.t.Devices.Get(tx, device)
		if err == nil {
			salt = d.PIN.Salt
		}
		return absentAs(err, fault.DeviceUnknown)
	})
	if err != nil {
		return nil, err
	}
	return s.pinCheck(salt, pin)
}

// judgePIN compares and counts in the row; the caller saves it.
func (s *Service) judgePIN(d *Device, given []byte) ([]byte, error) {
	if d.State != Active {
		return nil, fault.DeviceRevoked
	}
	if d.PINTries >= s.limits.PINLimit {
		return nil, fault.PINLocked
	}
	if subtle.ConstantTimeCompare(d.PIN.Check, given) == 1 {
		return d.PIN.Share, nil
	}
	d.PINTries++
	if d.PINTries >= s.limits.PINLimit {
		return nil, fault.PINLocked
	}
	return nil, fault.PINWrong.With("tries_left", s.limits.PINLimit-d.PINTries)
}

func (s *Service) savePIN(tx unit.Tx, d *Device, refused error) error {
	if refused != nil {
		if err := s.record(tx, "pin-refused", "device:"+d.ID, d.Person, "", fault.CodeOf(refused)); err != nil {
			return err
		}
	}
	return s.t.Devices.Replace(tx, d)
}

// ResetPIN sets a new PIN after fresh real-person authentication (session is one
// of BeginRealPerson), which also unlocks. The share stays, so the device keeps its key.
func (s *Service) ResetPIN(ctx context.Context, who Caller, session, pin string) error {
	fresh, err := s.newPIN(pin)
	if err != nil {
		return err
	}
	if err := s.ProveAgain(ctx, who, session); err != nil {
		return err
	}
	return s.work.Update(ctx, func(tx unit.Tx) error {
		d, err := s.t.Devices.Get(tx, who.Device.ID)
		if err != nil {
			return absentAs(err, fault.DeviceUnknown)
		}
		fresh.Share = d.PIN.Share
		d.PIN, d.PINTries = fresh, 0
		if err := s.record(tx, "pin-reset", "device:"+d.ID, d.Person, "", "done"); err != nil {
			return err
		}
		return s.t.Devices.Replace(tx, d)
	})
}
