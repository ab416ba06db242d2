package cloudseal

import (
	"context"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
)

// Bundle makes what an offline verifier needs for the stamps of these
// approvals: roots, a fresh status list, and the statements. They hold names;
// the caller has made sure that whoever gets them may.
func (s *Service) Bundle(ctx context.Context, approvals ...gm.Digest) (*verify.Bundle, error) {
	b, err := s.emptyBundle(ctx)
	if err != nil {
		return nil, err
	}
	for _, approval := range approvals {
		st, err := s.statements(ctx, approval)
		if err != nil {
			return nil, err
		}
		b.Put(*st)
	}
	return b, nil
}

// emptyBundle holds trust and a fresh status list, and no statement.
func (s *Service) emptyBundle(ctx context.Context) (*verify.Bundle, error) {
	b := verify.NewBundle(s.Host)
	b.Roots, b.Intermediates = append(b.Roots, s.Roots...), append(b.Intermediates, s.Intermediates...)
	for _, key := range s.Authorities {
		b.Authorities = append(b.Authorities, key.SPKI())
	}
	b.Passkeys = s.Passkeys
	b.StatusKeys = append(b.StatusKeys, s.StatusKey.Public().SPKI())
	var err error
	b.Status, err = s.StatusList(ctx)
	return b, err
}

// DocumentBundle is Bundle for one stamped document, to go with it wherever it
// goes: of a batch whose lines stand in a manifest it holds the line of this
// document and the proof that it was in the approved list, and tells nothing of
// the others. fault.NotStamped for a document that is not stamped.
func (s *Service) DocumentBundle(ctx context.Context, d *Document) (*verify.Bundle, error) {
	if d.State != StampedDoc {
		return nil, fault.NotStamped
	}
	st, err := s.documentStatements(ctx, d)
	if err != nil {
		return nil, err
	}
	b, err := s.emptyBundle(ctx)
	if err != nil {
		return nil, err
	}
	b.Put(*st)
	return b, nil
}

func (s *Service) documentStatements(ctx context.Context, d *Document) (*verify.Statements, error) {
	var e *Evidence
	var in *Intent
	err := s.Work.View(ctx, func(tx unit.Tx) (err error) {
		if e, err = s.EvidenceOf(tx, d.Ticket); err != nil {
			return err
		}
		in, err = s.t.Intents.Get(tx, IntentID(d.Ticket, d.ID))
		return err
	})
	if err != nil {
		return nil, err
	}
	st := statementsOf(e.Evidence)
	a, _, err := statement.ParseApproval(e.Evidence.Approval.Bytes)
	if err != nil || !a.Listed() {
		return st, err
	}
	if a, err = a.With(e.Evidence.Manifest); err != nil {
		return nil, err
	}
	proof, err := statement.Prove(a.Docs, in.Index)
	st.Manifest, st.Lines = nil, []verify.Line{verify.Line(proof)}
	return st, err
}
