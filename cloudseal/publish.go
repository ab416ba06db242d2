package cloudseal

import (
	"context"
	"errors"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cloudseal/verify"
)

// Trust is what an online verdict stands on here: our roots, the histories of
// our seals and the evidence behind our stamps. Reports made with it may hold
// names (verify.Report.WithoutNames).
func (s *Service) Trust(ctx context.Context) verify.Trust {
	return verify.Trust{
		Chains: s.chains, Authorities: s.Authorities, Issuer: s.Host, Now: s.Now(),
		Histories: histories{ctx, s}, Source: source{ctx, s}, Second: s.Second,
	}
}

// histories answers from the events.
type histories struct {
	ctx context.Context
	s   *Service
}

// StateAt implements verify.Histories. Seals of other makers are not ours to
// speak of, even if one has the code of ours.
func (h histories) StateAt(seal string, maker gm.Digest, at time.Time) (status.State, bool, error) {
	if maker != gm.SM3(h.s.MakerCertificate) {
		return "", false, nil
	}
	events, err := h.s.History(h.ctx, seal)
	if err != nil {
		return "", false, err
	}
	state, known := historyOf(events).At(at)
	return state, known, nil
}

func historyOf(events []*Event) status.History {
	h := make(status.History, 0, len(events))
	for _, e := range events {
		h = append(h, status.Event{State: e.State, From: e.From})
	}
	return h
}

// source answers from the kept evidence.
type source struct {
	ctx context.Context
	s   *Service
}

// Evidence implements verify.Source.
func (o source) Evidence(approval gm.Digest) (*verify.Statements, error) {
	st, err := o.s.statements(o.ctx, approval)
	if errors.Is(err, fault.Absent) {
		return nil, nil
	}
	return st, err
}

func (s *Service) statements(ctx context.Context, approval gm.Digest) (st *verify.Statements, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		e, err := s.t.Evidence.Get(tx, approval.Hex())
		if err != nil {
			return absentAs(err, fault.Absent)
		}
		st = statementsOf(e.Evidence)
		return nil
	})
	return st, err
}

func statementsOf(e keys.Evidence) *verify.Statements {
	signed := func(s statement.Signed) verify.Signed { return verify.Signed{Statement: s.Bytes, Signature: s.Sig} }
	st := &verify.Statements{
		Approval: signed(e.Approval), Second: e.Second, Enrolment: signed(e.Enrolment),
		Representation: signed(e.Representation), Delegation: signed(e.Delegation),
		DelegationSecond: e.DelegationSecond, GrantorEnrolment: signed(e.GrantorEnrolment),
		Manifest: e.Manifest, Display: e.Display,
	}
	if g := e.Seconding; !g.IsZero() {
		st.Seconding = &verify.Seconding{
			Approval: signed(g.Approval), Second: g.Assertion, Enrolment: signed(g.Enrolment),
			Delegation: signed(g.Delegation), DelegationSecond: g.DelegationAssertion, GrantorEnrolment: signed(g.GrantorEnrolment),
		}
	}
	return st
}

// StatusList makes and signs a list of the histories of all seals, as of now.
func (s *Service) StatusList(ctx context.Context) (verify.Signed, error) {
	var list status.List
	err := s.Work.Update(ctx, func(tx unit.Tx) error {
		number, err := s.count(tx, "status-list")
		if err != nil {
			return err
		}
		entries, err := s.entries(tx)
		if err != nil {
			return err
		}
		list = status.NewList(s.Host, number, []gm.Digest{gm.SM3(s.MakerCertificate)}, tx.Now(), tx.Now().Add(s.Limits.ListLife), entries)
		return nil
	})
	if err != nil {
		return verify.Signed{}, err
	}
	b, err := list.Bytes()
	if err != nil {
		return verify.Signed{}, err
	}
	sig, err := s.StatusKey.Sign(b)
	return verify.Signed{Statement: b, Signature: sig}, err
}

// entries collects the histories of the seals that have one.
func (s *Service) entries(tx unit.Tx) (entries []status.Entry, err error) {
	q := unit.Query{Index: "marked", Key: []any{true}}
	for {
		page, err := s.t.Seals.Find(tx, q)
		if err != nil || len(page) == 0 {
			return entries, err
		}
		for _, seal := range page {
			events, err := s.eventsOf(tx, seal.ID)
			if err != nil {
				return nil, err
			}
			entries = append(entries, status.Entry{Seal: seal.ID, Events: historyOf(events)})
		}
		q.After = []any{page[len(page)-1].ID}
	}
}
