// Package status owns what a seal's state was at any time: its history, and
// the signed list of histories that lets a verifier answer "was it usable when
// it stamped?" without asking anybody. It stores nothing and changes nothing:
// acts on seals belong to cloudseal, which keeps the events.
//
// No national text of a revocation list for seals is public (ZWFW C 0120 and
// 0122), so the list is our own: canonical lines in the manner of the
// statements, signed with SM2.
//
//	cseal-status/1
//	issuer: seal.example.cn
//	number: 7
//	makers: <SM3 of a maker certificate>[ <SM3>…]
//	issued-at: 2026-03-01T08:00:00Z
//	next-update: 2026-03-01T09:00:00Z
//	entries: 1
//	entry.1: 33010600000001 usable@2026-02-01T08:00:00Z frozen@2026-02-20T01:02:03Z
//
// It lists every seal of these makers that was ever anything but usable, with
// its whole history; a seal of theirs that is not listed was usable from its
// beginning until issued-at. About later times it says nothing.
//
// # Seconds
//
// A stamp's time (timeInfo of GB/T 38540) has whole seconds, cut off; events
// happen in between. The end of usability therefore counts from the next whole
// second and its return from the last one: a stamp that the signer made is
// never contradicted by an event of the same second, and none can be made
// after a stop in any case.
package status
