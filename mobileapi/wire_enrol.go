package mobileapi

import "time"

// EnrolmentRequest begins a registration.
type EnrolmentRequest struct {
	Kind       string    `json:"kind" enum:"legal,agent,device,operator" doc:"legal: a new person who represents an organization; agent: a new person who asks for an agent's place; device: a further device of a known person; operator: a new person with an invitation"`
	USCC       string    `json:"uscc,omitzero" maxLength:"32" doc:"Unified social credit code of the organization (GB 32100); legal and agent only"`
	Invitation string    `json:"invitation,omitzero" maxLength:"64" doc:"One-time enrolment code; operator only"`
	Applicant  Applicant `json:"applicant"`
	Device     NewDevice `json:"device"`
	Lost       bool      `json:"lost,omitzero" doc:"The person's former devices are lost: they end with their powers; device only"`
	Passkey    Bytes     `json:"passkey,omitzero" maxLength:"22000" doc:"JSON of the PublicKeyCredential that navigator.credentials.create gave; absent when the device has no second key"`
}

// Applicant is who says he enrols.
type Applicant struct {
	Name     string `json:"name" minLength:"1" maxLength:"100"`
	IDNumber string `json:"id_number" minLength:"1" maxLength:"32" doc:"Citizen ID number (GB 11643)"`
	Phone    string `json:"phone" minLength:"1" maxLength:"32" doc:"Mobile number that receives the code"`
}

// NewDevice is the device that is enrolled.
type NewDevice struct {
	Name       string `json:"name" minLength:"1" maxLength:"100" doc:"What its owner calls it"`
	Tier       string `json:"tier" enum:"S,W,N" doc:"S: software key (sandbox only); W: web app; N: native app"`
	Key        Bytes  `json:"key" minLength:"1" maxLength:"200" doc:"SubjectPublicKeyInfo of the SM2 key that signs statements"`
	RequestKey Bytes  `json:"request_key" minLength:"1" maxLength:"200" doc:"SubjectPublicKeyInfo of the SM2 key that proves requests; another key"`
}

// EnrolmentBegun says that codes and face check are under way.
type EnrolmentBegun struct {
	EnrolmentID string `json:"enrolment_id"`
	FaceURL     string `json:"face_url" doc:"Where the person shows his face"`
}

// EnrolmentFinish ends a registration.
type EnrolmentFinish struct {
	PhoneCode     string `json:"phone_code" minLength:"1" maxLength:"16"`
	Authorization string `json:"authorization,omitzero" maxLength:"16" doc:"Code that the legal representative passed on; agent only"`
	PIN           string `json:"pin" minLength:"1" maxLength:"256" doc:"Signing PIN: at least 8 characters, letters and digits"`
	KeyProof      Bytes  `json:"key_proof" minLength:"1" maxLength:"200" doc:"Signature of the statement key over the proof text: SM2 with SM3, DER"`
	RequestProof  Bytes  `json:"request_proof" minLength:"1" maxLength:"200" doc:"Signature of the request key over the same"`
}

// Enrolled is a new device and the person it belongs to.
type Enrolled struct {
	PersonID       string          `json:"person_id"`
	DeviceID       string          `json:"device_id"`
	OrganizationID string          `json:"organization_id,omitzero" doc:"The organization joined; an agent's place waits for approval"`
	Share          Bytes           `json:"share" doc:"Share of the key under which the device wraps its statement key; released again against the PIN"`
	Enrolment      SignedStatement `json:"enrolment" doc:"The authority's word that the keys are the person's"`
	CoolUntil      *time.Time      `json:"cool_until,omitempty" doc:"Until then the device may only log in"`
}

// SignedStatement is a statement with its signature: SM2 with SM3, DER.
type SignedStatement struct {
	Statement Bytes `json:"statement"`
	Signature Bytes `json:"signature"`
}
