package passkey_test

import "yunzhang.dev/authz"

// authzKey is a well-formed credential that nobody holds.
var authzKey = authz.Passkey{Credential: "AA", Key: []byte{0xa0}}
