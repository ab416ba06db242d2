// Package onetime owns codes that work once: codes by SMS, which prove that
// somebody reads the messages of a number, and TOTP (RFC 6238), the fallback of
// web consoles.
//
// Neither approves anything: approving takes a device key. A code is bound to
// everything it is for, kept only as a keyed hash, counted against the number
// it went to, and gone after its use, its time or five wrong guesses. Of TOTP
// every code is burned with its use: a library that only compares accepts the
// same code twice.
//
// The package sends nothing itself; see [Carrier].
package onetime
