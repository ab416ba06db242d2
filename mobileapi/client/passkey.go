package client

import (
	"fmt"

	"yunzhang.dev/authz/passkey"
)

// Passkey is the second key of a device: what a browser's navigator.credentials
// gives, as the JSON of a PublicKeyCredential. Every signature of a device that
// enrolled one carries its assertion over the same bytes.
type Passkey interface {
	Register(challenge []byte) (response []byte, err error)
	Assert(challenge []byte) (response []byte, err error)
}

// second gives the passkey's assertion over what the statement key signs too,
// nil for a phone without one.
func (p *Phone) second(statement []byte) (binary, error) {
	if p.cfg.Passkey == nil {
		return nil, nil
	}
	b, err := p.cfg.Passkey.Assert(passkey.Challenge(statement))
	if err != nil {
		return nil, fmt.Errorf("phone: passkey: %w", err)
	}
	return b, nil
}

// register makes the passkey of a device that is being enrolled.
func (e *Enrolment) register() (binary, error) {
	if e.phone.cfg.Passkey == nil {
		return nil, nil
	}
	b, err := e.phone.cfg.Passkey.Register(passkey.EnrolChallenge(e.key.Public().SPKI(), e.request.Public().SPKI()))
	if err != nil {
		return nil, fmt.Errorf("phone: passkey: %w", err)
	}
	return b, nil
}
