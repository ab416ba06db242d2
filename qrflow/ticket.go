package qrflow

import (
	"crypto/subtle"
	"fmt"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Subject is whom a request is meant for. Bind and stamp must name account and
// principal: a relayed code then only ever serves the one who opened it.
type Subject struct {
	Account   string // of the application's user
	Principal string // identifier of the organization
	Person    string // the only one who may scan; empty: the purpose decides
}

// Ticket is one request to a person. Its row holds no secret: tokens, number
// and result code are derived from the cluster's secret when they are due.
//
// Indexes: unique "handleHash", unique "slot", plain "due+deadline" and
// "app+live".
type Ticket struct {
	unit.Row `bson:",inline"`

	App          string    `bson:"app"`
	Tenant       string    `bson:"tenant"`
	Purpose      string    `bson:"purpose"` // statement.Login, Bind, Stamp
	Account      string    `bson:"account" enc:"personal"`
	Principal    string    `bson:"principal"`
	Expected     string    `bson:"expected"` // Subject.Person
	Origins      []string  `bson:"origins"`  // of pages that may attach, exact
	VerifierHash gm.Digest `bson:"verifierHash"`
	Documents    int       `bson:"documents"`
	Payload      []byte    `bson:"payload" enc:"statement"` // the purpose's own
	Nonce        string    `bson:"nonce"`                   // for the statement: base64url of 32 bytes
	Kid          string    `bson:"kid"`                     // which cluster secret
	HandleHash   gm.Digest `bson:"handleHash"`
	Slot         string    `bson:"slot"` // one of the account's few while live, the id afterwards

	State    State     `bson:"state"`
	Live     bool      `bson:"live"` // State.Live()
	Seq      int64     `bson:"seq"`  // of the last event
	Due      bool      `bson:"due"`  // Deadline counts
	Deadline time.Time `bson:"deadline"`
	Reason   string    `bson:"reason"` // code of why it ended

	IssuedAt  time.Time `bson:"issuedAt"`
	PageUntil time.Time `bson:"pageUntil"` // the page token's end
	OpenedAt  time.Time `bson:"openedAt"`  // frame 0
	EndedAt   time.Time `bson:"endedAt"`
	Resume    int       `bson:"resume"`    // version of the newest resume token; 0: none yet
	Page      int       `bson:"page"`      // number of the newest attach; 0: none yet
	Knocks    int       `bson:"knocks"`    // attaches that were refused and are on record
	Strangers int       `bson:"strangers"` // wrong-subject claims

	Person    string    `bson:"person"` // claimant
	Device    string    `bson:"device"`
	KeyHash   gm.Digest `bson:"keyHash"`
	Who       string    `bson:"who" enc:"personal"` // masked, for the page
	ClaimedAt time.Time `bson:"claimedAt"`
	HeadBytes []byte    `bson:"head" enc:"statement"`
	HeadHash  gm.Digest `bson:"headHash"`
	Tries     int       `bson:"tries"` // wrong numbers

	Statement  gm.Digest `bson:"statement"` // hash of the approved statement
	Waits      bool      `bson:"waits"`     // for a second person's approval, set by Settle
	Total      int       `bson:"total"`     // stamps to make
	Made       int       `bson:"made"`
	CodeUntil  time.Time `bson:"codeUntil"` // first redeem before this
	RedeemedAt time.Time `bson:"redeemedAt"`
	Killed     bool      `bson:"killed"`   // the result is not given out any more
	Reported   bool      `bson:"reported"` // by the person who approved or scanned it
}

// Subject gives whom the request is meant for.
func (t *Ticket) Subject() Subject { return Subject{t.Account, t.Principal, t.Expected} }

// StateAt is the state as of now: a passed deadline means expired, written or
// not.
func (t *Ticket) StateAt(now time.Time) State { return stateAt(t.State, t.Due, t.Deadline, now) }

func stateAt(stored State, due bool, deadline, now time.Time) State {
	if due && !now.Before(deadline) {
		return Expired
	}
	return stored
}

// left is how long the state may still last; 0 for no limit or none left.
func (t *Ticket) left(now time.Time) time.Duration {
	if !t.Due || !now.Before(t.Deadline) {
		return 0
	}
	return t.Deadline.Sub(now)
}

// deadline sets, or with the zero time takes away, the state's end.
func (t *Ticket) deadline(at time.Time) {
	t.Deadline, t.Due = at, !at.IsZero()
}

// ClaimID names the claim of a ticket. A ticket is claimed once, so its claim
// has the ticket's own random part.
func (t *Ticket) ClaimID() string { return claimPrefix + t.ID[len(ticketPrefix):] }

const (
	ticketPrefix = "tk_"
	claimPrefix  = "cl_"
)

func ticketOf(claim string) string {
	if len(claim) <= len(claimPrefix) || claim[:len(claimPrefix)] != claimPrefix {
		return ""
	}
	return ticketPrefix + claim[len(claimPrefix):]
}

// stamps reports the purpose whose result is made after the approval.
func (t *Ticket) stamps() bool { return t.Purpose == statement.Stamp }

// heldBy reports whether this device made the claim.
func (t *Ticket) heldBy(c Claimant) bool {
	return t.Device != "" && equal(t.Device, c.Device) && equal(t.Person, c.Person)
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// Event tells that a step happened. It holds no secret, number or name; what a
// page may see beside it is worked out at delivery.
//
// Index: unique "ticket+seq".
type Event struct {
	unit.Row `bson:",inline"`
	Ticket   string    `bson:"ticket"`
	App      string    `bson:"app"`
	Seq      int64     `bson:"seq"`  // 1, 2, 3 … without a hole
	Type     string    `bson:"type"` // the new state, or match_wrong, wrong_subject, signing
	State    State     `bson:"state"`
	At       time.Time `bson:"at"`
	Tries    int       `bson:"tries"` // numbers left to try
	Made     int       `bson:"made"`
	Total    int       `bson:"total"`
	Reason   string    `bson:"reason"`
}

func eventID(ticket string, seq int64) string { return fmt.Sprintf("%s.%06d", ticket, seq) }

// Approval is the evidence of one approved ticket.
//
// Indexes: unique "statementHash", unique "nonce".
type Approval struct {
	unit.Row      `bson:",inline"` // the id is the ticket's: one approval a ticket
	Ticket        string           `bson:"ticket"`
	Purpose       string           `bson:"purpose"`
	Nonce         string           `bson:"nonce"`
	StatementHash gm.Digest        `bson:"statementHash"`
	Statement     []byte           `bson:"statement" enc:"statement"`
	Sig           []byte           `bson:"sig"`
	Second        []byte           `bson:"second"` // the device's second signature, as sent; may be nil
	Person        string           `bson:"person"`
	Device        string           `bson:"device"`
	KeyHash       gm.Digest        `bson:"keyHash"`
	At            time.Time        `bson:"at"`
}

// Signed gives the statement with its signature.
func (a Approval) Signed() statement.Signed {
	return statement.Signed{Bytes: a.Statement, Sig: a.Sig}
}
