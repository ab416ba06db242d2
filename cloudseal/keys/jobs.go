package keys

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
)

// Job is one document to stamp.
type Job struct {
	Document string // the service's id of it
	Slot     int    // of the delegation, from 1; 0 for the owner
	Seal     []byte // DER SESeal
	Original []byte // the document as uploaded
	Prepared *pdf.Prepared
	Line     statement.Doc // what the service showed of it
	// Load, when set, gives Original and Prepared as the signer comes to the
	// document, and they are forgotten after it: a large batch is never held in
	// memory.
	Load func(ctx context.Context) (original []byte, prepared *pdf.Prepared, err error)
}

// loaded is the job with its bytes.
func (j Job) loaded(ctx context.Context) (Job, error) {
	if j.Load == nil {
		return j, nil
	}
	var err error
	j.Original, j.Prepared, err = j.Load(ctx)
	return j, err
}

// prepare checks the jobs against the proof and fixes the TBS of each.
func (s *Signer) prepare(ctx context.Context, p *proof, jobs []Job, now time.Time) ([]*line, error) {
	if len(jobs) != len(p.Docs) {
		return nil, fault.DocumentChanged.Becausef("%d documents for %d lines", len(jobs), len(p.Docs))
	}
	if err := checkSlots(p, jobs); err != nil {
		return nil, err
	}
	seals, err := s.openSeals(ctx, p, now)
	if err != nil {
		return nil, err
	}
	lines := make([]*line, 0, len(jobs))
	for i, job := range jobs {
		n := max(p.Docs[i].Seal, 1) // the short form of a statement has one seal and names none
		if n > len(seals) {
			return nil, fault.SignerRefused.Becausef("document %d names seal %d", i+1, n)
		}
		job, err := job.loaded(ctx)
		if err != nil {
			return nil, err
		}
		l, err := newLine(p, i, job, seals[n-1], now)
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// checkSlots: one slot a document, each within the delegation. The owner uses
// none. That none is used twice is the journal's to see.
func checkSlots(p *proof, jobs []Job) error {
	for _, job := range jobs {
		if p.delegation == nil {
			if job.Slot != 0 {
				return fault.SignerRefused.Becausef("the owner uses no slot")
			}
			continue
		}
		if job.Slot < 1 || job.Slot > p.delegation.Max {
			return fault.DelegationLimit.Becausef("slot %d of %d", job.Slot, p.delegation.Max)
		}
	}
	return nil
}

// openSeals finds the key of every seal line, in the version it names, and
// checks that it is the principal's and may be used now.
func (s *Signer) openSeals(ctx context.Context, p *proof, now time.Time) ([]*Key, error) {
	found := make([]*Key, len(p.Seals))
	err := s.work.View(ctx, func(tx unit.Tx) (err error) {
		for i, ref := range p.Seals {
			if found[i], err = s.version(tx, ref); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, k := range found {
		if k.Org != p.Principal.USCC {
			return nil, fault.SignerRefused.Becausef("seal %s is not the principal's", k.Seal)
		}
		if err := inForce(k, now); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// version finds the key whose finished seal has this hash.
func (s *Signer) version(tx unit.Tx, ref statement.Ref) (*Key, error) {
	versions, err := s.keys.Find(tx, unit.Query{Index: "seal+version", Key: []any{ref.ID}, Desc: true})
	if err != nil {
		return nil, err
	}
	for _, k := range versions {
		if len(k.Certificate) > 0 && k.SealHash == ref.Hash {
			return k, nil
		}
	}
	return nil, fault.SealUnusable.Becausef("seal %s has no such version", ref.ID)
}

// inForce checks the certificate's period. The seal's own is checked with its
// bytes, in newLine.
func inForce(k *Key, now time.Time) error {
	cert, err := smx509.ParseCertificate(k.Certificate)
	if err != nil {
		return fault.SealCertificate.Because(err)
	}
	if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return fault.SealCertificate.Becausef("the certificate of seal %s is not in force", k.Seal)
	}
	return nil
}

// line is an entry with what is signed, nil until it is needed, and its key.
type line struct {
	*Entry
	text []byte
	key  *Key
}

// newLine checks one document from its bytes, in one pass over them, and fixes
// what will be signed for it.
func newLine(p *proof, i int, job Job, k *Key, now time.Time) (*line, error) {
	if err := checkSeal(job.Seal, k, now); err != nil {
		return nil, err
	}
	file, data, err := checkDocument(job, p.Docs[i])
	if err != nil {
		return nil, err
	}
	tbs, err := toBeSigned(p, job, data, now)
	if err != nil {
		return nil, fmt.Errorf("build TBS of document %d: %w", i+1, err)
	}
	e := &Entry{
		Row: unit.Row{ID: EntryID(p.Ticket, job.Document)}, Ticket: p.Ticket, Document: job.Document, Index: i + 1,
		State: Committed, Seal: k.Seal, Version: k.Version, Approval: p.hash, Evidence: p.evidence,
		File: file, Data: data, TBS: gm.SM3(tbs), SignTime: now.Truncate(time.Second),
	}
	e.Use = e.ID
	if p.delegation != nil {
		e.Use = p.Delegation.Hash.Hex() + ":" + strconv.Itoa(job.Slot)
	}
	return &line{Entry: e, text: tbs, key: k}, nil
}

func checkSeal(der []byte, k *Key, now time.Time) error {
	if gm.SM3(der) != k.SealHash {
		return fault.SealUnusable.Becausef("other bytes than those of seal %s", k.Seal)
	}
	seal, err := ses.ParseSeal(der)
	if err != nil {
		return fault.SealUnusable.Because(err)
	}
	if now.Before(seal.ValidFrom) || now.After(seal.ValidTo) {
		return fault.SealExpired
	}
	return nil
}

// checkDocument recomputes both digests and compares them, and everything else
// that was shown, with the statement's line.
func checkDocument(job Job, line statement.Doc) (file, data gm.Digest, err error) {
	if job.Prepared == nil || job.Document == "" {
		return file, data, errors.New("keys: a job without document")
	}
	file, data, err = job.Prepared.Digests(job.Original)
	if err != nil {
		return file, data, fault.DocumentChanged.Because(err)
	}
	shown := job.Line
	shown.SM3, shown.DTBS = file, data
	if shown != line {
		return file, data, fault.DocumentChanged
	}
	return file, data, nil
}

// toBeSigned builds TBS_Sign (GB/T 38540 §7.2). propertyInfo states the
// protected range, here the ByteRange of the PDF.
func toBeSigned(p *proof, job Job, data gm.Digest, now time.Time) ([]byte, error) {
	ext := ses.EvidenceExt{Kind: p.kind, Slot: job.Slot, Approval: p.hash}
	if p.delegation != nil {
		ext.Delegation = p.Delegation.Hash
	}
	evidence, err := ext.Ext()
	if err != nil {
		return nil, err
	}
	r := job.Prepared.ByteRange
	return ses.TBS(ses.TBSSpec{
		Seal: job.Seal, Time: now.Truncate(time.Second), DataHash: data,
		Property: fmt.Sprintf("/ByteRange [%d %d %d %d]", r[0], r[1], r[2], r[3]),
		Exts:     []ses.Ext{evidence},
	})
}
