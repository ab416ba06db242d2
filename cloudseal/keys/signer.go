package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Limits of the signer.
const (
	// DefaultMaxAge is how long after the approval a signature may still be
	// started (protocol.md §2.4): long enough for a busy server, too short for
	// evidence that somebody kept.
	DefaultMaxAge = 60 * time.Second
	// MaxSkew is how far the service's clock may be ahead of the signer's.
	MaxSkew = 2 * time.Second
	// MaxJobs is the most documents of one approval: what a statement lists.
	MaxJobs = statement.MaxDocs
	// DefaultRefusals is how much bad evidence is looked at in a minute. A
	// service that works as it should sends almost none; one that is in strange
	// hands may not try at will.
	DefaultRefusals = 600
	// macKeySize is the least that makes guessing the row key hopeless.
	macKeySize = 32
)

// SecondFactor verifies the WebAuthn assertion of a device that has a passkey:
// key is the COSE key of the enrolment, statement the bytes both signatures
// cover. An error refuses the signature.
type SecondFactor interface {
	Verify(key []byte, credential string, statement, assertion []byte) error
}

// Deps is what a Signer is made of.
type Deps struct {
	Work   unit.Work // the signer's own store
	Tables Tables
	KEK    []byte // SM4 key that wraps the keys' keys; from outside the data folder
	MACKey []byte // 32 bytes or more; from outside the data folder
	// Authorities are the pinned keys of the enrolment authority: whoever they
	// vouch for is a person, a device, a legal representative.
	Authorities []gm.PublicKey
	// Second may be nil: devices that have a passkey are then refused.
	Second SecondFactor
	Issuer string        // host name every statement must carry
	MaxAge time.Duration // 0: DefaultMaxAge
	// SecondFrom is the number of documents of one approval from which a second
	// person must approve, whatever the delegation says; 0: never.
	SecondFrom int
	SecondWait time.Duration // 0: DefaultSecondWait
	// Refusals bounds the bad evidence of a minute; 0: DefaultRefusals. Beyond it
	// nothing is looked at until the minute is over.
	Refusals int
	Now      func() time.Time
	// Checkpoint, when set, is called at the named points evidence, journal,
	// value and kept, so that tests can stop the world there.
	Checkpoint func(name string)
}

// Signer keeps seal keys and signs with them. It is safe for concurrent use.
type Signer struct {
	work        unit.Work
	keys        guarded[Key, *Key]
	journal     guarded[Entry, *Entry]
	texts       unit.Table[Text]
	approvals   guarded[Approval, *Approval]
	stops       guarded[Stop, *Stop]
	kek         []byte
	kekID       string
	authorities []gm.PublicKey
	second      SecondFactor
	issuer      string
	maxAge      time.Duration
	secondFrom  int
	secondWait  time.Duration
	refusals    *refusals
	now         func() time.Time
	checkpoint  func(name string)
}

// New makes a Signer.
func New(d Deps) (*Signer, error) {
	switch {
	case d.Work == nil || d.Tables.Keys == nil || d.Tables.Journal == nil || d.Tables.Texts == nil || d.Tables.Approvals == nil || d.Tables.Stops == nil:
		return nil, errors.New("keys: no store")
	case len(d.KEK) != gm.SealKeySize || len(d.MACKey) < macKeySize:
		return nil, errors.New("keys: the key-encryption key or the row key has the wrong length")
	case len(d.Authorities) == 0 || d.Issuer == "" || d.Now == nil:
		return nil, errors.New("keys: no authority, issuer or clock")
	}
	s := &Signer{
		work:      d.Work,
		keys:      guarded[Key, *Key]{"keys", d.Tables.Keys, d.MACKey},
		journal:   guarded[Entry, *Entry]{"journal", d.Tables.Journal, d.MACKey},
		texts:     d.Tables.Texts,
		approvals: guarded[Approval, *Approval]{"approvals", d.Tables.Approvals, d.MACKey},
		stops:     guarded[Stop, *Stop]{"stops", d.Tables.Stops, d.MACKey},
		kek:       d.KEK, kekID: kekID(d.KEK), authorities: d.Authorities, second: d.Second,
		issuer: d.Issuer, maxAge: d.MaxAge, secondFrom: d.SecondFrom, secondWait: d.SecondWait, refusals: newRefusals(d.Refusals),
		now: d.Now, checkpoint: d.Checkpoint,
	}
	if s.maxAge == 0 {
		s.maxAge = DefaultMaxAge
	}
	if s.secondWait == 0 {
		s.secondWait = DefaultSecondWait
	}
	if s.checkpoint == nil {
		s.checkpoint = func(string) {}
	}
	return s, nil
}

// Signed is the stamp of one document.
type Signed struct {
	Document  string
	Signature []byte    // DER SES_Signature
	Time      time.Time // timeInfo of its TBS_Sign
}

// Sign checks the evidence and stamps the documents, in the order of the
// statement's doc lines and all of them. A fault (see [Refusal]) is final for
// this evidence unless the journal has it; any other error may have left the
// work half done, and calling again with the same arguments finishes it.
//
// Who brings too much that is refused gets fault.SlowDown for a while.
func (s *Signer) Sign(ctx context.Context, ev Evidence, jobs []Job) ([]Signed, error) {
	if wait := s.refusals.wait(s.now()); wait > 0 {
		return nil, fault.SlowDown.After(wait)
	}
	signed, err := s.sign(ctx, ev, jobs)
	if Refusal(err) != nil {
		s.refusals.count(s.now())
	}
	return signed, err
}

func (s *Signer) sign(ctx context.Context, ev Evidence, jobs []Job) ([]Signed, error) {
	a, err := s.readApproval(ev)
	if err != nil {
		return nil, err
	}
	lines, err := s.recall(ctx, a, jobs)
	if err != nil {
		return nil, err
	}
	if lines == nil {
		if lines, err = s.begin(ctx, a, ev, jobs); err != nil {
			return nil, err
		}
	}
	signed := make([]Signed, 0, len(lines))
	for _, l := range lines {
		one, err := s.finish(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("sign document %d of %s: %w", l.Index, l.Ticket, err)
		}
		signed = append(signed, one)
	}
	return signed, nil
}

// begin checks everything and passes the commit point.
func (s *Signer) begin(ctx context.Context, a approval, ev Evidence, jobs []Job) ([]*line, error) {
	now := s.now().UTC()
	p, err := s.prove(a, ev, now)
	if err != nil {
		return nil, err
	}
	lines, err := s.prepare(ctx, p, jobs, now)
	if err != nil {
		return nil, err
	}
	s.checkpoint("evidence")
	first, err := s.commit(ctx, p, lines)
	if err != nil {
		return nil, err
	}
	s.checkpoint("journal")
	if first {
		return lines, nil
	}
	return s.recall(ctx, a, jobs) // another call for the same ticket was faster
}

// Refusal gives the fault by which the signer refused for good, or nil: the
// error is one of circumstance, and trying again is right.
func Refusal(err error) *fault.Error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal || f.Kind == fault.Unavailable || f.Kind == fault.TooMany {
		return nil
	}
	return f
}

// Evidence is everything that permits the stamps of one ticket. It is complete
// by itself: what it says is signed, but for Kind and ApprovedAt.
type Evidence struct {
	Kind string `bson:"kind"` // KindScan or KindOwner (DESIGN.md, Evidence kinds)
	// ApprovedAt is the store time of the transaction that took the approval.
	ApprovedAt time.Time        `bson:"approvedAt"`
	Approval   statement.Signed `bson:"approval"`
	// Manifest holds the doc lines that the approval commits to by their root;
	// empty when they stand in the approval.
	Manifest []byte `bson:"manifest"`
	// Display is what the person was shown, which the approval names by its
	// digest; empty where it was not kept.
	Display   []byte           `bson:"display"`
	Second    []byte           `bson:"second"`    // passkey assertion over the approval
	Enrolment statement.Signed `bson:"enrolment"` // of the approving device
	// Representation is the authority's word on the legal representative of
	// the principal: the grantor for a scan, the approver himself for owner.
	Representation statement.Signed `bson:"representation"`
	// Only for KindScan:
	Delegation       statement.Signed `bson:"delegation"`
	DelegationSecond []byte           `bson:"delegationSecond"` // passkey assertion over the delegation
	GrantorEnrolment statement.Signed `bson:"grantorEnrolment"` // of the device that signed it
	// Seconding is there when a second person approved too.
	Seconding Seconding `bson:"seconding"`
}

// The kinds of evidence that this signer knows.
const (
	KindScan  = "scan"
	KindOwner = "owner"
)

// hash names the evidence as a whole.
func (e Evidence) hash() gm.Digest {
	parts := [][]byte{[]byte(e.Kind), moment(e.ApprovedAt), e.Second, e.DelegationSecond, e.Manifest, e.Display}
	for _, s := range []statement.Signed{e.Approval, e.Enrolment, e.Representation, e.Delegation, e.GrantorEnrolment} {
		parts = append(parts, s.Bytes, s.Sig)
	}
	parts = append(parts, e.Seconding.parts()...)
	return gm.Digest(gm.Derive([]byte("cseal-evidence/1"), "evidence", parts...))
}
