// Package binding is for declaration systems: their registration, the accounts
// they bind, what they ask of people and what they get back. It is the one
// domain that orchestrates: it brings tickets (qrflow), seals (cloudseal) and
// powers (authz) together, and is the owner of the three purposes of a ticket.
//
//	apps.go       registration, request keys
//	stop.go       the kill switch of an application
//	open.go       a request: checked, documents held, ticket made
//	subject.go    for whom a request is: the binding of the account that asks
//	claim.go      a scan, with the registry asked again where its word is old
//	risk.go       what speaks for a relayed code, and when a face is asked for
//	request.go    what a ticket carries, the statement made of it
//	shown.go      what a phone looks at before it signs: list and documents
//	login.go      the purposes of a ticket …
//	linking.go
//	stamping.go   … and how a stamp ends (cloudseal.Outcome)
//	second.go     the second person, where one is asked for
//	redeem.go     results, handed to whoever holds the verifier
//	bindings.go   account ↔ certificate
//	report.go     "I did not start this"
//	notice.go     who is told of what was done in his name
//	worker.go     stamps what was approved, at once and after a crash
//	bundle.go     what a verifier needs offline
package binding

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/qrflow"
)

// Tables is where the entities live. Indexes they ask for:
//
//	Apps      state+name, untold
//	AppKeys   app
//	Bindings  app+live unique where live is not empty; ticket; app+agent+state
//	Notices   sent+due, expires
//	Pages     expires
//	Seconds   org+state
type Tables struct {
	Apps     unit.Table[App]
	AppKeys  unit.Table[AppKey]
	Bindings unit.Table[Binding]
	Notices  unit.Table[Notice]
	Pages    unit.Table[Page]
	Seconds  unit.Table[Second]
}

// Stops tells the signer that an application was stopped or may go on. When Stop
// returns nil, no stamp for it begins any more. Both are idempotent. What is told
// with an older version than the signer knows has no effect: a Lift is nil all
// the same, a Stop behind a newer Lift fault.StateConflict.
type Stops interface {
	Stop(ctx context.Context, kind, id string, version int64) error
	Lift(ctx context.Context, kind, id string, version int64) error
}

// Trail writes audit records in the transaction of the act.
type Trail interface {
	Write(tx unit.Tx, r audit.Record) error
}

// Deps is what a Service is made of.
type Deps struct {
	Work    unit.Work
	Tables  Tables
	Authz   *authz.Service
	Seals   *cloudseal.Service
	Flow    *qrflow.Service
	Stops   Stops
	Audit   Trail
	Issuer  string // public host name, in every statement
	Sandbox bool   // http origins on loopback names are admitted
	Policy  Policy // zero: DefaultPolicy
	Now     func() time.Time
	Log     *slog.Logger
}

// Service is the domain. It is safe for concurrent use.
type Service struct {
	work    unit.Work
	t       Tables
	authz   *authz.Service
	seals   *cloudseal.Service
	flow    *qrflow.Service
	stops   Stops
	audit   Trail
	issuer  string
	sandbox bool
	policy  Policy
	now     func() time.Time
	log     *slog.Logger
	queue   chan string // approved tickets to stamp
}

// queueSize is how many approved tickets wait in memory; what does not fit is
// found by the next look at the open intents.
const queueSize = 1024

// New makes a Service, registers the three purposes and takes the outcome of
// stamps.
func New(d Deps) (*Service, error) {
	if d.Work == nil || d.Authz == nil || d.Seals == nil || d.Flow == nil || d.Stops == nil || d.Now == nil || d.Issuer == "" {
		return nil, errors.New("binding: a dependency is missing")
	}
	if d.Policy == (Policy{}) {
		d.Policy = DefaultPolicy()
	}
	s := &Service{
		work: d.Work, t: d.Tables, authz: d.Authz, seals: d.Seals, flow: d.Flow, stops: d.Stops, audit: d.Audit, issuer: d.Issuer,
		sandbox: d.Sandbox, policy: d.Policy, now: d.Now, log: d.Log, queue: make(chan string, queueSize),
	}
	d.Seals.SetOutcome(s)
	return s, errors.Join(
		d.Flow.Register(statement.Login, login{s}),
		d.Flow.Register(statement.Bind, linking{s}),
		d.Flow.Register(statement.Stamp, stamping{s}),
	)
}

func (s *Service) record(tx unit.Tx, action, object, actor, org, decision string) error {
	return s.audit.Write(tx, audit.Record{Actor: actor, Action: action, Object: object, Org: org, Decision: decision})
}

func takenAs(err error, f *fault.Error) error {
	if errors.Is(err, unit.ErrTaken) {
		return f
	}
	return err
}
