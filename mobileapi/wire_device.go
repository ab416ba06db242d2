package mobileapi

// Nonce is for the proof of the next request.
type Nonce struct {
	Nonce string `json:"nonce" doc:"Good for five minutes; a request that changes something uses it up"`
}

// PIN is the signing PIN.
type PIN struct {
	PIN string `json:"pin" minLength:"1" maxLength:"256"`
}

// Share is released against the PIN.
type Share struct {
	Share Bytes `json:"share" doc:"Share of the key under which the device wraps its statement key"`
}

// PINReset sets a new PIN.
type PINReset struct {
	SessionID string `json:"session_id" minLength:"1" maxLength:"64" doc:"A real-person session of the caller"`
	PIN       string `json:"pin" minLength:"1" maxLength:"256" doc:"At least 8 characters, letters and digits"`
}

// RealPersonRequest begins a real-person authentication.
type RealPersonRequest struct {
	Purpose string `json:"purpose" enum:"seals,claim,delegate,member,unlock,confirm" doc:"What it is for; the provider shows it to the person"`
	ClaimID string `json:"claim_id,omitzero" maxLength:"64" pattern:"^(cl_[a-z0-9]+)?$" doc:"The scanned request that it is for, with the purpose confirm"`
}

// RealPersonSession is one under way.
type RealPersonSession struct {
	SessionID string `json:"session_id"`
	FaceURL   string `json:"face_url" doc:"Where the person shows his face"`
}

// RealPersonFinish asks for its result.
type RealPersonFinish struct {
	SessionID string `json:"session_id" minLength:"1" maxLength:"64"`
}
