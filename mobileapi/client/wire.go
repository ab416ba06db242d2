package client

import (
	"encoding/base64"
	"errors"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// binary is bytes on the wire: base64url without padding.
type binary []byte

func (b binary) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

func (b *binary) UnmarshalText(text []byte) error {
	v, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return errors.New("not base64url")
	}
	*b = v
	return nil
}

// list is a list on the wire.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// Me is the owner of the device.
type Me struct {
	PersonID string    `json:"person_id"`
	Name     string    `json:"name"`
	IDNumber string    `json:"id_number"` // masked
	Phone    string    `json:"phone"`     // masked
	RealAt   time.Time `json:"real_at"`
	DeviceID string    `json:"device_id"`
	Places   []Place   `json:"places"`
	Devices  []Device  `json:"devices"`
	Roles    []string  `json:"roles"`
}

// Place is a person's place in an organization.
type Place struct {
	MembershipID   string    `json:"membership_id"`
	OrganizationID string    `json:"organization_id"`
	USCC           string    `json:"uscc"`
	Organization   string    `json:"organization"`
	PersonID       string    `json:"person_id"`
	Person         string    `json:"person"`
	Role           string    `json:"role"`
	State          string    `json:"state"`
	Since          time.Time `json:"since"`
}

// Device is an enrolled device.
type Device struct {
	DeviceID  string    `json:"device_id"`
	Name      string    `json:"name"`
	Tier      string    `json:"tier"`
	State     string    `json:"state"`
	KeyHash   gm.Digest `json:"key_hash"`
	Passkey   bool      `json:"passkey"`
	Current   bool      `json:"current"`
	CoolUntil time.Time `json:"cool_until"` // zero: it does not cool
	CreatedAt time.Time `json:"created_at"`
}

// Delegation is a grant to an agent.
type Delegation struct {
	DelegationID   string    `json:"delegation_id"`
	OrganizationID string    `json:"organization_id"`
	USCC           string    `json:"uscc"`
	Organization   string    `json:"organization"`
	AgentID        string    `json:"agent_id"`
	Agent          string    `json:"agent"`
	Grantor        string    `json:"grantor"`
	AppID          string    `json:"app_id"`
	App            string    `json:"app"`
	Actions        []string  `json:"actions"`
	Seals          []string  `json:"seals"`
	NotBefore      time.Time `json:"not_before"`
	NotAfter       time.Time `json:"not_after"`
	Max            int       `json:"max"`
	Left           int       `json:"left"`
	State          string    `json:"state"`
	StatementSM3   gm.Digest `json:"statement_sm3"`
	CreatedAt      time.Time `json:"created_at"`
}

// Activity is one thing done in the person's name.
type Activity struct {
	At             time.Time `json:"at"`
	Action         string    `json:"action"`
	Object         string    `json:"object"`
	OrganizationID string    `json:"organization_id"`
	Decision       string    `json:"decision"`
}

// Use is one line of the use register.
type Use struct {
	At           time.Time `json:"at"`
	SealCode     string    `json:"seal_code"`
	AppID        string    `json:"app_id"`
	App          string    `json:"app"`
	PersonID     string    `json:"person_id"`
	Person       string    `json:"person"`
	Owner        bool      `json:"owner"`
	DelegationID string    `json:"delegation_id"`
	Slot         int       `json:"slot"`
	TicketID     string    `json:"ticket_id"`
	Case         string    `json:"case"`
	Title        string    `json:"title"`
	Original     gm.Digest `json:"original_sm3"`
	Stamped      gm.Digest `json:"stamped_sm3"` // zero until it is made
	State        string    `json:"state"`
}

// Seal is an electronic seal.
type Seal struct {
	Code      string    `json:"code"`
	USCC      string    `json:"uscc"`
	Kind      string    `json:"kind"`
	KindName  string    `json:"kind_name"`
	Name      string    `json:"name"`
	State     string    `json:"state"`
	StateName string    `json:"state_name"`
	Usable    bool      `json:"usable"`
	Delegable bool      `json:"delegable"`
	SM3       gm.Digest `json:"sm3"`
	ValidFrom time.Time `json:"valid_from"`
	ValidTo   time.Time `json:"valid_to"`
	Picture   *Picture  `json:"picture"`
}

// Picture is an impression at its true size. Either form may be missing.
type Picture struct {
	PNG    binary  `json:"png"`
	SVG    binary  `json:"svg"`
	Width  float64 `json:"width_mm"`
	Height float64 `json:"height_mm"`
}

// Impression is a kind of seal as the filing has it.
type Impression struct {
	Kind      string   `json:"kind"`
	KindName  string   `json:"kind_name"`
	Filed     bool     `json:"filed"`
	Claimable bool     `json:"claimable"`
	Upload    bool     `json:"upload"`
	Reason    string   `json:"reason"`
	SealCode  string   `json:"seal_code"`
	Picture   *Picture `json:"picture"`
}

// App is a declaration system one can delegate for.
type App struct {
	AppID     string   `json:"app_id"`
	Name      string   `json:"name"`
	Origins   []string `json:"origins"`
	Actions   []string `json:"actions"`
	SealKinds []string `json:"seal_kinds"`
}

// Agreement is the service agreement.
type Agreement struct {
	AgreementID string    `json:"agreement_id"`
	Text        string    `json:"text"`
	SM3         gm.Digest `json:"sm3"`
}

// Joined is a place that was asked for.
type Joined struct {
	OrganizationID string `json:"organization_id"`
	MembershipID   string `json:"membership_id"`
	State          string `json:"state"`
}

// Session is a real-person authentication under way.
type Session struct {
	SessionID string `json:"session_id"`
	FaceURL   string `json:"face_url"`
}

// Result is what a signed statement brought about.
type Result struct {
	ActID       string       `json:"act_id"`
	Kind        string       `json:"kind"`
	Done        bool         `json:"done"`
	SubjectKind string       `json:"subject_kind"`
	SubjectID   string       `json:"subject_id"`
	Application *Application `json:"application"` // of a claim
	State       string       `json:"state"`       // of a request, after a second opinion
}

// Application is how the claim of a seal stands.
type Application struct {
	ApplicationID string    `json:"application_id"`
	State         string    `json:"state"`
	SealCode      string    `json:"seal_code"` // once issued
	Defects       []Defect  `json:"defects"`
	DecideBy      time.Time `json:"decide_by"`
}

// Defect is why a claim waits for a person.
type Defect struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// wireDraft is a drafted statement on the wire. Its words are left aside: the
// phone makes its own of the bytes.
type wireDraft struct {
	ActID     string    `json:"act_id"`
	Kind      string    `json:"kind"`
	Statement binary    `json:"statement"`
	SM3       gm.Digest `json:"statement_sm3"`
	ExpiresAt time.Time `json:"expires_at"`
}

// wireScan is a claimed code on the wire.
type wireScan struct {
	ClaimID  string    `json:"claim_id"`
	Head     binary    `json:"head"`
	SM3      gm.Digest `json:"head_sm3"`
	Display  binary    `json:"display"`
	DecideBy time.Time `json:"decide_by"`
}

// wireState is how a scanned request stands.
type wireState struct {
	State string `json:"state"`
}

// signed is a signature on the wire, with the passkey's.
type signed struct {
	Sig    binary `json:"sig_sm2"`
	Second binary `json:"sig_hw,omitzero"`
}

// lines are a statement in words.
type lines = []statement.Line
