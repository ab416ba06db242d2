package keys_test

import (
	"fmt"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/keys"
)

// BenchmarkSign is one stamp of a 100 KiB document by scan, from evidence to
// signature, on a store in memory. Floor: five verifications of evidence, one
// signature, two verifications of the result (signer and maker), one pass over
// document and increment.
func BenchmarkSign(b *testing.B) {
	s := newStage(b)
	s.delegation = cloudsealtest.Delegate(b, s.legal, s.agent.Person, []statement.Ref{s.ref}, func(d *statement.Delegation) { d.Max = 1_000_000 })
	job := cloudsealtest.Job(b, cloudsealtest.PDF(3, 100<<10), s.seal, 1)
	b.SetBytes(int64(len(job.Original) + len(job.Prepared.Tail)))
	n := 0
	for b.Loop() {
		n++
		job.Slot = n
		jobs := []keys.Job{job}
		b.StopTimer()
		ev := s.evidence(fmt.Sprintf("tk_%d", n), jobs)
		b.StartTimer()
		if _, err := s.signer.Sign(b.Context(), ev, jobs); err != nil {
			b.Fatal(err)
		}
	}
}
