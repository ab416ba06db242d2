// Package authz owns who may do what: people, organizations, memberships,
// devices, operators and delegations. It does not know tickets, documents or
// seals beyond their identifiers, nor how it is stored or called.
//
// # Files, in the order of a life
//
//	enrol.go       a person proves who he is and enrols a device
//	settle.go      what an enrolment becomes: person, device, place
//	join.go        a known person joins another organization
//	member.go      legal representative and agent of an organization; approval; the service agreement
//	registry.go    the business registry's word, kept fresh
//	device.go      device keys, cooling, replacement, revocation
//	lost.go        lost devices end when a new one is enrolled
//	stepup.go      fresh evidence that the person is there, for an act or for one claim
//	lock.go        a device that is locked for review
//	pin.go         the signing PIN: releases the device's key share, locks after five failures
//	proof.go       the proof every phone request carries
//	act.go         draft → shown → signed: how every statement comes about
//	grant.go       delegation
//	revoke.go      the end of a delegation, an agent's place or a device; telling the signer
//	slot.go        uses of a delegation, as slots
//	decide.go      Decide: the one pure answer to "may he?"
//	facts.go       what Decide needs, read once in one transaction
//	operator.go    clerks, reviewers, administrators and auditors
//
// # Revocation
//
// Whatever ends a power (revoke, withdraw, freeze, a new legal representative)
// is written here and then told to the signer ([Stops]) before anybody is
// told that it is done: from then on nothing more is signed under it. A
// decision really modifies every row it relied on, so that it and a concurrent
// end of the same power cannot both commit.
package authz
