// Package registry is how we ask those who know: the business registry (who
// represents an organization, is it alive) and the seal filing (what its
// police-approved impression looks like). It defines what is asked and
// answered, and a sandbox of each. It stores nothing of its own.
package registry

import (
	"errors"
	"time"
)

// Identity is a person as the registry knows him. It prints without its
// number.
type Identity struct {
	Name     string `json:"name"`
	IDNumber string `json:"idNumber"`
}

// String hides the person.
func (Identity) String() string { return "[identity]" }

// Answer is what the business registry says of a person and an organization.
type Answer string

// The answers. Unknown is no answer: nothing is concluded from it.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unknown Answer = "unknown"
)

// Status is the state of an organization in the registry.
type Status string

// The statuses.
const (
	InOperation Status = "in-operation" // 存续
	Suspended   Status = "suspended"    // 停业
	Dissolved   Status = "dissolved"    // 注销、吊销
)

// Finding is the business registry's answer. It never hands out anybody's
// number: the question carries the person, the answer is yes or no.
type Finding struct {
	Answer  Answer
	OrgName string
	Status  Status
	Region  string // GB/T 2260 division, six digits
	Source  string // which registry answered
	At      time.Time
}

// Filed is a filed impression (备案印模).
type Filed struct {
	Kind          string // kind of seal, in the words of cloudseal/impression
	Name          string // the filed name of the organization
	Code          string // number of the filing
	PNG, SVG      []byte
	Width, Height float64 // mm
	At            time.Time
}

// ErrNotFiled: the filing has no impression of this kind for this organization.
var ErrNotFiled = errors.New("registry: no such filing")

// ErrDown: the provider cannot be reached now.
var ErrDown = errors.New("registry: the provider does not answer")
