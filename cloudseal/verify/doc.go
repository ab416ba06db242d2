// Package verify gives the one verdict on a stamped document or a seal: the
// same for the public page, the phone, the command line and the system itself
// when it looks at a stamp it has just made. It stores nothing, asks nobody by
// itself, and believes nothing but what [Trust] holds.
//
// # The verdict
//
//	unsealed        there is no stamp in it
//	altered         it is not what was stamped
//	invalid         a stamp is not what it claims to be, or was not allowed
//	unknown-issuer  everything agrees, but whoever issued it is not trusted here
//	genuine         integrity, seal, signer and chain are yes, and nothing is no
//
// Each check is a sentence that holds (yes), does not hold (no), or was not
// checked, with the reason:
//
//	integrity      the covered bytes are what was signed (GB/T 38540 §7.3)
//	coverage       everything is covered but the signature itself
//	later-changes  only further stamps came after
//	seal           the seal is as its maker signed it (§6.3)
//	signer         the seal permits the certificate that signed
//	chain          certificates of signer and maker lead to a trusted root
//	revocation     neither certificate was revoked
//	time           the claimed time lies within certificates and seal
//	status         the seal was usable at that time
//	evidence       a person was allowed to stamp, and approved exactly this; and
//	               another one, where the delegation asks for a second person
//	void           the stamped document was not withdrawn
//
// The verdict of a document is the worst of its stamps.
//
// # Offline
//
// With a [Bundle] everything but revocation and void is checked from files: the
// bundle holds roots, a signed status list, and for each approval the signed
// statements from the approval back to the enrolment authority's key. Where the
// approval names its documents by a root only, the bundle holds the whole list, or
// the line of one document with the proof that it is in it; without either the
// evidence is not checked. Second signatures are verified with a Trust.Second,
// made for the Passkeys that the bundle names.
package verify
