package authz

import (
	"errors"
	"log/slog"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Deps is what a Service is made of.
type Deps struct {
	Work       unit.Work
	Tables     Tables
	Registry   Registry
	RealPerson RealPerson
	Notices    Notices
	Codes      Codes
	Authority  Authority
	Stops      Stops
	Blinder    Blinder
	Passkeys   Passkeys
	Audit      Trail
	NonceKey   []byte // key of the request nonces, one for all nodes
	Issuer     string // public host name, first in every statement
	Limits     Limits
	Policy     Policy
	Now        func() time.Time
	Log        *slog.Logger
}

// Service is the domain. It is safe for concurrent use.
type Service struct {
	work       unit.Work
	t          Tables
	registry   Registry
	realPerson RealPerson
	notices    Notices
	codes      Codes
	authority  Authority
	stops      Stops
	blinder    Blinder
	passkeys   Passkeys
	audit      Trail
	nonceKey   []byte
	issuer     string
	limits     Limits
	policy     Policy
	now        func() time.Time
	log        *slog.Logger
}

// New makes a Service.
func New(d Deps) (*Service, error) {
	if d.Work == nil || d.Registry == nil || d.Authority == nil || d.Stops == nil || d.Now == nil || len(d.NonceKey) == 0 || d.Issuer == "" {
		return nil, errors.New("authz: a dependency is missing")
	}
	return &Service{
		work: d.Work, t: d.Tables, registry: d.Registry, realPerson: d.RealPerson, notices: d.Notices, codes: d.Codes,
		authority: d.Authority, stops: d.Stops, blinder: d.Blinder, passkeys: d.Passkeys, audit: d.Audit,
		nonceKey: d.NonceKey, issuer: d.Issuer, limits: d.Limits, policy: d.Policy, now: d.Now, log: d.Log,
	}, nil
}

// record writes an audit record of the transaction's act.
func (s *Service) record(tx unit.Tx, action, object, actor, org, decision string) error {
	return s.audit.Write(tx, audit.Record{At: tx.Now(), Actor: actor, Action: action, Object: object, Org: org, Decision: decision})
}

// recordSigned is record with the hash of the statement that caused it.
func (s *Service) recordSigned(tx unit.Tx, a *Act, object string) error {
	return s.audit.Write(tx, audit.Record{
		At: tx.Now(), Actor: a.Person, Action: a.Kind, Object: object, Org: a.Org,
		Decision: "done", Evidence: a.Statement.Hash(),
	})
}

// takenAs turns unit.ErrTaken into a fault and leaves everything else.
func takenAs(err error, f *fault.Error) error {
	if errors.Is(err, unit.ErrTaken) {
		return f
	}
	return err
}

// seconds cuts a time to what statements can say.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// newNonce makes the nonce of a statement.
func newNonce() string { return encode(gm.Random(32)) }
