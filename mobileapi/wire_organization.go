package mobileapi

import "time"

// JoinRequest asks for a place in an organization.
type JoinRequest struct {
	Role          string `json:"role" enum:"legal,agent"`
	USCC          string `json:"uscc" minLength:"1" maxLength:"32"`
	Authorization string `json:"authorization,omitzero" maxLength:"16" doc:"Code that the legal representative passed on; agent only"`
}

// Joined is the place.
type Joined struct {
	OrganizationID string `json:"organization_id"`
	MembershipID   string `json:"membership_id"`
	State          string `json:"state" enum:"pending,active" doc:"An agent's place is pending until the legal representative approves it"`
}

// AuthorizationAsk asks for an authorization code.
type AuthorizationAsk struct {
	USCC string `json:"uscc" minLength:"1" maxLength:"32"`
}

// RegisterEntry is one line of the use register: one stamp on one document.
type RegisterEntry struct {
	At         time.Time `json:"at"`
	SealCode   string    `json:"seal_code"`
	AppID      string    `json:"app_id"`
	App        string    `json:"app"`
	PersonID   string    `json:"person_id"`
	Person     string    `json:"person" doc:"Who approved it"`
	Owner      bool      `json:"owner" doc:"He is the legal representative himself"`
	Delegation string    `json:"delegation_id,omitzero"`
	Slot       int       `json:"slot,omitzero" doc:"Use number of the delegation, from 1"`
	Ticket     string    `json:"ticket_id"`
	Case       string    `json:"case,omitzero" doc:"The declaration system's own number"`
	Title      string    `json:"title"`
	Original   Hash      `json:"original_sm3" doc:"SM3 of the document as it was uploaded"`
	Stamped    *Hash     `json:"stamped_sm3,omitempty" doc:"SM3 of the stamped document; absent until it is made"`
	State      string    `json:"state"`
}
