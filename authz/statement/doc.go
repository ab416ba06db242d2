// Package statement owns the canonical statements: the exact bytes that a
// person's device, or an authority of this system, signs (protocol.md §2.6 with
// the amendments of DESIGN.md). It builds them, reads them strictly and words
// them for people. It owns no key, no rule about who may sign what, and no
// storage.
//
// # Encoding
//
// UTF-8 in normal form C. The first line is "cseal-<kind>/1", every other one
// "key: value"; one LF after each, the keys in the fixed order below, each at
// most once, no blank line. A value is not empty, neither begins nor ends with
// white space and holds no control, format, bidirectional or zero-width
// character and no line or paragraph separator: what is signed looks like what
// it is. A statement has at most [MaxSize] bytes.
//
//	time     2006-01-02T15:04:05Z, UTC; fractions of a second are cut off
//	hash     64 lower-case hexadecimal digits (SM3)
//	binary   base64url without padding
//	id       letters, digits and . _ : - only
//	ref      "<id> <hash>"; where the table says ref?, the hash may be missing
//	org      "<USCC> <name>"
//	person   "<id> <name>"; app the same
//	place    "p3:120.0,57.0,42.0x42.0": page from 1, then x, y, width and height in
//	         millimetres from the page's top left, one decimal
//
// Who verifies rebuilds the bytes; reading alone gives no authority. All Parse
// functions accept exactly the bytes that building the parsed value gives.
//
// # Lines
//
// A "?" marks a line that is absent when its value is empty.
//
//	cseal-approval/1     purpose (login bind stamp), decision (approve reject), issuer,
//	                     ticket, nonce (32 bytes), app, origin, account? (must for login
//	                     and bind), principal, agent, device (hash of the public key),
//	                     delegation (ref, or "owner" for the legal representative
//	                     himself), seals? (how many) and seal.j (ref), case?, docs? (how
//	                     many) with doc.i up to 50 and docs-root, limits? ("uses-after=17
//	                     expires=<time>", a delegated stamp only), context, display
//	                     (hash), issued-at, expires-at, match (three digits)
//	   doc.i             "sm3=<hash> dtbs=<hash> pages=3 seal=s1 place=<place> title=…";
//	                     one line a stamp. Where one seal goes on everything, the short
//	                     form of the first edition is allowed: "seal: <ref>" instead of
//	                     seals and seal.1, and no "seal=" in any doc.i.
//	                     Above 50 documents the doc.i lines stand in a manifest, one LF
//	                     after each, and the statement holds docs and docs-root only
//	   docs-root         Merkle root over the doc.i lines without LF, shaped as in RFC 9162
//	                     §2.1.1 with SM3; a proof shows one line without the others
//	   display           SM3 of the words that the phone shows, see [Display]
//	cseal-delegation/1   id, nonce, issuer, org, grantor (person), device, agent (person),
//	                     app, actions (of bind login second stamp, in this order), seals?
//	                     and seal.j, not-before, not-after, max (uses), second-from?
//	                     (documents), issued-at
//	cseal-revocation/1   nonce, issuer, kind (delegation agent device), subject (ref?),
//	                     org?, person, device, reason?, issued-at
//	cseal-enrolment/1    id, issuer, person, id-hash, tier (S W N), key (SPKI),
//	                     request-key (SPKI), passkey? (binary), passkey-key? (COSE),
//	                     evidence, issued-at, cools-until?
//	cseal-representation/1  id, issuer, org, person, source, checked-at
//	cseal-review/1       nonce, issuer, act, subject (ref?), opinion (approve reject),
//	                     org?, person, device, note?, issued-at
//
// Approval, delegation, revocation and review are signed by the device they
// name; enrolment and representation by the enrolment authority.
package statement
