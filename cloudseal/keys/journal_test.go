package keys_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
)

func TestASlotMakesOneStamp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	s.sign(s.evidence("tk_1", jobs), jobs)
	// The service gives the same slot to another ticket, by mistake or worse.
	s.refused(s.evidence("tk_2", jobs), jobs, "delegation-limit")
}

func TestANonceIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	var nonce string
	s.sign(s.evidence("tk_1", jobs, func(a *statement.Approval) { nonce = a.Nonce }), jobs)
	jobs[0].Slot = 2
	s.refused(s.evidence("tk_2", jobs, func(a *statement.Approval) { a.Nonce = nonce }), jobs, "signer-refused")
}

func TestATicketIsApprovedOnce(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	first := s.sign(s.evidence("tk_1", jobs[:1]), jobs[:1])
	for name, try := range map[string][]keys.Job{"the same document": jobs[:1], "another document": jobs[1:]} {
		_, err := s.signer.Sign(t.Context(), s.evidence("tk_1", try), try)
		if f := keys.Refusal(err); f == nil || f.Code != "signer-refused" {
			t.Errorf("%s: %v", name, err)
		}
	}
	entries, err := s.signer.Lookup(t.Context(), "tk_1")
	if err != nil || len(entries) != 1 || !bytes.Contains(first[0].Signature, entries[0].Value) {
		t.Errorf("journal: %d entries, %v", len(entries), err)
	}
}

func TestAT097OldEvidence(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs[:1])
	s.sign(ev, jobs[:1])
	for name, try := range map[string][]keys.Job{"more": jobs, "other": jobs[1:], "none": nil} {
		if signed, err := s.signer.Sign(t.Context(), ev, try); err == nil {
			t.Errorf("%s: %d signatures", name, len(signed))
		}
	}
}

// AT-097: whoever owns the service sends ten thousand pieces of garbage, and a
// bare hash where a document belongs: nothing is signed, and after a few hundred
// nothing is looked at, however good, until the minute is over.
func TestAT097Garbage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs)
	bare := []keys.Job{{Document: jobs[0].Document, Slot: 1, Seal: s.seal, Line: jobs[0].Line}}
	if signed, err := s.signer.Sign(t.Context(), ev, bare); err == nil {
		t.Errorf("%d signatures of a hash", len(signed))
	}
	codes := map[string]int{}
	for i := range 10_000 {
		bad := ev
		bad.Approval.Bytes = bytes.Replace(ev.Approval.Bytes, []byte("match: "), fmt.Appendf(nil, "match: %d", i), 1)
		signed, err := s.signer.Sign(t.Context(), bad, jobs)
		if err == nil {
			t.Fatalf("%d signatures of garbage", len(signed))
		}
		codes[fault.CodeOf(err)]++
	}
	if codes[fault.SlowDown.Code] != 10_000-keys.DefaultRefusals {
		t.Errorf("answers %v", codes)
	}
	_, err := s.signer.Sign(t.Context(), ev, jobs)
	if fault.CodeOf(err) != fault.SlowDown.Code || keys.Refusal(err) != nil {
		t.Errorf("good evidence meanwhile: %v", err)
	}
	s.clock.Advance(time.Minute)
	fresh := s.evidence("tk_2", jobs)
	s.sign(fresh, jobs)
}

func TestRefuseBuriesATicket(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs)
	for range 2 { // repeating it is no error
		committed, err := s.signer.Refuse(t.Context(), "tk_1", "delegation-revoked", jobs[0].Document, jobs[1].Document)
		if err != nil || committed {
			t.Fatalf("refuse: %v %v", committed, err)
		}
	}
	for name, try := range map[string]func(){"the same documents": func() {}, "under other ids": func() { jobs[0].Document = "doc_x" }} {
		try()
		_, err := s.signer.Sign(t.Context(), ev, jobs)
		if f := keys.Refusal(err); f == nil || f.Code != "signer-refused" {
			t.Errorf("%s: signed after the tombstone: %v", name, err)
		}
	}
	entries, err := s.signer.Lookup(t.Context(), "tk_1")
	if err != nil || len(entries) != 2 || entries[0].State != keys.Void || entries[1].Reason != "delegation-revoked" {
		t.Errorf("journal %+v, %v", entries, err)
	}
	// The slots are free for another ticket.
	jobs[0].Document = "doc_a"
	s.sign(s.evidence("tk_2", jobs), jobs)
}

func TestRefuseComesTooLate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs)
	crash(func() { _, _ = s.reopen(stopAt("journal", 1)).Sign(t.Context(), ev, jobs) })
	committed, err := s.signer.Refuse(t.Context(), "tk_1", "evidence-stale", jobs[0].Document)
	if err != nil || !committed {
		t.Fatalf("refuse after the commit point: %v %v", committed, err)
	}
	s.sign(ev, jobs)
}

// Refuse and Sign at the same time: exactly one of them has its way.
func TestRefuseRacesWithSign(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for i := range 10 {
		jobs := s.jobs(1)
		jobs[0].Slot = i + 1
		ev := s.evidence(ticket(i), jobs)
		var wg sync.WaitGroup
		var signErr, refuseErr error
		var committed bool
		wg.Go(func() { _, signErr = s.signer.Sign(t.Context(), ev, jobs) })
		wg.Go(func() {
			committed, refuseErr = s.signer.Refuse(t.Context(), ticket(i), "test", jobs[0].Document)
		})
		wg.Wait()
		if refuseErr != nil || committed != (signErr == nil) {
			t.Errorf("%d: committed %v, sign %v, refuse %v", i, committed, signErr, refuseErr)
		}
	}
}

func TestParallelSignsGiveOneStamp(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs)
	results := make([][]keys.Signed, 8)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() {
			var err error
			if results[i], err = s.signer.Sign(t.Context(), ev, jobs); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, r := range results {
		for k := range r {
			if !bytes.Equal(r[k].Signature, results[0][k].Signature) {
				t.Errorf("call %d, document %d: another stamp", i, k+1)
			}
		}
	}
}

var errStore = errors.New("the disk is full")

// Every commit of the signer's store fails once, applied or not: the caller
// tries again and comes to one stamp.
func TestEveryCommitMayFail(t *testing.T) {
	t.Parallel()
	for nth := 1; nth <= 3; nth++ { // the journal, and a signature for each of two documents
		for _, applied := range []bool{false, true} {
			s := newStage(t)
			jobs := s.jobs(2)
			ev := s.evidence("tk_1", jobs)
			n := 0
			s.store.DB.OnCommit(func() (bool, error) {
				if n++; n == nth {
					return applied, errStore
				}
				return true, nil
			})
			_, err := s.signer.Sign(t.Context(), ev, jobs)
			if !errors.Is(err, errStore) || keys.Refusal(err) != nil {
				t.Fatalf("commit %d applied %v: %v", nth, applied, err)
			}
			s.store.DB.OnCommit(nil)
			before, err := s.signer.Lookup(t.Context(), "tk_1")
			if err != nil || (len(before) == 2) != (nth > 1 || applied) {
				t.Fatalf("commit %d applied %v: journal %d, %v", nth, applied, len(before), err)
			}
			for i, signed := range s.sign(ev, jobs) {
				sig := parse(t, signed.Signature)
				if len(before) > 0 && gm.SM3(sig.TBS) != before[i].TBS {
					t.Errorf("commit %d applied %v: document %d: other bytes", nth, applied, i+1)
				}
			}
		}
	}
}

func TestTheStoreMayRunEverythingTwice(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.store.DB.Rehearse()
	jobs := s.jobs(2)
	s.sign(s.evidence("tk_1", jobs), jobs)
	s.stop(keys.StopSeal, code)
	if committed, err := s.signer.Refuse(t.Context(), "tk_2", "test", "doc_x"); err != nil || committed {
		t.Errorf("refuse: %v %v", committed, err)
	}
}

// The service gives the ten slots of a delegation out four times over, all at
// once: ten stamps, one a slot.
func TestAT037TenSlots(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	job := s.jobs(1)[0]
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := map[int]int{}
	for i := range 40 {
		job.Slot = 1 + i%10
		jobs := []keys.Job{job}
		ev := s.evidence(fmt.Sprintf("tk_%d", i), jobs)
		wg.Go(func() {
			_, err := s.signer.Sign(t.Context(), ev, jobs)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made[jobs[0].Slot]++
			} else if f := keys.Refusal(err); f == nil || f.Code != "delegation-limit" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for slot := 1; slot <= 10; slot++ {
		if made[slot] != 1 {
			t.Errorf("slot %d: %d stamps", slot, made[slot])
		}
	}
}
