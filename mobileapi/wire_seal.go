package mobileapi

import "time"

// Seal is an electronic seal.
type Seal struct {
	Code      string       `json:"code" doc:"14 digits; the certificate identifier that declaration systems keep"`
	USCC      string       `json:"uscc" doc:"Whose it is"`
	Kind      string       `json:"kind"`
	KindName  string       `json:"kind_name"`
	Name      string       `json:"name"`
	State     string       `json:"state" doc:"usable, frozen, lost, cancelled, revoked"`
	StateName string       `json:"state_name"`
	Usable    bool         `json:"usable" doc:"Its owner can stamp with it now"`
	Delegable bool         `json:"delegable" doc:"Its use can be delegated"`
	SM3       Hash         `json:"sm3" doc:"Of the seal's data (GB/T 38540), as statements name its version"`
	ValidFrom time.Time    `json:"valid_from"`
	ValidTo   time.Time    `json:"valid_to"`
	Picture   *SealPicture `json:"picture,omitempty" doc:"Absent in lists"`
}

// SealPicture is an impression at its true size: red of a usable seal, grey of
// one that is filed and not claimed.
type SealPicture struct {
	PNG    Bytes   `json:"png,omitzero" doc:"With alpha"`
	SVG    Bytes   `json:"svg,omitzero"`
	Width  float64 `json:"width_mm"`
	Height float64 `json:"height_mm"`
}

// FiledImpression is a kind of seal as the filing has it.
type FiledImpression struct {
	Kind      string       `json:"kind"`
	KindName  string       `json:"kind_name"`
	Filed     bool         `json:"filed"`
	Claimable bool         `json:"claimable"`
	Upload    bool         `json:"upload" doc:"A picture may come with the claim"`
	Reason    string       `json:"reason,omitzero" doc:"Code of why it cannot be claimed now"`
	SealCode  string       `json:"seal_code,omitzero" doc:"The living seal of this kind"`
	Picture   *SealPicture `json:"picture,omitempty" doc:"Grey; absent when nothing is filed"`
}

// Turn freezes a seal or makes it usable again.
type Turn struct {
	Reason string `json:"reason,omitzero" maxLength:"200"`
}
