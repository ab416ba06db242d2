// Package qrflow owns scan tickets: one request of an application to one
// person, shown as a rolling code on a page, scanned, read and answered on a
// phone (protocol.md §2.1–2.10, Part 3, with the amendments of DESIGN.md).
//
// It owns states and transitions, tokens and frames, the number match, the
// checks 5 to 9 and 20 of §2.7, events, expiry and redeeming. It does not know
// what a request is about: the owner of a purpose (package binding for log-in,
// bind and stamp) gives the head of the statement, rechecks and settles,
// through the port [Purpose]. Checks 1 to 4 (transport, rates, the device's
// request proof, idempotency) are mobileapi's; sockets are qrflow/ws's, which
// uses Attach, Events, Snapshot, Frame, Cancel and LastSeqs; pictures of codes
// are qrflow/qr's; stamps are cloudseal's, which binding reports by Advance.
//
// # States
//
//	from            step          to         who           file
//	–                             issued     application   open.go
//	issued          attach        open       page          attach.go
//	open            claim         claimed    phone         claim.go
//	open            wrong_subject open       phone         claim.go    two of them; the next:
//	open            mob           blocked    phone         claim.go
//	claimed         match_wrong   claimed    phone         approve.go  one of them; the next:
//	claimed         guess         blocked    phone         approve.go
//	claimed         approve       approved   phone         approve.go
//	claimed         reject        rejected   phone         decline.go
//	claimed         report        blocked    phone         report.go
//	approved        disown        failed     phone         report.go
//	approved        second        approved   binding       advance.go  stamp that waited for it
//	approved        sign          signing    binding       advance.go  stamp
//	signing         progress      signing    binding       advance.go  stamp
//	signing         finish        done       binding       advance.go  stamp
//	approved, signing  fail       failed     binding       advance.go  stamp
//	approved        fetch         done       application   redeem.go   login, bind
//	approved        kill          failed     application   redeem.go   login, bind: a caught code
//	issued, open, claimed  cancel cancelled  page, application  page.go, application.go
//	issued, open, claimed  theft  cancelled  page          attach.go   a token in two hands
//	issued, open, claimed, approved  expire  expired  anybody  sweep.go
//
// state.go is this table, pure; move.go is the only place that writes a
// transition: ticket, exactly one event with the next number, one audit
// record, and the word to the purpose when the ticket ended without effect,
// all in one transaction. Terminal states never change. There is no un-claim.
// signing never expires: whoever makes the stamps finishes or fails it.
//
// # Time
//
// Deadlines are compared with the store's time inside the transaction. A reader
// that sees a passed deadline treats the ticket as expired whether or not that
// was written; Sweep, Snapshot and Events write it.
//
// # Secrets
//
// Handle, frames, page and resume tokens, number and result code are derived
// from a cluster secret outside of the data (token.go, frame.go): a page can
// be shown them again, and a copy of the database has none of them. Events
// hold no secret, number or name; what a page may see is worked out when an
// event is delivered (page.go).
package qrflow
