// Package sign is HTTP message signatures between servers: RFC 9421 in the one
// form of protocol.md §2.13, and content digests (RFC 9530) of SHA-256 and SM3.
//
// It owns the bytes: what is covered, how it is written, how it is read back.
// It does not own keys (who has which is for binding), nor the memory of nonces.
//
// A request is signed under the label "cseal". Covered, in this order:
//
//	"@method" "@authority" "@path" "@query" "content-digest"
//	"content-type"      when the request has one
//	"idempotency-key"   when the request has one
//
// and the parameters created, expires, nonce, keyid and tag="cseal-s2s-1". The
// list follows from the request alone, so nothing that is present can be left
// out, and a verifier has nothing to decide. There is no alg parameter: a key has
// one algorithm, fixed when it was registered. Signatures of other labels (a
// proxy's) are ignored.
//
// An SM2 signature is the 64 bytes r ‖ s over the signature base, with SM3 and
// the default user id (GB/T 32918.2).
package sign
