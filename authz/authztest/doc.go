// Package authztest holds what tests of other packages need of authz: a world of
// people, organizations and devices over the in-memory store.
package authztest

import "yunzhang.dev/authz/passkey/softkey"

// Authenticator is the software authenticator of a device in tests.
type Authenticator = softkey.Authenticator

// NewAuthenticator makes one for a relying party and origin.
func NewAuthenticator(rpid, origin string) (*Authenticator, error) { return softkey.New(rpid, origin) }
