package mobileapi

import "time"

// List is a part of a list, newest or first things first.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitzero" doc:"Cursor of the part that follows; absent at the end"`
}

// Me is the caller.
type Me struct {
	PersonID string    `json:"person_id"`
	Name     string    `json:"name"`
	IDNumber string    `json:"id_number" doc:"Masked"`
	Phone    string    `json:"phone" doc:"Masked"`
	RealAt   time.Time `json:"real_at" doc:"Last real-person authentication"`
	DeviceID string    `json:"device_id" doc:"The device that asks"`
	Places   []Place   `json:"places" doc:"His places in organizations"`
	Devices  []Device  `json:"devices"`
	Roles    []string  `json:"roles" doc:"Operator roles: clerk, reviewer, business, auditor"`
}

// Place is a person's place in an organization.
type Place struct {
	MembershipID   string    `json:"membership_id"`
	OrganizationID string    `json:"organization_id"`
	USCC           string    `json:"uscc"`
	Organization   string    `json:"organization"`
	PersonID       string    `json:"person_id"`
	Person         string    `json:"person"`
	Role           string    `json:"role" enum:"legal,agent"`
	State          string    `json:"state" enum:"pending,active,frozen,revoked,ended"`
	Since          time.Time `json:"since"`
}

// Device is an enrolled phone.
type Device struct {
	DeviceID  string     `json:"device_id"`
	Name      string     `json:"name"`
	Tier      string     `json:"tier" enum:"S,W,N"`
	State     string     `json:"state" enum:"pending,active,frozen,revoked,ended"`
	KeyHash   string     `json:"key_hash" doc:"SM3 of the statement key's SubjectPublicKeyInfo, as statements name the device"`
	Passkey   bool       `json:"passkey" doc:"It signs with a second key too"`
	Current   bool       `json:"current" doc:"It is the one that asks"`
	CoolUntil *time.Time `json:"cool_until,omitempty" doc:"Until then it may only log in"`
	CreatedAt time.Time  `json:"created_at"`
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
	Actions        []string  `json:"actions" enum:"bind,login,stamp"`
	Seals          []string  `json:"seals" doc:"Codes of the seals"`
	NotBefore      time.Time `json:"not_before"`
	NotAfter       time.Time `json:"not_after"`
	Max            int       `json:"max" doc:"Uses in all"`
	Left           int       `json:"left" doc:"Uses that remain"`
	State          string    `json:"state" enum:"pending,active,frozen,revoked,ended"`
	StatementSM3   Hash      `json:"statement_sm3"`
	CreatedAt      time.Time `json:"created_at"`
}

// ActivityEntry is one thing done in the person's name.
type ActivityEntry struct {
	At       time.Time `json:"at"`
	Action   string    `json:"action"`
	Object   string    `json:"object"`
	Org      string    `json:"organization_id,omitzero"`
	Decision string    `json:"decision"`
}
