// Package pdf places stamps in PDF files and finds them again: bytes in, bytes
// out.
//
// A stamp is an incremental update (ISO 32000-1 §7.5.6) behind the unchanged
// file: a signature field with its widget, an appearance that shows the seal's
// picture at true size, and a signature dictionary whose Contents will hold a
// GB/T 38540 signature over everything else. Placing and completing are two
// steps, because between them a person approves:
//
//	Open → Findings → Place → Prepared, which can be stored
//	Prepared.Digests → somebody signs → Prepared.Complete → Find → Digest
//
// Find reads a file as a stranger's, whoever made it. It reports what it sees,
// with every oddity by name, and repairs nothing.
//
// The package knows nothing of keys, certificates and what is inside Contents
// beyond its DER length: that is cloudseal/ses and cloudseal/verify.
package pdf
