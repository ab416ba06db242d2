package mobileapi

import "time"

// Draft is a statement that waits for its signature.
type Draft struct {
	ActID        string        `json:"act_id"`
	Kind         string        `json:"kind" enum:"delegation,revocation,accept-agreement,approve-agent,approve-device,claim-seal,second-approval,unfreeze-seal"`
	Statement    Bytes         `json:"statement" doc:"The exact bytes to sign"`
	StatementSM3 Hash          `json:"statement_sm3"`
	Summary      []SummaryLine `json:"summary" doc:"The statement in words, for the screen"`
	ExpiresAt    time.Time     `json:"expires_at"`
}

// SummaryLine is one row of a statement in words.
type SummaryLine struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// DelegationRequest asks for the draft of a delegation.
type DelegationRequest struct {
	AgentID   string     `json:"agent_id" minLength:"1" maxLength:"64" doc:"Person, from the members of the organization"`
	AppID     string     `json:"app_id" minLength:"1" maxLength:"64"`
	Actions   []string   `json:"actions" enum:"bind,login,second,stamp" minItems:"1" maxItems:"4"`
	Seals     []string   `json:"seals,omitzero" maxItems:"20" maxLength:"32" doc:"Codes; needed for stamp and second, and only for them"`
	NotBefore *time.Time `json:"not_before,omitempty" doc:"Now when absent"`
	NotAfter  time.Time  `json:"not_after"`
	Max       int        `json:"max,omitzero" minimum:"1" maximum:"1000000" doc:"Stamps in all; needed for stamp"`
	// SecondFrom makes larger requests wait for a second person.
	SecondFrom int `json:"second_from,omitzero" minimum:"1" maximum:"50" doc:"Documents of one request from which another person must approve too"`
}

// RevocationRequest asks for the draft of a revocation.
type RevocationRequest struct {
	Kind   string `json:"kind" enum:"delegation,agent,device"`
	ID     string `json:"id" minLength:"1" maxLength:"128" doc:"Of the delegation, the membership or the device"`
	Reason string `json:"reason,omitzero" maxLength:"200"`
}

// SealClaim asks for the draft of a claim.
type SealClaim struct {
	Kind    string `json:"kind" minLength:"1" maxLength:"40"`
	Picture Bytes  `json:"picture,omitzero" maxLength:"5600000" doc:"Picture of the impression; absent for the way without one"`
}

// ActSignature signs a drafted statement.
type ActSignature struct {
	SigSM2 Bytes `json:"sig_sm2" minLength:"1" maxLength:"200" doc:"By the device's statement key over the statement: SM2 with SM3, DER"`
	SigHW  Bytes `json:"sig_hw,omitzero" maxLength:"22000" doc:"JSON of the PublicKeyCredential that navigator.credentials.get gave, challenge SM3(\"cseal-webauthn/1\" ‖ 00 ‖ statement); needed when the device has a passkey"`
}

// ActResult is what a signed statement brought about.
type ActResult struct {
	ActID       string           `json:"act_id"`
	Kind        string           `json:"kind" enum:"delegation,revocation,accept-agreement,approve-agent,approve-device,claim-seal,second-approval,unfreeze-seal"`
	Done        bool             `json:"done" doc:"It is in force"`
	SubjectKind string           `json:"subject_kind" enum:"delegation,agent,device,membership,agreement,application,ticket,seal"`
	SubjectID   string           `json:"subject_id" doc:"What it made, changed or ended"`
	Application *SealApplication `json:"application,omitempty" doc:"Of a claim"`
	State       string           `json:"state,omitzero" doc:"Of the request, after a second opinion"`
}

// SealApplication is how a claim stands.
type SealApplication struct {
	ApplicationID string        `json:"application_id"`
	State         string        `json:"state" enum:"waiting,accepted,issuing,issued,rejected"`
	SealCode      string        `json:"seal_code,omitzero" doc:"Once issued"`
	Defects       []ClaimDefect `json:"defects" doc:"Why it waits for a person"`
	DecideBy      *time.Time    `json:"decide_by,omitempty" doc:"Until when the issuing body decides"`
}

// ClaimDefect is one reason.
type ClaimDefect struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// AgreementText is the service agreement.
type AgreementText struct {
	AgreementID string `json:"agreement_id" doc:"Its version"`
	Text        string `json:"text"`
	SM3         Hash   `json:"sm3" doc:"Of the UTF-8 bytes of the text; the acceptance names it"`
}

// AppEntry is a declaration system one can delegate for.
type AppEntry struct {
	AppID     string   `json:"app_id"`
	Name      string   `json:"name"`
	Origins   []string `json:"origins" doc:"Of its pages"`
	Actions   []string `json:"actions" enum:"bind,login,stamp" doc:"What it may ask for"`
	SealKinds []string `json:"seal_kinds" doc:"Kinds it stamps with; empty: any"`
}
