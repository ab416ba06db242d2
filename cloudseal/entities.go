package cloudseal

import (
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/status"
)

// Seal is an electronic seal. Its id is its code: 14 digits, also the esID of
// its data, the common name of its certificate and the certificate identifier
// that declaration systems keep; stable over renewals.
type Seal struct {
	unit.Row  `bson:",inline"`
	Org       string          `bson:"org"` // USCC
	OrgName   string          `bson:"orgName"`
	Kind      impression.Kind `bson:"kind"`
	Name      string          `bson:"name"`
	State     status.State    `bson:"state"`
	Events    int             `bson:"events"`  // how many are in its history
	Version   int             `bson:"version"` // of key, certificate and data; from 1
	Serial    string          `bson:"serial"`  // of the certificate
	Hash      gm.Digest       `bson:"hash"`
	ValidFrom time.Time       `bson:"validFrom"`
	ValidTo   time.Time       `bson:"validTo"`
	// Owned is unique: org and kind while the seal lives, its code once it has
	// ended. An organization has one living seal of a kind.
	Owned string `bson:"owned"`
	// Marked: its history holds more than the beginning, so lists name it.
	Marked bool `bson:"marked"`
	// Told: the signer knows the present state. Change is what brought it.
	Told      bool      `bson:"told"`
	Change    Change    `bson:"change"`
	CreatedAt time.Time `bson:"createdAt"`
	// DER is the SESeal. It holds the picture and stands with the certificate,
	// because this row is written with every approval; Seal and SealIn fill it
	// in, lists do not.
	DER []byte `bson:"-"`
}

// Title is what people call the seal: whose it is and its kind.
func (s *Seal) Title() string { return s.Name + "（" + s.Kind.Chinese() + "）" }

// Change is why a seal entered its present state.
type Change struct {
	// N counts the changes; it is the version under which the signer is told, so
	// that one who tells of an older change undoes nothing.
	N      int64  `bson:"n"`
	Act    string `bson:"act"`
	Reason string `bson:"reason"`
}

// Ref names the seal in its present version, as statements do.
func (s *Seal) Ref() statement.Ref { return statement.Ref{ID: s.ID, Hash: s.Hash} }

// Certificate is a seal certificate with the seal that was made for it; neither
// ever changes. Its id is its serial number in hex.
type Certificate struct {
	unit.Row  `bson:",inline"`
	Seal      string    `bson:"seal"`
	Version   int       `bson:"version"`
	DER       []byte    `bson:"der"`
	SealDER   []byte    `bson:"sealDER" enc:"document"`
	NotBefore time.Time `bson:"notBefore"`
	NotAfter  time.Time `bson:"notAfter"`
}

// Event is one step of a seal's history. Its id is EventID.
type Event struct {
	unit.Row `bson:",inline"`
	Seal     string       `bson:"seal"`
	N        int          `bson:"n"` // from 1
	State    status.State `bson:"state"`
	From     time.Time    `bson:"from"`
	Reason   string       `bson:"reason"`
	Act      string       `bson:"act"` // the act or application that brought it
}

// AppState is where an application stands.
type AppState string

// The states of an application. Issued and Rejected are final.
const (
	Waiting  AppState = "waiting"  // for the acceptance clerk
	Accepted AppState = "accepted" // for the issue reviewer
	Issuing  AppState = "issuing"  // approved; key, certificate and seal are being made
	Issued   AppState = "issued"
	Rejected AppState = "rejected"
)

// Defect is why an application is not decided by the system, or not at all:
// a code, with words for people.
type Defect struct {
	Code string `bson:"code" json:"code"`
	ZH   string `bson:"zh" json:"zh"`
	EN   string `bson:"en" json:"en"`
}

// Opinion is a signed opinion of somebody in an office.
type Opinion struct {
	Person    string           `bson:"person"`
	Opinion   string           `bson:"opinion"` // statement.Approve or Reject
	Note      string           `bson:"note"`
	Statement statement.Signed `bson:"statement"`
	At        time.Time        `bson:"at"`
}

// Application is the claim of a seal.
type Application struct {
	unit.Row   `bson:",inline"`
	Procedure  string           `bson:"procedure"` // "claim"
	Org        string           `bson:"org"`       // USCC
	OrgName    string           `bson:"orgName"`
	Region     string           `bson:"region"`
	Kind       impression.Kind  `bson:"kind"`
	Applicant  string           `bson:"applicant"` // person
	Claim      statement.Signed `bson:"claim" enc:"statement"`
	Uploaded   []byte           `bson:"uploaded" enc:"document"` // picture, nil when none was
	Filed      FiledImpression  `bson:"filed" enc:"document"`
	State      AppState         `bson:"state"`
	Defects    []Defect         `bson:"defects"`
	Acceptance Opinion          `bson:"acceptance" enc:"statement"`
	Review     Opinion          `bson:"review" enc:"statement"`
	DecideBy   time.Time        `bson:"decideBy"`
	// Open is unique: org and kind while undecided, the id afterwards.
	Open string `bson:"open"`
	// Code, Certificate and DER are set step by step while Issuing, each once.
	Code        string    `bson:"code"`
	Certificate []byte    `bson:"certificate"`
	DER         []byte    `bson:"der" enc:"document"`
	CreatedAt   time.Time `bson:"createdAt"`
	DecidedAt   time.Time `bson:"decidedAt"`
}

// FiledImpression is the filed impression as an application keeps it; sizes in
// mm.
type FiledImpression struct {
	Name   string  `bson:"name"`
	Number string  `bson:"number"` // of the filing
	PNG    []byte  `bson:"png"`
	Width  float64 `bson:"width"`
	Height float64 `bson:"height"`
}

// DocState is where a document stands.
type DocState string

// The states of a document.
const (
	Ready      DocState = "ready"    // may be prepared
	Held       DocState = "held"     // prepared for an open request
	InStamping DocState = "stamping" // approved; it will be stamped, or freed
	StampedDoc DocState = "stamped"  // final
)

// Document is a file to stamp, frozen at upload. Its bytes are in Blobs under
// its tenant and SM3, those of the result under Stamped.
type Document struct {
	unit.Row    `bson:",inline"`
	Tenant      string    `bson:"tenant"` // application
	Title       string    `bson:"title" enc:"document"`
	SM3         gm.Digest `bson:"sm3"`
	Size        int       `bson:"size"`
	Pages       int       `bson:"pages"`
	State       DocState  `bson:"state"`
	Hold        string    `bson:"hold"` // whose request it is prepared for
	HeldUntil   time.Time `bson:"heldUntil"`
	Ticket      string    `bson:"ticket"` // under which it is or was stamped
	Stamped     gm.Digest `bson:"stamped"`
	StampedSize int       `bson:"stampedSize"`
	CreatedAt   time.Time `bson:"createdAt"`
	StampedAt   time.Time `bson:"stampedAt"`
}

// Preparation is a document with its stamp placed, for one request. It never
// changes: what was shown is what is stamped. The bytes of the stamp stand in
// an Increment of the same id.
type Preparation struct {
	unit.Row `bson:",inline"`
	Hold     string        `bson:"hold"`
	Index    int           `bson:"index"` // in the request, from 1
	Document string        `bson:"document"`
	Seal     statement.Ref `bson:"seal"`
	Line     statement.Doc `bson:"line" enc:"document"`
}

// Increment is what a preparation appends to its document, without the zeros of
// the slot, which are most of it.
type Increment struct {
	unit.Row `bson:",inline"`
	Prepared pdf.Prepared `bson:"prepared" enc:"document"` // Tail cut
	Slot     int          `bson:"slot"`                    // how many zeros
}

// IntentState is where an intent stands.
type IntentState string

// The states of an intent.
const (
	OpenIntent   IntentState = "open"
	DoneIntent   IntentState = "done"
	FailedIntent IntentState = "failed"
)

// Intent is the written decision to stamp one document of one ticket: it is
// there before anything is signed and open until the end is known. Its id is
// IntentID.
type Intent struct {
	unit.Row    `bson:",inline"`
	Ticket      string      `bson:"ticket"`
	Index       int         `bson:"index"` // from 1
	Tenant      string      `bson:"tenant"`
	Org         string      `bson:"org"` // USCC of the principal
	Document    string      `bson:"document"`
	Preparation string      `bson:"preparation"`
	Seal        string      `bson:"seal"`
	Slot        int         `bson:"slot"` // 0 for the owner
	State       IntentState `bson:"state"`
	Reason      string      `bson:"reason"` // fault code of a failed one
	Lease       Lease       `bson:"lease"`  // of the whole ticket, in the intent with index 1
	CreatedAt   time.Time   `bson:"createdAt"`
	SettledAt   time.Time   `bson:"settledAt"`
}

// IntentID names the one intent for a document of a ticket.
func IntentID(ticket, document string) string { return ticket + "." + document }

// Evidence is what permitted the stamps of a ticket, kept as long as the
// stamps. Its id is the hex hash of the approval statement, which every stamp
// carries.
type Evidence struct {
	unit.Row `bson:",inline"`
	Ticket   string        `bson:"ticket"`
	Evidence keys.Evidence `bson:"evidence" enc:"statement"`
}

// Counter numbers things without a gap in between being reused.
type Counter struct {
	unit.Row `bson:",inline"`
	Last     int `bson:"last"`
}

// Stamped is a finished document.
type Stamped struct {
	Document string
	SM3      gm.Digest
	Size     int
	Time     time.Time // timeInfo of the stamp
}
