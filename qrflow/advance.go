package qrflow

import (
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Progress is how the stamping of an approved ticket goes.
type Progress struct {
	To     State  // Signing, Done or Failed
	Made   int    // stamps made so far, with Signing
	Reason string // code, with Failed
}

// Advance moves an approved ticket on, in the transaction that stores what was
// done:
//
//	Signing  the intents are stored; again with a larger Made for each stamp
//	Done     all stamps are made and stored
//	Failed   none will be made; the purpose is told by Ended, like after every
//	         end without effect
//
// It fails with fault.Expired when stamping did not begin in time, and with
// fault.WrongState, also for log-in and bind, whose result needs no making.
func (s *Service) Advance(tx unit.Tx, ticket string, a Progress) error {
	t, err := s.get(tx, ticket)
	if err != nil {
		return err
	}
	step, from := StepSign, []State{Approved}
	switch {
	case a.To == Signing && t.State == Signing:
		step, from = StepProgress, []State{Signing}
	case a.To == Done:
		step, from = StepFinish, []State{Signing}
	case a.To == Failed:
		step, from = StepFail, []State{Approved, Signing}
	case a.To != Signing:
		return fault.WrongState.Becausef("advance to %s", a.To)
	}
	if !t.stamps() || t.Waits && step == StepSign {
		return fault.WrongState.Becausef("advance a ticket for %s, waiting: %v", t.Purpose, t.Waits)
	}
	if err := must(t, tx.Now(), from...); err != nil {
		return err
	}
	if t.Made = max(t.Made, a.Made); a.To == Done {
		t.Made = t.Total
	}
	n := system(a.Reason)
	n.evidence = t.Statement
	if a.To == Failed {
		n.decision = audit.Refused
	}
	return s.move(tx, t, step, n)
}

// Second notes, in the transaction that takes it, that the second person whom an
// approved ticket waits for has approved: stamping may begin, within Limits.Start.
func (s *Service) Second(tx unit.Tx, ticket, person string, evidence gm.Digest) error {
	t, err := s.get(tx, ticket)
	if err != nil {
		return err
	}
	if err := must(t, tx.Now(), Approved); err != nil {
		return err
	}
	if !t.Waits {
		return fault.WrongState.Becausef("no second person is asked for")
	}
	t.Waits = false
	t.deadline(tx.Now().Add(s.d.Limits.Start))
	return s.move(tx, t, StepSecond, note{actor: person, role: "second", evidence: evidence})
}
