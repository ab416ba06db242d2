package cloudseal

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/verify"
)

// Limits are the numbers of the domain, each with its reason.
type Limits struct {
	// MaxDocument bounds a document: it is held in memory while it is stamped.
	MaxDocument int
	// MaxBatch bounds the documents of one request: what a person can look
	// through, and what one write of the store settles. At most
	// statement.MaxDocs.
	MaxBatch int
	// MaxBatchBytes bounds them together: the signer hashes all of them between
	// the approval and the minute after which he refuses it.
	MaxBatchBytes int
	// MaxHeld bounds the documents of one request that stay in memory while they
	// are stamped; those of a larger batch are read again for each step, one at
	// a time.
	MaxHeld int
	// DailyUpload bounds the bytes that one tenant uploads in a day; 0: no bound.
	DailyUpload int
	// Validity is how long a new seal and its certificate are valid; the
	// documents behind domain.md have three years.
	Validity time.Duration
	// DecideWithin is the time the issuing body has for an application.
	DecideWithin time.Duration
	// ListLife is how long a status list stands until the next one is due.
	ListLife time.Duration
	// Lease is how long a node that works on a ticket has it to itself before
	// another takes over: longer than a large document takes, and with the pause
	// between two looks well within the time in which an approval may be started.
	Lease time.Duration
	// Recover bounds the tickets that a node brings to an end at a time of those
	// that were left open: enough to pass a few batches, each of which may hold
	// MaxHeld in memory.
	Recover int
}

// DefaultLimits are the limits unless the configuration has others.
func DefaultLimits() Limits {
	return Limits{
		MaxDocument: 20 << 20, MaxBatch: statement.MaxDocs, MaxBatchBytes: 512 << 20, MaxHeld: 32 << 20,
		Validity: 3 * 365 * 24 * time.Hour, DecideWithin: 5 * 24 * time.Hour, ListLife: 24 * time.Hour,
		Lease: 15 * time.Second, Recover: 4,
	}
}

// Deps is what a Service is made of.
type Deps struct {
	Work    unit.Work
	Tables  Tables
	Holders Holders
	Acts    Acts
	Filings Filings
	Similar Similar // nil: impression.Similar
	Blobs   Blobs
	Signer  Signer
	Stops   Stops
	Outcome Outcome
	Audit   Trail

	Issuer           Issuer // of seal certificates
	Maker            Key    // signs seals (制章人)
	MakerCertificate []byte // DER
	StatusKey        Key    // signs status lists
	// Roots and Intermediates (DER) are what seals made here lead to, and
	// Authorities the enrolment authority's keys: the trust of verifiers, and
	// of the system's own look at a fresh stamp.
	Roots         [][]byte
	Intermediates [][]byte
	Authorities   []gm.PublicKey

	// Second verifies the passkey assertions in evidence, and Passkeys tells
	// offline verifiers how; nil and zero where devices have no passkeys.
	Second   verify.SecondFactor
	Passkeys verify.Passkeys

	Node   string            // name of this node in leases of work; empty: "node"
	Host   string            // host name in status lists, as in statements
	Vendor string            // Vid of the seals made here; empty: "yunzhang"
	Kinds  []impression.Kind // on offer; nil: all but personal signatures
	Limits Limits            // zero: DefaultLimits
	Now    func() time.Time
	Log    *slog.Logger
	// Checkpoint, when set, is called at the named points of a stamp: intent,
	// signed, completed, checked, stored, settled.
	Checkpoint func(name string)
}

// Service is the domain. It is safe for concurrent use.
type Service struct {
	Deps
	t       Tables
	busy    *busy
	chains  *ca.Trust
	gallery *gallery
}

// New makes a Service.
func New(d Deps) (*Service, error) {
	switch {
	case !d.Tables.complete():
		return nil, errors.New("cloudseal: a table is missing")
	case d.Work == nil || d.Holders == nil || d.Acts == nil || d.Filings == nil || d.Blobs == nil || d.Audit == nil:
		return nil, errors.New("cloudseal: a port is missing")
	case d.Signer == nil || d.Stops == nil || d.Issuer == nil || d.Maker == nil || len(d.MakerCertificate) == 0 || d.StatusKey == nil:
		return nil, errors.New("cloudseal: a key or its certificate is missing")
	case d.Now == nil || d.Host == "" || len(d.Authorities) == 0:
		return nil, errors.New("cloudseal: no clock, host name or authority")
	}
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits()
	}
	if d.Node == "" {
		d.Node = "node"
	}
	if d.Vendor == "" {
		d.Vendor = "yunzhang"
	}
	if d.Similar == nil {
		d.Similar = impression.Similar
	}
	if d.Kinds == nil {
		d.Kinds = slices.DeleteFunc(impression.Kinds(), func(k impression.Kind) bool { return k == impression.Signature })
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Checkpoint == nil {
		d.Checkpoint = func(string) {}
	}
	chains, err := ca.NewTrust(d.Intermediates, d.Roots)
	if err != nil {
		return nil, fmt.Errorf("cloudseal: %w", err)
	}
	return &Service{Deps: d, t: d.Tables, busy: newBusy(), chains: chains, gallery: newGallery()}, nil
}

// SetOutcome names who is told how stamps end. The one who is told needs this
// service himself, so he comes after it; nothing is stamped before.
func (s *Service) SetOutcome(o Outcome) { s.Outcome = o }

// record writes an audit record of an act on an object.
func (s *Service) record(tx unit.Tx, r audit.Record) error {
	if r.Decision == "" {
		r.Decision = audit.Allowed
	}
	return s.Audit.Write(tx, r)
}

// absentAs turns unit.ErrAbsent into a fault and leaves everything else.
func absentAs(err, as error) error {
	if errors.Is(err, unit.ErrAbsent) {
		return as
	}
	return err
}

// instead turns one fault into another and leaves everything else.
func instead(err error, of, as *fault.Error) error {
	if errors.Is(err, of) {
		return as
	}
	return err
}

// takenAs turns unit.ErrTaken into a fault and leaves everything else.
func takenAs(err, as error) error {
	if errors.Is(err, unit.ErrTaken) {
		return as
	}
	return err
}

// seconds cuts a time to what certificates, seals and statements can say.
func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
