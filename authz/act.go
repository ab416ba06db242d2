package authz

import (
	"context"
	"encoding/base64"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Kinds of acts that are not the act of a review statement.
const (
	ActDelegation = "delegation"
	ActRevocation = "revocation"
)

// The review acts that authz performs itself.
const (
	ActAgreement    = "accept-agreement"
	ActApproveAgent = "approve-agent"
)

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// draft stores a statement for its signer to see and sign.
func (s *Service) draft(ctx context.Context, who Caller, a *Act, bytes []byte) (*Act, error) {
	a.Row = unit.Row{ID: unit.NewID("ac")}
	a.Person, a.Device, a.State = who.Person.ID, who.Device.ID, Pending
	a.Statement = statement.Signed{Bytes: bytes}
	return a, s.work.Update(ctx, func(tx unit.Tx) error {
		a.Expires = tx.Now().Add(s.limits.ActLife)
		return s.t.Acts.Insert(tx, a)
	})
}

// DraftReview drafts a review statement: an act on a subject, with an opinion.
// The meaning of the act belongs to the domain that performs it.
func (s *Service) DraftReview(ctx context.Context, who Caller, org *Organization, act string, subject statement.Ref, opinion, note string) (*Act, error) {
	r := statement.Review{
		Nonce: newNonce(), Issuer: s.issuer, Act: act, Subject: subject, Opinion: opinion,
		Person: statement.Person{ID: who.Person.ID, Name: who.Person.Name}, Device: keyDigest(who.Device),
		Note: note, IssuedAt: seconds(s.now()),
	}
	a := &Act{Kind: act, Subject: subject.ID}
	if org != nil {
		r.Org, a.Org = statement.Org{USCC: org.USCC, Name: org.Name}, org.ID
	}
	bytes, err := r.Bytes()
	if err != nil {
		return nil, fault.StatementBad.Because(err)
	}
	return s.draft(ctx, who, a, bytes)
}

// OrderReview makes a review act on the strength of the proved request alone,
// without the PIN: for stopping something at once. Its statement carries no
// signature, and nothing that gives power may be performed on it.
func (s *Service) OrderReview(ctx context.Context, who Caller, org *Organization, act string, subject statement.Ref, note string) (*Act, error) {
	a, err := s.DraftReview(ctx, who, org, act, subject, statement.Approve, note)
	if err != nil {
		return nil, err
	}
	return a, s.work.Update(ctx, func(tx unit.Tx) error {
		if a, err = s.t.Acts.Get(tx, a.ID); err != nil {
			return err
		}
		a.State = Active
		return s.t.Acts.Replace(tx, a)
	})
}

// Sign verifies the signature over a drafted statement and performs the act if
// it is one of authz's own; others come back signed, for their domain to
// perform. Signing the same act again gives it again.
func (s *Service) Sign(ctx context.Context, who Caller, act string, sig, second []byte) (*Act, error) {
	a, err := s.actOf(ctx, who, act)
	if err != nil {
		return nil, err
	}
	if a.State != Pending {
		return a, s.Retell(ctx)
	}
	count, err := s.checkSignatures(who.Device, a.Statement.Bytes, sig, second)
	if err != nil {
		return nil, err
	}
	err = s.work.Update(ctx, func(tx unit.Tx) error {
		if a, err = s.t.Acts.Get(tx, act); err != nil {
			return err
		}
		if a.State != Pending {
			return nil
		}
		if !tx.Now().Before(a.Expires) {
			return fault.Expired
		}
		if err := s.useDevice(tx, who.Device.ID, count); err != nil {
			return err
		}
		a.Statement.Sig, a.Second, a.State = sig, second, Active
		if err := s.perform(tx, a); err != nil {
			return err
		}
		return s.t.Acts.Replace(tx, a)
	})
	if err != nil {
		return nil, err
	}
	return a, s.Retell(ctx)
}

// Take hands a signed review statement to the domain that performs it, once:
// it is marked as performed on object in the same transaction, and a second
// time is fault.WrongState. With a role, its signer must hold it.
func (s *Service) Take(tx unit.Tx, act, role, object string) (*Act, error) {
	a, err := s.t.Acts.Get(tx, act)
	if err != nil {
		return nil, absentAs(err, fault.Absent)
	}
	if a.State != Active {
		return nil, fault.WrongState
	}
	if role != "" {
		if _, err := s.operator(tx, a.Person, role); err != nil {
			return nil, err
		}
	}
	a.State = Ended
	if err := s.recordSigned(tx, a, object); err != nil {
		return nil, err
	}
	return a, s.t.Acts.Replace(tx, a)
}

func (s *Service) actOf(ctx context.Context, who Caller, id string) (a *Act, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		a, err = s.t.Acts.Get(tx, id)
		return absentAs(err, fault.Absent)
	})
	if err == nil && (a.Person != who.Person.ID || a.Device != who.Device.ID) {
		return nil, fault.Absent
	}
	return a, err
}

// checkSignatures verifies both signatures over the same bytes: the device's
// SM2 key always, its passkey when it has one.
func (s *Service) checkSignatures(d Device, statement, sig, second []byte) (count uint32, err error) {
	if err := s.CheckSM2(d, statement, sig); err != nil {
		return 0, err
	}
	return s.CheckSecond(d, statement, second)
}

// CheckSM2 verifies a device's signature over a statement. The algorithm is
// that of the key record, never the request's word.
func (s *Service) CheckSM2(d Device, statement, sig []byte) error {
	key, err := gm.ParsePublicKey(d.Key)
	if err != nil || !key.Verify(statement, sig) {
		return fault.Signature.Because(err)
	}
	return nil
}

// CheckSecond verifies the passkey assertion of a device that has one and
// gives the passkey's new counter.
func (s *Service) CheckSecond(d Device, statement, assertion []byte) (uint32, error) {
	if d.Passkey.Credential == "" {
		return 0, nil
	}
	if len(assertion) == 0 {
		return 0, fault.SignatureHW
	}
	count, err := s.passkeys.Assert(d.Passkey, statement, assertion)
	if err != nil {
		return 0, err
	}
	return count, d.counted(count)
}

// useDevice checks the device once more inside the transaction and writes it:
// its revocation and this use conflict. The passkey counter moves forward.
func (s *Service) useDevice(tx unit.Tx, id string, count uint32) error {
	d, err := s.t.Devices.Get(tx, id)
	if err != nil {
		return absentAs(err, fault.DeviceUnknown)
	}
	if err := d.Use(count); err != nil {
		return err
	}
	return s.t.Devices.Replace(tx, d)
}

// Use moves the passkey's counter forward; a counter that stands still or goes
// back is a copied key. Authenticators that do not count say zero for ever.
func (d *Device) Use(count uint32) error {
	if d.State != Active {
		return fault.DeviceRevoked
	}
	if d.Passkey.Credential == "" {
		return nil
	}
	if err := d.counted(count); err != nil {
		return err
	}
	d.Passkey.Count = count
	return nil
}

// counted is the counter's rule.
func (d *Device) counted(count uint32) error {
	if count <= d.Passkey.Count && (count != 0 || d.Passkey.Count != 0) {
		return fault.SignatureHW.Becausef("the passkey's counter went from %d to %d", d.Passkey.Count, count)
	}
	return nil
}

// perform carries out the acts that are authz's own.
func (s *Service) perform(tx unit.Tx, a *Act) error {
	performers := map[string]func(unit.Tx, *Act) error{
		ActDelegation:    s.grant,
		ActRevocation:    s.revoke,
		ActAgreement:     s.acceptAgreement,
		ActApproveAgent:  s.approveAgent,
		ActApproveDevice: s.approveDevice,
	}
	do, ours := performers[a.Kind]
	if !ours {
		return nil
	}
	if err := do(tx, a); err != nil {
		return err
	}
	a.State = Ended
	return s.recordSigned(tx, a, a.Subject)
}

func keyDigest(d Device) gm.Digest {
	h, err := gm.ParseDigest(d.KeyHash)
	if err != nil {
		return gm.Digest{}
	}
	return h
}
