package app_test

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cmd/internal/app"
)

// Sizes of what small signatures are over: a request's signature base or proof,
// a statement, the part of a certificate that is signed.
const (
	proofSize       = 400
	statementSize   = 1200
	certificateSize = 500
)

// pinRounds is what authz hashes a PIN with.
const pinRounds = 20_000

// floor measures things the protocol demands, each by its primitive.
type floor struct {
	b            *testing.B
	app          *app.App
	file, result []byte
	covered      int // bytes of the result that the stamp covers
	tbs, seal    []byte
	key          *gm.PrivateKey
}

func newFloor(b *testing.B, a *app.App, file, result []byte) *floor {
	b.Helper()
	found, err := pdf.Find(result)
	check(b, err)
	sig, err := ses.ParseSignature(found[0].DER)
	check(b, err)
	key, err := gm.GenerateKey()
	check(b, err)
	return &floor{
		b: b, app: a, file: file, result: result, covered: int(found[0].ByteRange[1] + found[0].ByteRange[3]),
		tbs: sig.TBS, seal: sig.Seal.SignedBytes(), key: key,
	}
}

// measure gives what one call costs.
func (f *floor) measure(call func() error) spent {
	f.b.Helper()
	const rounds = 60
	check(f.b, call())
	cpu, clock := cpuTime(), time.Now()
	for range rounds {
		check(f.b, call())
	}
	return spent{cpuTime() - cpu, time.Since(clock)}.per(rounds)
}

func (f *floor) pass(n int) spent {
	return f.measure(func() error { gm.SM3(f.result[:n]); return nil })
}

// check measures a signature check over so many bytes.
func (f *floor) check(n int) spent {
	message := f.result[:n]
	sig, err := f.key.Sign(message)
	check(f.b, err)
	return f.measure(func() error {
		if !f.key.Public().Verify(message, sig) {
			return fmt.Errorf("a signature over %d bytes does not verify", n)
		}
		return nil
	})
}

// passes are the passes over the bytes: one for each side that must not trust
// another, or another time.
func (f *floor) passes() []demand {
	sha := f.measure(func() error { sha256.Sum256(f.file); return nil })
	covered := f.pass(f.covered)
	return []demand{
		{"SHA-256 of the upload (Content-Digest)", 1, sha},
		{"SM3 of the upload (Content-Digest, and what the document is called by)", 1, f.pass(len(f.file))},
		{"SM3 at placement: file and what the stamp will cover", 1, covered},
		{"SM3 before approval (check 18)", 1, covered},
		{"SM3 by the signer", 1, covered},
		{"SM3 of the finished file by the second look, padding included", 1, f.pass(len(f.result))},
	}
}

// checks are the signature checks up to the durable result.
func (f *floor) checks() []demand {
	proof, stated, cert := f.check(proofSize), f.check(statementSize), f.check(certificateSize)
	signer, maker := f.check(len(f.tbs)), f.check(len(f.seal))
	sign := f.measure(func() error { _, err := f.key.Sign(f.tbs); return err })
	return []demand{
		{"check: request signatures of the declaration system: upload, open", 2, proof},
		{"check: device proofs: claim, document, approval", 3, proof},
		{"check: approval, when it is taken", 1, stated},
		{"check: delegation, when the approval is taken", 1, stated},
		{"check: signer: approval, enrolment, delegation, grantor's enrolment, representation", 5, stated},
		{"signature over TBS_Sign", 1, sign},
		{"check: signer's own result: the signature", 1, signer},
		{"check: signer's own result: the maker's on the seal", 1, maker},
		{"check: second look: the signature", 1, signer},
		{"check: second look: the maker's on the seal", 1, maker},
		{"check: second look: certificates of signer, maker and issuing authority", 3, cert},
	}
}

// kept are blobs and rows. A changing request needs two transactions: one that
// spends its nonce and claims its key before anything is done, one that does it
// and keeps the answer.
func (f *floor) kept() []demand {
	ctx, n := f.b.Context(), 0
	put := func(b []byte) spent {
		return f.measure(func() error {
			n++
			return f.app.PutBlob(ctx, gm.SM3(fmt.Append(nil, len(b), n)), b)
		})
	}
	original, result := put(f.file), put(f.result)
	digest := gm.SM3(f.file)
	check(f.b, f.app.PutBlob(ctx, digest, f.file))
	get := f.measure(func() error { _, err := f.app.GetBlob(ctx, digest); return err })
	row := f.measure(func() error { return f.app.WriteRow(context.WithoutCancel(ctx)) })
	return []demand{
		{"encrypt and keep the original", 1, original}, {"encrypt and keep the result", 1, result},
		{"read and decrypt the original: placement, the phone's look, check 18, signer", 4, get},
		{"transaction: upload", 2, row}, {"transaction: open, with what is held", 2, row}, {"transaction: page", 1, row},
		{"transaction: claim", 2, row}, {"transaction: approval, slot and intent", 2, row},
		{"transaction: stamp: begin, journal, signature, end", 4, row}, {"transaction: audit chain", 1, row},
	}
}

// unlocking is what opening the phone's key demands; it is dear on purpose.
func (f *floor) unlocking() []demand {
	pin := f.measure(func() error {
		_, err := pbkdf2.Key(gm.NewSM3, "yunzhang2026, and more", f.result[:16], pinRounds, 32)
		return err
	})
	return []demand{
		{"PIN: 20,000 rounds of PBKDF2 with HMAC-SM3", 1, pin}, {"check: device proof", 1, f.check(proofSize)},
		{"transaction: nonce, count of tries", 2, f.measure(func() error { return f.app.WriteRow(f.b.Context()) })},
	}
}
