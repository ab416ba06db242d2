package mobileapi

import (
	"context"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Seals is what a phone may see and stop of seals. The API has made sure,
// before it calls, that the caller represents the organization; codes come from
// the wire and may name any seal or none.
type Seals interface {
	// Of lists the seals of an organization (USCC), without pictures.
	Of(ctx context.Context, uscc string) ([]SealInfo, error)
	// Seal gives a seal with its picture; fault.Absent when there is none.
	Seal(ctx context.Context, code string) (*SealInfo, error)
	// Impressions lists the kinds on offer, and what is filed and can be
	// claimed of each, with its grey picture.
	Impressions(ctx context.Context, uscc string) ([]Impression, error)
	// Turn freezes a seal for the caller, on his request alone, or makes a frozen
	// one usable again by the act that he signed. It returns nil only when the
	// signer knows, and freezing again is no error.
	Turn(ctx context.Context, who authz.Caller, t SealTurn) error
}

// SealTurn stops a seal or lets it go on.
type SealTurn struct {
	Code, Reason string
	Unfreeze     *authz.Act // the signed ActUnfreezeSeal; nil: freeze
}

// ActUnfreezeSeal is the review act by which a legal representative makes a
// frozen seal usable again.
const ActUnfreezeSeal = "unfreeze-seal"

// ActClaimSeal is the review act by which a legal representative claims a seal.
const ActClaimSeal = "claim-seal"

// Claims opens applications for seals.
type Claims interface {
	// Prepare refuses what cannot be claimed now and gives the subject of the
	// claim's statement: the kind, and the hash of the uploaded picture, zero
	// without one. It keeps the picture until the statement is signed or has
	// lapsed.
	Prepare(ctx context.Context, uscc, kind string, picture []byte) (statement.Ref, error)
	// Claim performs the signed act ActClaimSeal. An act is used once; a second
	// time gives what came of it.
	Claim(ctx context.Context, act *authz.Act) (*Claimed, error)
}

// Scans is the life of a scanned code, as the phone takes part in it
// (protocol.md §2.7 from check 5 on). A claim belongs to the device that made
// it; for every other it is fault.TicketUnavailable.
type Scans interface {
	// Claim takes the ticket behind a frame for the caller, who reads lang, and
	// keeps the answer with that.
	Claim(ctx context.Context, who authz.Caller, f Frame, lang string, kept unit.Kept[*Scan]) (*Scan, error)
	// Manifest gives the doc lines of a statement that does not hold them;
	// fault.Absent for one that does.
	Manifest(ctx context.Context, who authz.Caller, claim string) ([]byte, error)
	// Document gives the bytes that line i, from 1, of the statement names.
	Document(ctx context.Context, who authz.Caller, claim string, i int) (*Document, error)
	// Approve performs the checks and gives the ticket's new state. The answer is
	// kept with it, but when the ticket was approved before.
	Approve(ctx context.Context, who authz.Caller, a Approval, kept unit.Kept[string]) (state string, err error)
	// Refuse ends the ticket: the caller does not want it, or reports that he
	// did not start it.
	Refuse(ctx context.Context, who authz.Caller, claim string, r Refusal) (state string, err error)
}

// Applications is the declaration systems one can delegate for.
type Applications interface {
	// Apps lists the active ones by name.
	Apps(ctx context.Context) ([]App, error)
	// App gives an active one; fault.AppInactive for any other id.
	App(ctx context.Context, id string) (App, error)
}

// History is what was done, newest first.
type History interface {
	// Activity lists what was done in a person's name.
	Activity(ctx context.Context, person string, p Page) (list []Activity, next string, err error)
	// Uses is the use register (用印台账) of an organization (USCC).
	Uses(ctx context.Context, uscc string, p Page) (list []Use, next string, err error)
}

// Page asks for a part of a list: Limit entries behind Cursor, which came with
// the part before; "" for the newest. A cursor that the list did not give is
// fault.BadRequest.
type Page struct {
	Cursor string
	Limit  int
}

// Words are the same thing in both languages.
type Words struct{ ZH, EN string }

func (w Words) in(lang string) string {
	if lang == statement.English {
		return w.EN
	}
	return w.ZH
}

// Picture is an impression at its true size: red of a usable seal, grey of one
// that is filed and not claimed; other states have their own look. Either form
// may be missing.
type Picture struct {
	PNG, SVG      []byte
	Width, Height float64 // mm
}

// SealInfo is a seal.
type SealInfo struct {
	Code      string
	USCC      string // whose it is
	Kind      string
	KindName  Words
	Name      string
	State     string
	StateName Words
	Usable    bool // now, by its owner
	Delegable bool // others may be given its use
	Hash      gm.Digest
	ValidFrom time.Time
	ValidTo   time.Time
	Picture   *Picture // nil in lists
}

// Ref names the seal in its present version.
func (s SealInfo) Ref() statement.Ref { return statement.Ref{ID: s.Code, Hash: s.Hash} }

// Impression is a kind of seal as the filing has it for an organization.
type Impression struct {
	Kind      string
	KindName  Words
	Filed     bool
	Claimable bool
	Upload    bool     // a picture may come with the claim
	Reason    string   // fault code of why it is not claimable
	Seal      string   // code of the living seal of this kind
	Picture   *Picture // nil when nothing is filed
}

// Claimed is how a claim stands.
type Claimed struct {
	Application string
	State       string // waiting, accepted, issuing, issued, rejected
	Seal        string // code, once issued
	Defects     []Defect
	DecideBy    time.Time
}

// Defect is why a claim waits for a clerk or was rejected.
type Defect struct {
	Code string
	Text Words
}

// Frame is what a phone read from a rolling code (protocol.md §2.3).
type Frame struct {
	Handle string // base64url of 16 bytes
	N      int64
	MAC    string // base64url of 12 bytes
}

// Scan is a claimed ticket.
type Scan struct {
	ID       string
	Head     []byte // of the statement, statement.Approval.Head
	Display  []byte // what the phone shows, statement.Display.Bytes
	DecideBy time.Time
}

// Document is a file as it was uploaded.
type Document struct {
	MediaType string
	Bytes     []byte
}

// Approval is the person's signed yes.
type Approval struct {
	Claim  string
	Head   gm.Digest // SM3 of the head he was shown
	Match  string    // the number he copied
	Sig    []byte    // SM2, DER, over head ‖ match ‖ LF
	Second []byte    // passkey assertion, nil for none
}

// Refusal is the person's no.
type Refusal struct {
	Reason string
	Report bool // "I did not start this"
}

// App is a declaration system.
type App struct {
	ID, Name  string
	Origins   []string
	Actions   []authz.Action
	SealKinds []string // it stamps with; empty: any
}

// Activity is one thing done in a person's name.
type Activity struct {
	At       time.Time
	Action   string
	Object   string
	Org      string
	Decision string
}

// Use is one line of the use register: one stamp on one document.
type Use struct {
	At         time.Time
	Seal       string
	App        statement.App
	Person     statement.Person // who approved it
	Owner      bool             // he is the legal representative himself
	Delegation string           // "" for the owner
	Slot       int              // use number of the delegation, 0 for the owner
	Ticket     string
	Case       string // the declaration system's own number
	Title      string
	Original   gm.Digest // SM3 of the document before
	Stamped    gm.Digest // and after; zero when the stamp was not made
	State      string
}
