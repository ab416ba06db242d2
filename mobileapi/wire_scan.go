package mobileapi

import "time"

// ScanRequest is what a phone read from a rolling code.
type ScanRequest struct {
	Handle string `json:"handle" pattern:"^[A-Za-z0-9_-]{22}$" doc:"base64url of 16 bytes"`
	N      int64  `json:"n" minimum:"0" maximum:"4294967295" doc:"Number of the frame"`
	MAC    string `json:"mac" pattern:"^[A-Za-z0-9_-]{16}$" doc:"base64url of 12 bytes"`
}

// ScanClaim is a scanned request, for the person to look at.
type ScanClaim struct {
	ClaimID   string         `json:"claim_id"`
	Head      Bytes          `json:"head" doc:"The statement up to and including \"match: \", exact to the byte"`
	HeadSM3   Hash           `json:"head_sm3"`
	Display   Bytes          `json:"display" doc:"What the phone shows, exact to the byte: the display line of the head is its SM3"`
	Summary   []SummaryLine  `json:"summary" doc:"The lines of display, in the language of the first claim"`
	Count     int            `json:"count" doc:"How many documents are to be stamped, one stamp each"`
	Manifest  bool           `json:"manifest" doc:"The documents are in the manifest, because they are too many for the head"`
	Documents []ScanDocument `json:"documents" doc:"One entry a stamp; empty when there is a manifest"`
	DecideBy  time.Time      `json:"decide_by"`
}

// ScanDocument is one stamp on one document.
type ScanDocument struct {
	Index int     `json:"index" doc:"From 1; the doc.i line of the statement"`
	Title string  `json:"title"`
	Pages int     `json:"pages"`
	SM3   Hash    `json:"sm3" doc:"Of the file; what is fetched must hash to it"`
	Seal  string  `json:"seal" doc:"Code of the seal"`
	Page  int     `json:"page" doc:"Where the stamp goes, from 1"`
	X     float64 `json:"x_mm" doc:"From the left of the page as displayed"`
	Y     float64 `json:"y_mm" doc:"From its top"`
	W     float64 `json:"width_mm"`
	H     float64 `json:"height_mm"`
}

// ApprovalRequest is the person's signed yes.
type ApprovalRequest struct {
	HeadSM3 Hash   `json:"head_sm3" doc:"Of the head that was shown"`
	Match   string `json:"match" pattern:"^[0-9]{3}$" doc:"The number on the page"`
	SigSM2  Bytes  `json:"sig_sm2" minLength:"1" maxLength:"200" doc:"By the device's statement key over head ‖ match ‖ LF: SM2 with SM3, DER"`
	SigHW   Bytes  `json:"sig_hw,omitzero" maxLength:"22000" doc:"Passkey assertion over the same, as for acts; needed when the device has one"`
}

// RejectRequest is the person's no.
type RejectRequest struct {
	Reason string `json:"reason,omitzero" maxLength:"200"`
}

// ScanState is how the request stands then.
type ScanState struct {
	ClaimID string `json:"claim_id"`
	State   string `json:"state" doc:"waiting-second: it is approved and waits for a second person"`
}
