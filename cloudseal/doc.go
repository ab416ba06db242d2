// Package cloudseal owns electronic seals and the documents they are put on:
// claim and issue of a seal, its states, and every stamp from the uploaded file
// to the stored result. It does not know who may do what (authz), how a person
// is asked (qrflow), or how a key is used (keys); it keeps no key open and takes
// no decision about a power.
//
// # Life of a seal
//
//	claim.go    the legal representative claims; filing, registry and picture are compared
//	opinion.go  where they differ: acceptance clerk, then issue reviewer, two people
//	issue.go    key pair → code → certificate → GB/T 38540 seal → history; resumable
//	freeze.go   stop and restore; acknowledged when the signer knows
//	publish.go  histories, signed status list
//	bundle.go   what an offline verifier needs, for a ticket or for one document
//
// # Life of a stamp
//
//	Upload          upload.go   checked, hashed, frozen: nothing rewrites it any more
//	Draft, Prepare  prepare.go  the stamp placed, digests computed; what it shows is a
//	                            statement.Doc line
//	Hold            prepare.go  the document held for one request
//	   … ticket, scan, approval: qrflow and binding …
//	CheckDocuments  prepare.go  stored bytes against the lines, before the approval
//	BeginStamp      begin.go    intents and evidence, in the approving transaction
//	Stamp           stamp.go    lease and Outcome.Begin → signer → complete → second look → store
//	                settle.go   one transaction: documents, intents, Outcome, audit
//	Recover         recover.go  the same Stamp, for every open intent nobody works on
//
// An intent is open until its end is known, and there are two ends. Done: every
// document of the ticket is stamped and stored. Failed: the signer refused for
// good, and his tombstone stands, so that slots and documents are free and no
// signature can exist. Everything else is an error that leaves the intent open;
// the next run goes on with the same bytes. The commit point is the signer's
// journal (keys): a crash before it can end either way, a crash after it ends
// in the stamp that was fixed there.
//
// # Passes over the bytes
//
// A document is hashed once where it crosses into the hands of somebody who
// must not believe what was computed before, and nowhere else:
//
//	upload        the file                 its name; what is frozen
//	preparation   file and increment       the two digests that the approval names
//	approval      file and increment       check 18: what was shown is still what is stored
//	signer        file and increment       he signs what he hashed himself
//	second look   the finished file        dataHash as a stranger computes it; the same
//	                                       pass gives the result's own SM3
//
// File and dataHash come from one pass (pdf.Prepared.Digests; verify shares the
// beginning), storing hashes nothing (Blobs takes the digest), and reading back
// hashes nothing (the store's encryption authenticates). BenchmarkStamp prints
// each part beside that floor.
//
// One stamp a document and request: see [Placement].
//
// # Batches
//
// One approval may be for statement.MaxDocs documents. All of them are stamped
// or none: they are held in one transaction, approved in one, committed in one
// by the signer, settled in one. In between they are worked on one at a time,
// and above Limits.MaxHeld none of them stays in memory while another is worked
// on; then each is read once more, to be completed.
package cloudseal
