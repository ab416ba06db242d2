package statement

import (
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// Limits of a statement.
const (
	// MaxSize bounds a whole statement, so that a phone can show all of it.
	MaxSize = 64 << 10
	// MaxInline bounds the doc lines that stand in an approval itself: what
	// keeps a statement readable in court, and below MaxSize. The lines of a
	// larger batch stand in a manifest, and docs-root ties it to the statement.
	MaxInline = 50
	// MaxDocs bounds the documents of one approval: a list that a person can
	// still search through, and one write of the store.
	MaxDocs = 500
	// MaxManifest bounds a manifest: MaxDocs lines with titles of 700 bytes.
	MaxManifest = MaxDocs << 10
	// MaxSeals bounds the seals of one statement.
	MaxSeals = 20
	// MatchDigits is the length of the number that the person copies.
	MatchDigits = 3
)

// Purposes of an approval, which are also the actions of a delegation.
const (
	Bind  = "bind"
	Login = "login"
	Stamp = "stamp"
	// Second is an action of a delegation only: its holder may be the second
	// person who approves what another has approved.
	Second = "second"
)

// SecondApproval is the act of the review statement by which a second person
// approves or refuses: its subject is the ticket, with the hash of the first
// person's statement.
const SecondApproval = "second-approval"

// A second approval is dated when it is drafted; it is signed and counts within
// SecondLife of that, as long as a person may look at what he signs. It may be
// drafted up to MostSecondWait after the first.
const (
	SecondLife     = 10 * time.Minute
	MostSecondWait = 24 * time.Hour
)

// Decisions of an approval, and opinions of a review.
const (
	Approve = "approve"
	Reject  = "reject"
)

// Org is an organization: unified social credit code (GB 32100) and name.
type Org struct{ USCC, Name string }

// Person is a natural person: our identifier, never the citizen's number, and
// name.
type Person struct{ ID, Name string }

// App is a declaration system as registered.
type App struct{ ID, Name string }

// Ref names a thing and the SM3 of the bytes that define it.
type Ref struct {
	ID   string
	Hash gm.Digest
}

// Place is where a stamp goes: page from 1, millimetres from the top left of
// the page as displayed. A statement keeps tenths of a millimetre.
type Place struct {
	Page       int
	X, Y, W, H float64
}

// Doc is one stamp on one document.
type Doc struct {
	SM3   gm.Digest // of the file as uploaded
	DTBS  gm.Digest // what goes into the seal signature: dataHash of TBS_Sign (GB/T 38540 §7.2)
	Pages int
	Seal  int // number of the seal in Approval.Seals from 1; 0 in the short form
	Place Place
	Title string
}

// Limits is what the delegation still allows; information for the person.
type Limits struct {
	UsesAfter int       // uses left after this approval, as of IssuedAt
	Expires   time.Time // end of the delegation
}

// Approval is what an agent, or the legal representative himself, confirms by
// scanning.
type Approval struct {
	Purpose, Decision, Issuer string
	Ticket                    string
	Nonce                     string // base64url of 32 random bytes
	App                       App
	Origin                    string
	Account                   string // as displayed: whole for bind, masked otherwise
	Principal                 Org
	Agent                     Person
	Device                    gm.Digest // of the public key
	Delegation                Ref       // zero: the legal representative himself ("owner")
	Seals                     []Ref
	Case                      string // the declaration system's own number, if any
	// Docs are the documents. Of a batch above MaxInline a statement holds
	// Count and DocsRoot only: read, it has no Docs until Approval.With adds
	// the manifest.
	Docs                []Doc
	Count               int       // 0: as many as Docs
	DocsRoot            gm.Digest // zero: computed of Docs
	Limits              *Limits
	Context             string    // network prefix and browser as reported
	Display             gm.Digest // of what the phone rendered: locale, template, summary
	IssuedAt, ExpiresAt time.Time
}

// Delegation is the legal representative's permission for an agent.
type Delegation struct {
	ID, Nonce, Issuer   string
	Org                 Org
	Grantor             Person
	Device              gm.Digest // the grantor's
	Agent               Person
	App                 App
	Actions             []string // of Bind, Login, Second, Stamp, sorted, each once
	Seals               []Ref    // needed for Second and Stamp
	NotBefore, NotAfter time.Time
	Max                 int // uses in all; each is a slot from 1 to Max
	// SecondFrom is the number of documents of one request from which another
	// person must approve too; 0: the delegation asks for none.
	SecondFrom int
	IssuedAt   time.Time
}

// What a revocation ends.
const (
	OfDelegation = "delegation"
	OfAgent      = "agent"
	OfDevice     = "device"
)

// Revocation ends a delegation, an agent's membership or a device.
type Revocation struct {
	Nonce, Issuer string
	Kind          string // OfDelegation, OfAgent, OfDevice
	Subject       Ref    // the hash is zero where no statement made the subject
	Org           Org    // zero: a person's own device
	Person        Person // who revokes
	Device        gm.Digest
	Reason        string // may be empty
	IssuedAt      time.Time
}

// Enrolment says that a device's keys are a person's; signed by the enrolment
// authority.
type Enrolment struct {
	ID, Issuer string
	Person     Person
	IDHash     gm.Digest // keyed hash of the citizen's number
	Tier       string    // S software, W web, N native
	Key        []byte    // SPKI of the key that signs acts
	RequestKey []byte    // SPKI of the key that proves requests
	Passkey    string    // credential id, base64url; empty for none
	PasskeyKey []byte    // COSE key, nil for none
	Evidence   string    // how the person was proved
	IssuedAt   time.Time
	// CoolsUntil is set for a further device: before, nothing it signs for others
	// counts. Its owner's old device ends this by a statement anew.
	CoolsUntil time.Time
}

// Representation says that the business registry named a person the legal
// representative of an organization; signed by the enrolment authority.
type Representation struct {
	ID, Issuer string
	Org        Org
	Person     Person
	Source     string // which registry answered
	CheckedAt  time.Time
}

// Review is an opinion or an act of procedure by a person in an office:
// accept-agreement, approve-agent, claim-seal, review-application and so on.
type Review struct {
	Nonce, Issuer string
	Act           string
	Subject       Ref // the hash is zero where the subject has no bytes of its own
	Opinion       string
	Org           Org // zero: no organization is concerned
	Person        Person
	Device        gm.Digest
	Note          string // may be empty
	IssuedAt      time.Time
}

// Signed is a statement with its signature: SM2 with SM3 over Bytes, DER.
type Signed struct {
	Bytes []byte `bson:"bytes"`
	Sig   []byte `bson:"sig"`
}

// Hash is the SM3 of the statement, which identifies it: SM2 gives many valid
// signatures over the same bytes.
func (s Signed) Hash() gm.Digest { return gm.SM3(s.Bytes) }
