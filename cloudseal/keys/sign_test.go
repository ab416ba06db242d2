package keys_test

import (
	"bytes"
	"testing"

	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/ses"
)

func TestSignScan(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs)
	for i, signed := range s.sign(ev, jobs) {
		sig := parse(t, signed.Signature)
		if !bytes.Equal(sig.DataHash, jobs[i].Line.DTBS[:]) || !bytes.Equal(sig.Seal.Raw, s.seal) {
			t.Errorf("document %d: other content or seal", i+1)
		}
		if !sig.Time.Equal(cloudsealtest.Start) || !signed.Time.Equal(sig.Time) {
			t.Errorf("document %d: time %v", i+1, sig.Time)
		}
		ext, err := ses.EvidenceOf(sig.Exts)
		if err != nil {
			t.Fatal(err)
		}
		want := ses.EvidenceExt{Kind: "scan", Approval: ev.Approval.Hash(), Delegation: s.delegation.Hash(), Slot: i + 1}
		if *ext != want {
			t.Errorf("document %d: evidence %+v, want %+v", i+1, *ext, want)
		}
	}
}

func TestSignOwner(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.owner("tk_1", jobs)
	sig := parse(t, s.sign(ev, jobs)[0].Signature)
	ext, err := ses.EvidenceOf(sig.Exts)
	if err != nil || *ext != (ses.EvidenceExt{Kind: "owner", Approval: ev.Approval.Hash()}) {
		t.Errorf("evidence %+v, %v", ext, err)
	}
}

func TestASecondCallGivesTheSameStamp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs)
	first := s.sign(ev, jobs)
	s.clock.Advance(48 * 3600e9) // long after the evidence went stale: the decision stands
	again, err := s.reopen().Sign(t.Context(), ev, jobs)
	if err != nil {
		t.Fatal(err)
	}
	for i := range first {
		if !bytes.Equal(first[i].Signature, again[i].Signature) {
			t.Errorf("document %d: another stamp", i+1)
		}
	}
}

// halt is what a test's checkpoint panics with.
type halt string

// stopAt makes a signer end at a named point the nth time it comes by.
func stopAt(name string, nth int) func(*keys.Deps) {
	return func(d *keys.Deps) {
		d.Checkpoint = func(at string) {
			if at == name {
				if nth--; nth == 0 {
					panic(halt(name))
				}
			}
		}
	}
}

// crash runs f and swallows the halt; it reports whether there was one.
func crash(f func()) (halted bool) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(halt); !ok {
				panic(r)
			}
			halted = true
		}
	}()
	f()
	return false
}

func TestACrashAfterTheCommitPointEndsInTheSameBytes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		point string
		nth   int
	}{{"journal", 1}, {"value", 1}, {"kept", 1}, {"value", 2}, {"kept", 2}, {"kept", 3}} {
		s := newStage(t)
		jobs := s.jobs(3)
		ev := s.evidence("tk_1", jobs)
		dying := s.reopen(stopAt(c.point, c.nth))
		if !crash(func() { _, _ = dying.Sign(t.Context(), ev, jobs) }) {
			t.Fatalf("%s %d: not reached", c.point, c.nth)
		}
		before, err := s.signer.Lookup(t.Context(), "tk_1")
		if err != nil || len(before) != 3 {
			t.Fatalf("%s: journal %d, %v", c.point, len(before), err)
		}
		if err := s.signer.Stop(t.Context(), keys.StopDelegation, "dg_us_agent", 1); err != nil {
			t.Fatal(err)
		}
		s.clock.Advance(3600e9)
		signed := s.sign(ev, jobs)
		for i, e := range before {
			if sig := parse(t, signed[i].Signature); gm.SM3(sig.TBS) != e.TBS {
				t.Errorf("%s %d: document %d was signed over other bytes than were fixed", c.point, c.nth, i+1)
			}
			if e.State == keys.Done && !bytes.Contains(signed[i].Signature, e.Value) {
				t.Errorf("%s %d: document %d was signed twice", c.point, c.nth, i+1)
			}
		}
		if pending, err := s.signer.Pending(t.Context()); err != nil || len(pending) > 0 {
			t.Errorf("%s: pending %v, %v", c.point, pending, err)
		}
	}
}

func TestACrashBeforeTheCommitPointLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs)
	if !crash(func() { _, _ = s.reopen(stopAt("evidence", 1)).Sign(t.Context(), ev, jobs) }) {
		t.Fatal("not reached")
	}
	if err := s.signer.Stop(t.Context(), keys.StopDelegation, "dg_us_agent", 1); err != nil {
		t.Fatal(err)
	}
	s.refused(ev, jobs, "delegation-revoked")
}

func TestPendingNamesWhatIsCommitted(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs)
	crash(func() { _, _ = s.reopen(stopAt("journal", 1)).Sign(t.Context(), ev, jobs) })
	pending, err := s.signer.Pending(t.Context())
	if err != nil || len(pending) != 1 || pending[0] != "tk_1" {
		t.Errorf("pending %v, %v", pending, err)
	}
}
