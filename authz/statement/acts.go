package statement

import (
	"time"

	"yunzhang.dev/cloudseal/gm"
)

func delegationLayout() layout[Delegation] {
	return layout[Delegation]{
		first: "cseal-delegation/1",
		lines: []line[Delegation]{
			one("id", token(), func(d *Delegation) *string { return &d.ID }),
			one("nonce", nonce(), func(d *Delegation) *string { return &d.Nonce }),
			one("issuer", token(), func(d *Delegation) *string { return &d.Issuer }),
			one("org", org(), func(d *Delegation) *Org { return &d.Org }),
			one("grantor", person(), func(d *Delegation) *Person { return &d.Grantor }),
			one("device", digest(), func(d *Delegation) *gm.Digest { return &d.Device }),
			one("agent", person(), func(d *Delegation) *Person { return &d.Agent }),
			one("app", app(), func(d *Delegation) *App { return &d.App }),
			one("actions", actions(), func(d *Delegation) *[]string { return &d.Actions }),
			sealLines(func(d *Delegation) *[]Ref { return &d.Seals }),
			one("not-before", instant(), func(d *Delegation) *time.Time { return &d.NotBefore }),
			one("not-after", instant(), func(d *Delegation) *time.Time { return &d.NotAfter }),
			one("max", number(0, maxNumber), func(d *Delegation) *int { return &d.Max }),
			maybe("second-from", number(1, MaxDocs), func(d *Delegation) *int { return &d.SecondFrom }, none),
			one("issued-at", instant(), func(d *Delegation) *time.Time { return &d.IssuedAt }),
		},
		check: (*Delegation).check,
	}
}

func (d *Delegation) check() error {
	stamps := d.allows(Stamp)
	switch {
	case !d.NotAfter.After(d.NotBefore):
		return lineErr("not-after", errRange)
	case (stamps || d.allows(Second)) && len(d.Seals) == 0:
		return lineErr("seals", errMissing)
	case stamps && d.Max == 0:
		return lineErr("max", errRange)
	case !stamps && d.SecondFrom > 0:
		return lineErr("second-from", errNotHere)
	}
	return nil
}

func (d *Delegation) allows(action string) bool {
	for _, a := range d.Actions {
		if a == action {
			return true
		}
	}
	return false
}

// Bytes gives the statement, or fault.StatementBad.
func (d Delegation) Bytes() ([]byte, error) { return delegationLayout().build(&d) }

// ParseDelegation accepts exactly what Bytes makes, else fault.StatementBad.
func ParseDelegation(b []byte) (Delegation, error) { return delegationLayout().parse(b) }

func revocationLayout() layout[Revocation] {
	return layout[Revocation]{
		first: "cseal-revocation/1",
		lines: []line[Revocation]{
			one("nonce", nonce(), func(r *Revocation) *string { return &r.Nonce }),
			one("issuer", token(), func(r *Revocation) *string { return &r.Issuer }),
			one("kind", oneOf(OfDelegation, OfAgent, OfDevice), func(r *Revocation) *string { return &r.Kind }),
			one("subject", subject(), func(r *Revocation) *Ref { return &r.Subject }),
			maybe("org", org(), func(r *Revocation) *Org { return &r.Org }, none),
			one("person", person(), func(r *Revocation) *Person { return &r.Person }),
			one("device", digest(), func(r *Revocation) *gm.Digest { return &r.Device }),
			maybe("reason", text(), func(r *Revocation) *string { return &r.Reason }, none),
			one("issued-at", instant(), func(r *Revocation) *time.Time { return &r.IssuedAt }),
		},
	}
}

// Bytes gives the statement, or fault.StatementBad.
func (r Revocation) Bytes() ([]byte, error) { return revocationLayout().build(&r) }

// ParseRevocation accepts exactly what Bytes makes, else fault.StatementBad.
func ParseRevocation(b []byte) (Revocation, error) { return revocationLayout().parse(b) }

func reviewLayout() layout[Review] {
	return layout[Review]{
		first: "cseal-review/1",
		lines: []line[Review]{
			one("nonce", nonce(), func(r *Review) *string { return &r.Nonce }),
			one("issuer", token(), func(r *Review) *string { return &r.Issuer }),
			one("act", token(), func(r *Review) *string { return &r.Act }),
			one("subject", subject(), func(r *Review) *Ref { return &r.Subject }),
			one("opinion", oneOf(Approve, Reject), func(r *Review) *string { return &r.Opinion }),
			maybe("org", org(), func(r *Review) *Org { return &r.Org }, none),
			one("person", person(), func(r *Review) *Person { return &r.Person }),
			one("device", digest(), func(r *Review) *gm.Digest { return &r.Device }),
			maybe("note", text(), func(r *Review) *string { return &r.Note }, none),
			one("issued-at", instant(), func(r *Review) *time.Time { return &r.IssuedAt }),
		},
	}
}

// Bytes gives the statement, or fault.StatementBad.
func (r Review) Bytes() ([]byte, error) { return reviewLayout().build(&r) }

// ParseReview accepts exactly what Bytes makes, else fault.StatementBad.
func ParseReview(b []byte) (Review, error) { return reviewLayout().parse(b) }
