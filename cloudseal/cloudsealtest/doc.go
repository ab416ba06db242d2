// Package cloudsealtest is a small world for tests: a PKI, an organization with
// its legal representative and an agent, their devices and statements, a
// signer and a cloudseal service over stores in memory, and PDF files to
// stamp. It is deterministic but for keys and signatures, and takes its time
// from a clock that the test moves.
//
// It also holds fakes of the ports of cloudseal. No rule lives here, and
// nothing of it is linked into the server.
package cloudsealtest
