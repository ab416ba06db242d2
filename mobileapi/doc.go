// Package mobileapi owns the HTTP that a phone speaks: which requests there
// are, what they look like on the wire, who has to prove what before one is
// looked at, and the OpenAPI 3.1 document that says so. It decides nothing: who
// may do what is authz's answer, and the seals, scans and applications behind
// it are reached through the ports of ports.go.
//
// # A request
//
// Each operation is described once (operation.go) and that description is both
// the route and its page of the document. A request passes, in the order of
// protocol.md §2.7:
//
//	1  media type, size, strict JSON, the schema of the document   check.go
//	2  limit of the address                                         limits.go
//	3  proof of the device (web/httpx/deviceproof), its limit       serve.go
//	4  Idempotency-Key, where something changes                     veil.go, web/httpx
//	5  the handler, in the file named after its step
//
// A refusal is an error that goes up to web/httpx and becomes a problem
// document there; nothing here writes one. Every answer carries a fresh
// Device-Nonce for the next request.
//
// # Files, in the order of a life
//
//	enrol.go         registration of a person and his device
//	device.go        nonce, PIN, real-person authentication
//	me.go            the person: places, devices, delegations, activity
//	organization.go  joining one; its members, delegations, register
//	seal.go          seals, impressions, freezing
//	act.go           draft: every statement comes from the server, exact to the byte
//	sign.go          signed: the one way a statement takes effect
//	scan.go          a code is scanned, shown, approved or refused
//
// # The wire
//
// JSON names are snake_case and part of the API. Binary values are base64url
// without padding, hashes (SM3) 64 lower-case hexadecimal digits, times RFC
// 3339 in UTC. Values of the person's own are complete, those of others masked
// where he does not need them. Absent and not yours are the same answer.
package mobileapi
