package ses

import (
	"encoding/asn1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"

	"yunzhang.dev/cloudseal/gm"
)

// EvidenceOID names the extension by which a stamp points at what permitted it.
//
// It lies under 1.2.840.113556.1.8000.2554, the arc for identifiers that
// everybody may make from a GUID without registration: the seven numbers after
// 2554 are 9d2cf0d1-fda2-4d33-ae8e-48eee2319ea9 in pieces of 4 4 4 4 4 6 6
// digits, and .1 is this extension. The arc 2.25 for UUIDs would need a number
// of 128 bits, at which many readers (those made with Go's encoding/asn1, for
// one) refuse the whole signature; here every number stays below 2²⁴.
func EvidenceOID() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{
		1, 2, 840, 113556, 1, 8000, 2554,
		40236, 61649, 64930, 19763, 44686, 4779746, 3251881, 1,
	}
}

// Kinds of evidence for a stamp. Each has its own checks in cloudseal/keys and
// its own words in a verdict.
const (
	EvidenceScan     = "scan"     // an agent approved by a scan, under a delegation
	EvidenceOwner    = "owner"    // the legal representative approved himself
	EvidenceKeeper   = "keeper"   // three signed acts: request, review, stamping by the keeper
	EvidenceStanding = "standing" // a signed standing authorization
)

// MaxSlot bounds the number of a use; delegations of more uses are not given.
const MaxSlot = 1<<31 - 1

// EvidenceExt is the content of the extension:
//
//	SEQUENCE { version INTEGER (1), kind IA5String, approval OCTET STRING (32),
//	           delegation OCTET STRING (0 or 32), slot INTEGER }
//
// It is covered by the signature and so ties a stamp to one approval and one use
// of a delegation: one file proves that the slot was within the limit, two files
// with one slot prove a fault.
type EvidenceExt struct {
	Kind string // one of the kinds above
	// Delegation is the hash of the delegation (or standing authorization); zero
	// for the owner, who needs none.
	Delegation gm.Digest
	// Slot is the number of the use, from 1; 0 where uses are not counted.
	Slot int
	// Approval is the hash of the approval statement.
	Approval gm.Digest
}

const evidenceVersion = 1

// Ext gives the extension. It is not critical: who does not know it can still
// judge the signature.
func (e EvidenceExt) Ext() (Ext, error) {
	if err := e.check(); err != nil {
		return Ext{}, err
	}
	value, err := build(func(b *cryptobyte.Builder) {
		b.AddASN1(tags.SEQUENCE, e.add)
	})
	return Ext{OID: EvidenceOID(), Value: value}, err
}

func (e EvidenceExt) add(b *cryptobyte.Builder) {
	var delegation []byte
	if !e.Delegation.IsZero() {
		delegation = e.Delegation[:]
	}
	b.AddASN1Int64(evidenceVersion)
	addText(b, tags.IA5String, e.Kind)
	b.AddASN1OctetString(e.Approval[:])
	b.AddASN1OctetString(delegation)
	b.AddASN1Int64(int64(e.Slot))
}

func (e EvidenceExt) check() error {
	kinds := []string{EvidenceScan, EvidenceOwner, EvidenceKeeper, EvidenceStanding}
	switch {
	case !slices.Contains(kinds, e.Kind):
		return fmt.Errorf("%w: kind of evidence", ErrProfile)
	case e.Approval.IsZero():
		return fmt.Errorf("%w: evidence without an approval", ErrProfile)
	case e.Kind == EvidenceOwner && !e.Delegation.IsZero(), e.Kind == EvidenceScan && e.Delegation.IsZero():
		return fmt.Errorf("%w: evidence and delegation", ErrProfile)
	case e.Slot < 0 || e.Slot > MaxSlot:
		return fmt.Errorf("%w: slot", ErrProfile)
	}
	return nil
}

// EvidenceOf finds our extension among those of a signature: nil without an
// error when there is none, an error when there are two or it is not exactly as
// we write it.
func EvidenceOf(list []Ext) (*EvidenceExt, error) {
	var found *EvidenceExt
	for _, ext := range list {
		if !ext.OID.Equal(EvidenceOID()) {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: two evidence extensions", ErrMalformed)
		}
		e, err := parseEvidence(ext.Value)
		if err != nil {
			return nil, fmt.Errorf("evidence extension: %w", err)
		}
		found = e
	}
	return found, nil
}

func parseEvidence(value []byte) (*EvidenceExt, error) {
	e := &EvidenceExt{}
	err := parse(value, MaxText, func(r *reader) {
		in := r.sequence("evidence")
		if in.integer("version", 99) != evidenceVersion {
			in.fail("version")
		}
		if in.next() != tags.IA5String {
			in.fail("kind")
		}
		e.Kind = in.text("kind")
		e.Approval = in.digest("approval")
		if in.emptyOctets() {
			e.Delegation = gm.Digest{}
		} else {
			e.Delegation = in.digest("delegation")
		}
		e.Slot = in.integer("slot", MaxSlot)
		in.end("evidence")
	})
	if err != nil {
		return nil, err
	}
	return e, e.check()
}

func (r *reader) digest(field string) (d gm.Digest) {
	b := r.octets(field, len(d))
	if len(b) != len(d) || gm.Digest(b).IsZero() {
		r.fail(field)
		return d
	}
	return gm.Digest(b)
}

// emptyOctets takes an OCTET STRING of no bytes if that is what follows.
func (r *reader) emptyOctets() bool {
	if len(r.in) < 2 || r.in[0] != byte(tags.OCTET_STRING) || r.in[1] != 0 {
		return false
	}
	r.in = r.in[2:]
	return true
}
