package authz

import (
	"context"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Registry is the business registry. A finding of "unknown" and an error both
// mean that nothing is known now; neither takes a power away.
type Registry interface {
	Represents(ctx context.Context, uscc string, who registry.Identity) (registry.Finding, error)
}

// Authority signs enrolment and representation statements. Its public key is
// pinned by the signer and published to verifiers.
type Authority interface {
	Sign(statement []byte) ([]byte, error)
}

// Stops tells the signer that a power has ended. When Stop returns nil, nothing
// more will be signed under it; before, the end is not acknowledged to anyone.
// Both are idempotent. Of what is told of one power the highest version holds,
// and the stop of two with the same, in whatever order they arrive: an older
// Lift is nil without effect, a Stop behind a newer Lift fault.StateConflict.
type Stops interface {
	Stop(ctx context.Context, kind, id string, version int64) error
	Lift(ctx context.Context, kind, id string, version int64) error
}

// Blinder makes the keyed hashes under which personal data are looked up:
// HMAC-SM3 with a key that is not in the database, one domain per class.
type Blinder interface {
	Blind(class, value string) string
}

// Passkeys checks WebAuthn responses: a registration gives the credential, an
// assertion over a statement its new counter. Errors are fault.SignatureHW.
type Passkeys interface {
	Register(key, requestKey, response []byte) (Passkey, error)
	Assert(key Passkey, statement, assertion []byte) (count uint32, err error)
}

// CodeRequest names one code and everything it is bound to.
type CodeRequest struct {
	Purpose string    // enrol, authorize-agent
	Phone   string    // who receives it
	Request string    // the request it is for
	Key     gm.Digest // device key it is for; zero for none
	About   string    // masked name for the text, not part of the binding
}

// Codes sends and checks one-time codes. Check burns the code; a wrong, old or
// foreign one is fault.CodeWrong. Caps are fault.SlowDown.
type Codes interface {
	Send(ctx context.Context, r CodeRequest) error
	Check(ctx context.Context, r CodeRequest, code string) error
}

// RealPerson is the provider of real-person authentication.
type RealPerson interface {
	Begin(ctx context.Context, who realperson.Identity, purpose string) (realperson.Session, error)
	Result(ctx context.Context, token string) (realperson.Evidence, error)
}

// Notices tells people what happened in their name. Delivery is best effort
// and never part of a decision.
type Notices interface {
	Send(ctx context.Context, m notify.Message) error
}

// Tables is where the entities live.
type Tables struct {
	People        unit.Table[Person]
	Organizations unit.Table[Organization]
	Memberships   unit.Table[Membership]
	Devices       unit.Table[Device]
	Delegations   unit.Table[Delegation]
	Slots         unit.Table[Slot]
	Operators     unit.Table[Operator]
	Enrolments    unit.Table[Enrolment]
	Acts          unit.Table[Act]
	Nonces        unit.Table[Nonce]
	Invitations   unit.Table[Invitation]
	Tells         unit.Table[Tell]
	Presences     unit.Table[Presence]
}

// Trail writes audit records in the transaction of the act.
type Trail interface {
	Write(tx unit.Tx, r audit.Record) error
}

// Limits are the numbers that authz holds to, each with its reason.
type Limits struct {
	// PINLimit wrong entries in a row lock a PIN: five, as the custody rules
	// for seal carriers have it.
	PINLimit int
	// Cooling is how long a further or replacement device waits before it may
	// do more than log in, so that its owner can object.
	Cooling time.Duration
	// BlockedADay requests that a device's wrong numbers blocked within a day
	// lock it for review: somebody is guessing, or is being talked into it.
	BlockedADay int
	// ActLife is how long a drafted statement waits for its signature.
	ActLife time.Duration
	// EnrolLife is how long a registration may take.
	EnrolLife time.Duration
	// NonceLife is how old the server nonce of a phone request may be.
	NonceLife time.Duration
	// DelegationMax bounds the uses of one delegation and DelegationLife its
	// window: a grant is looked at again at least once a year.
	DelegationMax  int
	DelegationLife time.Duration
}

// DefaultLimits are the limits of DESIGN.md and protocol.md §2.4.
func DefaultLimits() Limits {
	return Limits{
		PINLimit: 5, BlockedADay: 3, Cooling: 24 * time.Hour, ActLife: 10 * time.Minute, EnrolLife: 15 * time.Minute,
		NonceLife: 5 * time.Minute, DelegationMax: 1_000_000, DelegationLife: 366 * 24 * time.Hour,
	}
}

// DefaultPolicy admits every tier but the sandbox's.
func DefaultPolicy() Policy {
	return Policy{EvidenceAge: 10 * time.Minute, RegistryAge: 24 * time.Hour, Tiers: []Tier{TierW, TierN}}
}
