package keys_test

import (
	"strings"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/ses"
)

const code = "33010600000001"

// stage is a signer with one seal, its owner, and an agent with a delegation.
type stage struct {
	t            testing.TB
	clock        *cloudsealtest.Clock
	pki          *cloudsealtest.PKI
	store        *cloudsealtest.SignerStore
	signer       *keys.Signer
	legal, agent cloudsealtest.Device
	seal         []byte
	ref          statement.Ref
	delegation   statement.Signed
}

func newStage(t testing.TB, edit ...func(*keys.Deps)) *stage {
	t.Helper()
	s := &stage{t: t, clock: cloudsealtest.NewClock(), pki: cloudsealtest.NewPKI(t)}
	s.store = cloudsealtest.NewSignerStore(s.clock)
	s.signer = s.store.Signer(t, s.pki, s.clock, edit...)
	s.legal = s.pki.Enrol(t, statement.Person{ID: "us_legal", Name: "张三"})
	s.agent = s.pki.Enrol(t, statement.Person{ID: "us_agent", Name: "李四"})
	s.seal, s.ref = s.pki.NewSeal(t, s.signer, code, cloudsealtest.Org)
	s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref})
	return s
}

// reopen opens another signer on the same store, as after a restart.
func (s *stage) reopen(edit ...func(*keys.Deps)) *keys.Signer {
	return s.store.Signer(s.t, s.pki, s.clock, edit...)
}

// jobs prepares n documents with slots from 1.
func (s *stage) jobs(n int) []keys.Job {
	jobs := make([]keys.Job, n)
	for i := range jobs {
		jobs[i] = cloudsealtest.Job(s.t, cloudsealtest.PDF(1+i, 1000), s.seal, i+1)
		jobs[i].Slot = i + 1
	}
	return jobs
}

// delegationRef names a delegation as an approval does.
func delegationRef(t testing.TB, signed statement.Signed) statement.Ref {
	t.Helper()
	d, err := statement.ParseDelegation(signed.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return statement.Ref{ID: d.ID, Hash: signed.Hash()}
}

// approval is the agent's approval of jobs, not yet signed.
func (s *stage) approval(ticket string, jobs []keys.Job) statement.Approval {
	return cloudsealtest.Approval(s.agent, ticket, s.clock.Now(), delegationRef(s.t, s.delegation), []statement.Ref{s.ref}, cloudsealtest.Lines(jobs))
}

// evidence is good evidence of an agent's scan for jobs, approved now.
func (s *stage) evidence(ticket string, jobs []keys.Job, edit ...func(*statement.Approval)) keys.Evidence {
	a := s.approval(ticket, jobs)
	for _, f := range edit {
		f(&a)
	}
	return keys.Evidence{
		Kind: keys.KindScan, ApprovedAt: s.clock.Now(), Approval: s.agent.SignApproval(s.t, a), Enrolment: s.agent.Enrolment,
		Representation: s.pki.Represent(s.t, cloudsealtest.Org, s.legal.Person),
		Delegation:     s.delegation, GrantorEnrolment: s.legal.Enrolment,
	}
}

// owner is good evidence of the legal representative's own scan; it takes the
// slots off the jobs.
func (s *stage) owner(ticket string, jobs []keys.Job) keys.Evidence {
	for i := range jobs {
		jobs[i].Slot = 0
	}
	a := cloudsealtest.Approval(s.legal, ticket, s.clock.Now(), statement.Ref{}, []statement.Ref{s.ref}, cloudsealtest.Lines(jobs))
	return keys.Evidence{
		Kind: keys.KindOwner, ApprovedAt: s.clock.Now(), Approval: s.legal.SignApproval(s.t, a), Enrolment: s.legal.Enrolment,
		Representation: s.pki.Represent(s.t, cloudsealtest.Org, s.legal.Person),
	}
}

// sign signs and wants success.
func (s *stage) sign(ev keys.Evidence, jobs []keys.Job) []keys.Signed {
	s.t.Helper()
	signed, err := s.signer.Sign(s.t.Context(), ev, jobs)
	if err != nil {
		s.t.Fatalf("sign: %v", err)
	}
	if len(signed) != len(jobs) {
		s.t.Fatalf("%d signatures for %d documents", len(signed), len(jobs))
	}
	return signed
}

// refused wants a refusal with this code, for good, and nothing in the journal.
func (s *stage) refused(ev keys.Evidence, jobs []keys.Job, want string) {
	s.t.Helper()
	_, err := s.signer.Sign(s.t.Context(), ev, jobs)
	f := keys.Refusal(err)
	if f == nil || f.Code != want {
		s.t.Errorf("got %v, want %s", err, want)
	}
	if entries, err := s.signer.Lookup(s.t.Context(), ticketOf(ev)); err != nil || len(entries) > 0 {
		s.t.Errorf("journal after a refusal: %d entries, %v", len(entries), err)
	}
}

func ticketOf(ev keys.Evidence) string {
	_, after, _ := strings.Cut(string(ev.Approval.Bytes), "\nticket: ")
	ticket, _, _ := strings.Cut(after, "\n")
	return ticket
}

// parse reads a stamp and checks its two signatures.
func parse(t testing.TB, der []byte) *ses.Signature {
	t.Helper()
	sig, err := ses.ParseSignature(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := sig.CheckSigner(); err != nil {
		t.Fatal(err)
	}
	if err := sig.Seal.CheckMaker(); err != nil {
		t.Fatal(err)
	}
	return sig
}
