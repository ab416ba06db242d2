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

// floor is what the protocol demands, each thing by its primitive. Everything is
// done once for each stamp that is measured, in turns with it, so that both meet
// the same machine.
type floor struct {
	b            *testing.B
	app          *app.App
	file, result []byte
	covered      int // bytes of the result that the stamp covers
	tail         int // bytes that the stamp adds, but for its room
	tbs, seal    []byte
	key          *gm.PrivateKey
	kept         int // blobs

	passes, checks, writes, unlocking []*demand
}

func newFloor(b *testing.B, a *app.App, file, result []byte) *floor {
	b.Helper()
	found, err := pdf.Find(result)
	check(b, err)
	sig, err := ses.ParseSignature(found[0].DER)
	check(b, err)
	key, err := gm.GenerateKey()
	check(b, err)
	covered := int(found[0].ByteRange[1] + found[0].ByteRange[3])
	f := &floor{
		b: b, app: a, file: file, result: result, covered: covered, tail: covered - len(file),
		tbs: sig.TBS, seal: sig.Seal.SignedBytes(), key: key,
	}
	check(b, a.PutBlob(b.Context(), gm.SM3(file), file))
	f.passes, f.checks, f.writes, f.unlocking = f.listPasses(), f.listChecks(), f.listWrites(), f.listUnlocking()
	return f
}

// round does everything once. What goes on after a stamp is not its business: it
// waits for a commit first.
func (f *floor) round() {
	check(f.b, f.app.WriteRows(f.b.Context(), 1))
	for _, list := range [][]*demand{f.passes, f.checks, f.writes, f.unlocking} {
		for _, d := range list {
			cpu, clock := cpuTime(), time.Now()
			for range d.times {
				check(f.b, d.call())
			}
			d.spent.cpu += cpuTime() - cpu
			d.spent.clock += time.Since(clock)
		}
	}
}

func (f *floor) pass(n int) func() error {
	return func() error { gm.SM3(f.result[:n]); return nil }
}

// check is a signature check over so many bytes.
func (f *floor) check(n int) func() error {
	message := f.result[:n]
	sig, err := f.key.Sign(message)
	check(f.b, err)
	return func() error {
		if !f.key.Public().Verify(message, sig) {
			return fmt.Errorf("a signature over %d bytes does not verify", n)
		}
		return nil
	}
}

// listPasses: one pass for each side that must not trust another, or another time.
func (f *floor) listPasses() []*demand {
	return []*demand{
		{name: "SHA-256 of the upload (Content-Digest)", times: 1, call: func() error { sha256.Sum256(f.file); return nil }},
		{name: "SM3 of the upload (Content-Digest, and what the document is called by)", times: 1, call: f.pass(len(f.file))},
		{name: "SM3 at placement: file and what the stamp will cover", times: 1, call: f.pass(f.covered)},
		{name: "SM3 before approval (check 18)", times: 1, call: f.pass(f.covered)},
		{name: "SM3 by the signer", times: 1, call: f.pass(f.covered)},
		{name: "SM3 of the finished file by the second look, padding included", times: 1, call: f.pass(len(f.result))},
	}
}

// listChecks: the signature checks up to the durable result.
func (f *floor) listChecks() []*demand {
	proof, stated, cert := f.check(proofSize), f.check(statementSize), f.check(certificateSize)
	signer, maker := f.check(len(f.tbs)), f.check(len(f.seal))
	sign := func() error { _, err := f.key.Sign(f.tbs); return err }
	return []*demand{
		{name: "check: request signatures of the declaration system: upload, open", times: 2, call: proof},
		{name: "check: device proofs: claim, document, approval", times: 3, call: proof},
		{name: "check: approval, when it is taken", times: 1, call: stated},
		{name: "check: delegation, when the approval is taken", times: 1, call: stated},
		{name: "check: signer: approval, enrolment, delegation, grantor's enrolment, representation", times: 5, call: stated},
		{name: "signature over TBS_Sign", times: 1, call: sign},
		{name: "check: signer's own result: the signature", times: 1, call: signer},
		{name: "check: signer's own result: the maker's on the seal", times: 1, call: maker},
		{name: "check: second look: the signature", times: 1, call: signer},
		{name: "check: second look: the maker's on the seal", times: 1, call: maker},
		{name: "check: second look: certificates of signer, maker and issuing authority", times: 3, call: cert},
	}
}

// listWrites: blobs and rows. Each row counts as the smallest there is, but for
// increment, statements and TBS, which are encrypted in their size. A changing
// request needs two transactions: one that spends its nonce and claims its key
// before anything is done, one that does it and keeps the answer. What a decision
// relies on is written with it, so that a revocation at the same time conflicts.
func (f *floor) listWrites() []*demand {
	ctx := context.WithoutCancel(f.b.Context())
	put := func(b []byte) func() error {
		return func() error { f.kept++; return f.app.PutBlob(ctx, gm.SM3(fmt.Append(nil, f.kept)), b) }
	}
	get := func() error { _, err := f.app.GetBlob(ctx, gm.SM3(f.file)); return err }
	statement, evidence := f.result[:statementSize], f.result[:5*statementSize]
	rows := func(n int, contents ...[]byte) func() error {
		return func() error { return f.app.WriteRows(ctx, n, contents...) }
	}
	return []*demand{
		{name: "encrypt and keep the original", times: 1, call: put(f.file)},
		{name: "encrypt and keep the result", times: 1, call: put(f.result)},
		{name: "read and decrypt the original: placement, the phone's look, check 18, signer", times: 4, call: get},
		{name: "commit before upload, open, claim, approval: nonce, key", times: 4, call: rows(2)},
		{name: "commit of the upload: document, answer", times: 1, call: rows(2)},
		{name: "commit of the opening: document, preparation, increment, ticket, event, record, answer", times: 1,
			call: rows(6, f.result[:f.tail])},
		{name: "commit of the page: ticket, event, record", times: 1, call: rows(3)},
		{name: "commit of the claim: ticket, event, record, answer", times: 1, call: rows(3, statement)},
		{name: "commit of the approval: ticket, approval, slot, delegation, device, membership, organization, seal, " +
			"application, document, intent, evidence, event, record, answer", times: 1, call: rows(13, statement, evidence)},
		{name: "commit of the beginning: ticket, event, record", times: 1, call: rows(3)},
		{name: "commit of the journal: approval, entry, TBS, and a stop for each of 7 powers", times: 1, call: rows(9, f.tbs)},
		{name: "commit of the signature: entry", times: 1, call: rows(1)},
		{name: "commit of the end: intent, document, ticket, event, 2 records", times: 1, call: rows(6)},
		{name: "commit of the audit chain: 7 records", times: 1, call: rows(7)},
	}
}

// listUnlocking is what opening the phone's key demands; it is dear on purpose.
func (f *floor) listUnlocking() []*demand {
	pin := func() error {
		_, err := pbkdf2.Key(gm.NewSM3, "yunzhang2026, and more", f.result[:16], pinRounds, 32)
		return err
	}
	write := func() error { return f.app.WriteRows(f.b.Context(), 1) }
	return []*demand{
		{name: "PIN: 20,000 rounds of PBKDF2 with HMAC-SM3", times: 1, call: pin},
		{name: "check: device proof", times: 1, call: f.check(proofSize)},
		{name: "commit: nonce; count of tries", times: 2, call: write},
	}
}
