package client

import "time"

// App is a registered application.
type App struct {
	ID        string   `json:"app_id"`
	Name      string   `json:"name"`
	Origins   []string `json:"origins"`
	Actions   []string `json:"actions"`
	SealKinds []string `json:"seal_kinds"`
}

// Document is an uploaded file.
type Document struct {
	ID      string    `json:"document_id"`
	Title   string    `json:"title"`
	SM3     string    `json:"sm3"`
	Size    int       `json:"size"`
	Pages   int       `json:"pages"`
	State   string    `json:"state"`
	Stamped string    `json:"stamped_sm3"`
	Created time.Time `json:"created_at"`
}

// Subject is whom a request is for.
type Subject struct {
	Account string `json:"account"`
	USCC    string `json:"uscc"`
	Person  string `json:"person"`
}

// Stamp asks for one stamp: X and Y are mm from the displayed page's top left.
type Stamp struct {
	Document string  `json:"document_id"`
	Seal     string  `json:"seal"` // kind, such as "statutory"
	Page     int     `json:"page"`
	X        float64 `json:"x"`
	Y        float64 `json:"y"`
}

// Ask asks a person for something. Purpose is bind, login or stamp.
type Ask struct {
	Purpose      string  `json:"purpose"`
	Subject      Subject `json:"subject"`
	Case         string  `json:"case"`
	Origin       string  `json:"origin"`
	VerifierHash string  `json:"verifier_hash"` // hex
	Context      string  `json:"context"`
	Documents    []Stamp `json:"documents"`
}

// Opened is a ticket for the page to show.
type Opened struct {
	Ticket    string    `json:"ticket_id"`
	PageToken string    `json:"page_token"`
	PageUntil time.Time `json:"page_until"`
	OpenUntil time.Time `json:"open_until"`
	SocketURL string    `json:"ws_url"`
}

// Status is the state of a ticket.
type Status struct {
	Ticket  string `json:"ticket_id"`
	Purpose string `json:"purpose"`
	State   string `json:"state"`
	LastSeq int64  `json:"last_seq"`
	Reason  string `json:"reason"`
	// Revoked: the person says that he did not start the request, or its result
	// was caught. End the session or binding that came of it.
	Revoked bool `json:"revoked"`
}

// Binding ties an account to a certificate.
type Binding struct {
	State       string    `json:"state"`
	Account     string    `json:"account"`
	USCC        string    `json:"uscc"`
	Certificate string    `json:"certificate_id"`
	Serial      string    `json:"certificate_serial"`
	Agent       string    `json:"agent"`
	Since       time.Time `json:"since"`
}

// Result is what a ticket brought.
type Result struct {
	Ticket    string     `json:"ticket_id"`
	Purpose   string     `json:"purpose"`
	Account   string     `json:"account"`
	USCC      string     `json:"uscc"`
	OrgName   string     `json:"org_name"`
	Person    string     `json:"person"`
	Name      string     `json:"person_name"`
	At        time.Time  `json:"approved_at"`
	Statement string     `json:"statement_sm3"`
	Binding   *Binding   `json:"binding"`
	Documents []Document `json:"documents"`
}
