package authz

import (
	"time"

	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// State is the state of a person, organization, membership, device,
// delegation or operator.
type State string

// The states. Ended and Revoked are final.
const (
	Pending State = "pending" // waits for an approval
	Active  State = "active"
	Frozen  State = "frozen" // stopped for a while
	Revoked State = "revoked"
	Ended   State = "ended"
)

// Role is what a person is in an organization.
type Role string

// The roles of a membership (domain.md, Words).
const (
	Legal Role = "legal" // 法定代表人
	Agent Role = "agent" // 经办人
)

// Action is what a delegation may permit.
type Action string

// The actions. All but Second are also the purposes of a ticket; Second lets its
// holder approve what another has approved, where two are asked for.
const (
	Bind   Action = "bind"
	Login  Action = "login"
	Second Action = "second"
	Stamp  Action = "stamp"
)

// Tier is the kind of a device (DESIGN.md, Device keys and tiers).
type Tier string

// The tiers.
const (
	TierS Tier = "S" // software key of the command-line phone; sandbox only
	TierW Tier = "W" // web app
	TierN Tier = "N" // native, attested hardware key
)

// Person is somebody who proved who he is.
type Person struct {
	unit.Row  `bson:",inline"`
	IDHash    string    `bson:"idHash"` // keyed hash of the citizen ID; unique
	PhoneHash string    `bson:"phoneHash"`
	Name      string    `bson:"name" enc:"personal"`
	IDNumber  string    `bson:"idNumber" enc:"personal"`
	Phone     string    `bson:"phone" enc:"personal"`
	State     State     `bson:"state"`
	RealAt    time.Time `bson:"realAt"` // last real-person authentication
	CreatedAt time.Time `bson:"createdAt"`
}

// Organization is a holder of seals, known by its USCC.
type Organization struct {
	unit.Row `bson:",inline"`
	USCC     string `bson:"uscc"`
	Name     string `bson:"name"`
	Region   string `bson:"region"` // GB/T 2260 division of the registering authority
	State    State  `bson:"state"`
	Legal    string `bson:"legal"` // person who represents it, "" when none is known
	// Representation is the authority's signed word that the registry named
	// Legal; CheckedAt is when.
	Representation statement.Signed `bson:"representation" enc:"statement"`
	CheckedAt      time.Time        `bson:"checkedAt"`
	Agreement      string           `bson:"agreement"` // act that accepted the service agreement
	CreatedAt      time.Time        `bson:"createdAt"`
}

// Membership is a person's place in an organization. Its id is MembershipID.
type Membership struct {
	unit.Row   `bson:",inline"`
	Org        string    `bson:"org"`
	Person     string    `bson:"person"`
	Role       Role      `bson:"role"`
	State      State     `bson:"state"`
	ApprovedBy string    `bson:"approvedBy"` // act of the legal representative
	Since      time.Time `bson:"since"`
}

// MembershipID names the one membership of a person in an organization.
func MembershipID(org, person string) string { return org + "." + person }

// Device is an enrolled phone. Key signs statements and is unlocked by the
// PIN; RequestKey signs requests.
type Device struct {
	unit.Row   `bson:",inline"`
	Person     string           `bson:"person"`
	Name       string           `bson:"name"`
	Tier       Tier             `bson:"tier"`
	State      State            `bson:"state"`
	Key        []byte           `bson:"key"` // SPKI
	KeyHash    string           `bson:"keyHash"`
	RequestKey []byte           `bson:"requestKey"` // SPKI
	Passkey    Passkey          `bson:"passkey"`
	CoolUntil  time.Time        `bson:"coolUntil"`
	Enrolment  statement.Signed `bson:"enrolment" enc:"statement"`
	PIN        PIN              `bson:"pin" enc:"secret"`
	// Blocked is when requests were blocked by wrong numbers of this device, within
	// the last day; with Limits.BlockedADay of them it is frozen for review.
	Blocked []time.Time `bson:"blocked"`
	// PINTries counts wrong entries in a row; at PINLimit the PIN is locked.
	PINTries  int       `bson:"pinTries"`
	CreatedAt time.Time `bson:"createdAt"`
}

// Passkey is the second key of a device: a WebAuthn credential with user
// verification. The zero value means none.
type Passkey struct {
	Credential string `bson:"credential"` // base64url
	Key        []byte `bson:"key"`        // COSE
	Count      uint32 `bson:"count"`
}

// PIN is what the server keeps of a signing PIN, and the share of the device
// key that it releases against it.
type PIN struct {
	Salt  []byte `bson:"salt"`
	Check []byte `bson:"check"`
	Share []byte `bson:"share"`
}

// Delegation is a grant of the legal representative to an agent. The signed
// statement is the authority; the fields are its parsed copy for queries.
type Delegation struct {
	unit.Row  `bson:",inline"`
	Org       string          `bson:"org"`
	Agent     string          `bson:"agent"`
	App       string          `bson:"app"`
	Grantor   string          `bson:"grantor"`
	Device    string          `bson:"device"` // of the grantor
	Actions   []Action        `bson:"actions"`
	Seals     []statement.Ref `bson:"seals"`
	NotBefore time.Time       `bson:"notBefore"`
	NotAfter  time.Time       `bson:"notAfter"`
	Max       int             `bson:"max"`
	// SecondFrom is the number of documents from which a second person approves;
	// 0: the delegation asks for none.
	SecondFrom int              `bson:"secondFrom"`
	Next       int              `bson:"next"` // lowest slot never taken, from 1
	Free       []int            `bson:"free"` // slots below Next that were given back, ascending
	State      State            `bson:"state"`
	Statement  statement.Signed `bson:"statement" enc:"statement"`
	Second     []byte           `bson:"second" enc:"statement"` // passkey assertion of the grantor
	Revoked    string           `bson:"revoked"`                // act that revoked it
	CreatedAt  time.Time        `bson:"createdAt"`
}

// Left is how many uses remain.
func (d *Delegation) Left() int { return d.Max - (d.Next - 1) + len(d.Free) }

// Slot is one use of a delegation. Its id is SlotID.
type Slot struct {
	unit.Row   `bson:",inline"`
	Delegation string    `bson:"delegation"`
	N          int       `bson:"n"`
	Ticket     string    `bson:"ticket"` // "" while free
	At         time.Time `bson:"at"`
}

// Operator is a person of the issuing or operating body.
type Operator struct {
	unit.Row  `bson:",inline"`
	Person    string    `bson:"person"`
	Roles     []string  `bson:"roles"`
	State     State     `bson:"state"`
	CreatedAt time.Time `bson:"createdAt"`
}

// Enrolment is a registration under way. It ends as a device or lapses.
type Enrolment struct {
	unit.Row   `bson:",inline"`
	Kind       EnrolKind `bson:"kind"`
	USCC       string    `bson:"uscc"`
	Roles      []string  `bson:"roles"`      // operator enrolment only
	Invitation string    `bson:"invitation"` // its row, operator enrolment only
	Applicant  Applicant `bson:"applicant" enc:"personal"`
	Device     NewDevice `bson:"device"`
	RealPerson string    `bson:"realPerson" enc:"secret"` // the provider's session token
	// Proved is the provider's answer once it was had: a provider gives it once,
	// and a wrong code after it must not cost the person another face check.
	Proved realperson.Evidence `bson:"proved" enc:"personal"`
	// PhoneOK and AuthorizationOK keep codes that were right, since a check burns
	// them and something later may fail.
	PhoneOK         bool      `bson:"phoneOK"`
	AuthorizationOK bool      `bson:"authorizationOK"`
	Lost            bool      `bson:"lost"`  // a further device: the former ones are lost
	About           string    `bson:"about"` // step-up: the claim that it is for, "" for any act
	State           State     `bson:"state"`
	Result          string    `bson:"result"` // device it became
	Expires         time.Time `bson:"expires"`
}

// Applicant is who says he enrols.
type Applicant struct {
	Name     string `bson:"name"`
	IDNumber string `bson:"idNumber"`
	Phone    string `bson:"phone"`
}

// NewDevice is the device part of an enrolment.
type NewDevice struct {
	Name       string  `bson:"name"`
	Tier       Tier    `bson:"tier"`
	Key        []byte  `bson:"key"`
	RequestKey []byte  `bson:"requestKey"`
	Passkey    Passkey `bson:"passkey"`
}

// Presence is fresh evidence that a person was there for one claim; its id is the
// claim's. It is good for nothing else, so a face that was shown for one thing
// never stands for another.
type Presence struct {
	unit.Row `bson:",inline"`
	Person   string    `bson:"person"`
	Evidence gm.Digest `bson:"evidence"`
	At       time.Time `bson:"at"`
	Expires  time.Time `bson:"expires"`
}

// Act is a statement on its way: drafted, shown, signed, performed.
type Act struct {
	unit.Row  `bson:",inline"`
	Person    string           `bson:"person"`
	Device    string           `bson:"device"`
	Org       string           `bson:"org"`
	Kind      string           `bson:"kind"` // delegation, revocation, or the act of a review statement
	Subject   string           `bson:"subject"`
	Statement statement.Signed `bson:"statement" enc:"statement"` // Sig empty while drafted
	Second    []byte           `bson:"second" enc:"statement"`    // passkey assertion, when the device has one
	State     State            `bson:"state"`                     // pending, active (signed), ended (performed)
	Expires   time.Time        `bson:"expires"`
}
