// Package client is a phone in Go: the command-line phone, the demonstration
// and tests speak to the server through it. It owns the device's keys, the
// proof on every request, and the eyes of the person: it reads each statement
// strictly, checks that it is about this device and what was asked for, fetches
// the documents and hashes them, and signs only then. It trusts the server with
// none of that.
//
// It is a device of tier S: software keys, for the sandbox. The request key
// lies in the clear; the statement key is wrapped under a key that needs both a
// secret of this folder and the share that the server releases against the PIN,
// so that neither a copy of the folder nor the server alone can sign.
//
// It does not decide who may do what, and it keeps no copy of anything but its
// keys.
package client
