package keys

import (
	"fmt"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// approval is a parsed approval statement, its signature not yet verified.
type approval struct {
	statement.Approval
	signed statement.Signed
	hash   gm.Digest
}

// readApproval reads the statement, with its manifest if it has one, and checks
// what it says of itself. Parsing is strict: rebuilding it, docs-root included,
// gives the same bytes, or it is refused.
func (s *Signer) readApproval(ev Evidence) (approval, error) {
	signed := ev.Approval
	a, _, err := statement.ParseApproval(signed.Bytes)
	if err == nil && (a.Listed() || len(ev.Manifest) > 0) {
		a, err = a.With(ev.Manifest)
	}
	if err != nil {
		return approval{}, fmt.Errorf("read approval: %w", err)
	}
	switch {
	case a.Purpose != statement.Stamp:
		return approval{}, fault.SignerRefused.Becausef("the approval is for %s", a.Purpose)
	case a.Decision != statement.Approve:
		return approval{}, fault.SignerRefused.Becausef("the decision is %s", a.Decision)
	case a.Issuer != s.issuer:
		return approval{}, fault.SignerRefused.Becausef("the approval was issued by %s", a.Issuer)
	case len(ev.Display) > 0 && gm.SM3(ev.Display) != a.Display:
		return approval{}, fault.SignerRefused.Becausef("the person was shown something else")
	case len(a.Docs) == 0 || len(a.Docs) > MaxJobs || len(a.Seals) == 0:
		return approval{}, fault.SignerRefused.Becausef("%d documents, %d seals", len(a.Docs), len(a.Seals))
	}
	return approval{Approval: a, signed: signed, hash: signed.Hash()}, nil
}

// fresh checks the approval against the signer's own clock. The time of
// approval is the caller's word, so the statement's own window bounds it.
// What waited for a second person may be older; his approval is held against the
// clock then (secondWords).
func (s *Signer) fresh(a approval, approvedAt, now time.Time, seconded bool) error {
	switch {
	case approvedAt.Before(a.IssuedAt):
		return fault.EvidenceStale.Becausef("approved before the statement was issued")
	case approvedAt.After(a.ExpiresAt.Add(time.Second)): // the statement's time has lost its fraction
		return fault.EvidenceStale.Becausef("approved after the statement expired")
	case approvedAt.After(now.Add(MaxSkew)):
		return fault.EvidenceStale.Becausef("approved in the signer's future")
	case !seconded && now.Sub(approvedAt) > s.maxAge:
		return fault.EvidenceStale.Becausef("approved %s ago", now.Sub(approvedAt))
	}
	return nil
}
