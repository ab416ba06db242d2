package statement

import (
	"time"

	"yunzhang.dev/cloudseal/gm"
)

func enrolmentLayout() layout[Enrolment] {
	return layout[Enrolment]{
		first: "cseal-enrolment/1",
		lines: []line[Enrolment]{
			one("id", token(), func(e *Enrolment) *string { return &e.ID }),
			one("issuer", token(), func(e *Enrolment) *string { return &e.Issuer }),
			one("person", person(), func(e *Enrolment) *Person { return &e.Person }),
			one("id-hash", digest(), func(e *Enrolment) *gm.Digest { return &e.IDHash }),
			one("tier", oneOf("S", "W", "N"), func(e *Enrolment) *string { return &e.Tier }),
			one("key", binary(), func(e *Enrolment) *[]byte { return &e.Key }),
			one("request-key", binary(), func(e *Enrolment) *[]byte { return &e.RequestKey }),
			maybe("passkey", token(), func(e *Enrolment) *string { return &e.Passkey }, none),
			maybe("passkey-key", binary(), func(e *Enrolment) *[]byte { return &e.PasskeyKey }, func(b []byte) bool { return len(b) == 0 }),
			one("evidence", text(), func(e *Enrolment) *string { return &e.Evidence }),
			one("issued-at", instant(), func(e *Enrolment) *time.Time { return &e.IssuedAt }),
			maybe("cools-until", instant(), func(e *Enrolment) *time.Time { return &e.CoolsUntil }, time.Time.IsZero),
		},
		check: func(e *Enrolment) error {
			if (e.Passkey == "") != (len(e.PasskeyKey) == 0) {
				return lineErr("passkey-key", errMissing)
			}
			return nil
		},
	}
}

// Bytes gives the statement, or fault.StatementBad.
func (e Enrolment) Bytes() ([]byte, error) { return enrolmentLayout().build(&e) }

// ParseEnrolment accepts exactly what Bytes makes, else fault.StatementBad.
func ParseEnrolment(b []byte) (Enrolment, error) { return enrolmentLayout().parse(b) }

func representationLayout() layout[Representation] {
	return layout[Representation]{
		first: "cseal-representation/1",
		lines: []line[Representation]{
			one("id", token(), func(r *Representation) *string { return &r.ID }),
			one("issuer", token(), func(r *Representation) *string { return &r.Issuer }),
			one("org", org(), func(r *Representation) *Org { return &r.Org }),
			one("person", person(), func(r *Representation) *Person { return &r.Person }),
			one("source", text(), func(r *Representation) *string { return &r.Source }),
			one("checked-at", instant(), func(r *Representation) *time.Time { return &r.CheckedAt }),
		},
	}
}

// Bytes gives the statement, or fault.StatementBad.
func (r Representation) Bytes() ([]byte, error) { return representationLayout().build(&r) }

// ParseRepresentation accepts exactly what Bytes makes, else
// fault.StatementBad.
func ParseRepresentation(b []byte) (Representation, error) { return representationLayout().parse(b) }
