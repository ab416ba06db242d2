package keys_test

import (
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
)

// four is a stage whose delegation asks for a second person from two documents
// on, and the legal representative's second approval of them.
type four struct {
	*stage
	jobs []keys.Job
	ev   keys.Evidence
	boss cloudsealtest.Device // appointed as second person
}

func newFour(t *testing.T, edit ...func(*statement.Review)) *four {
	t.Helper()
	s := newStage(t)
	s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref}, func(d *statement.Delegation) { d.SecondFrom = 2 })
	f := &four{stage: s, jobs: s.jobs(2), boss: s.pki.Enrol(t, statement.Person{ID: "us_boss", Name: "赵六"})}
	f.ev = s.evidence("tk_1", f.jobs)
	f.ev.Seconding = f.seconded(s.legal, edit...)
	return f
}

// seconded is a person's second approval of the evidence.
func (f *four) seconded(by cloudsealtest.Device, edit ...func(*statement.Review)) keys.Seconding {
	r := statement.Review{
		Nonce: cloudsealtest.Nonce(), Issuer: cloudsealtest.Host, Act: statement.SecondApproval,
		Subject: statement.Ref{ID: ticketOf(f.ev), Hash: f.ev.Approval.Hash()}, Opinion: statement.Approve,
		Org: cloudsealtest.Org, Person: by.Person, Device: by.Hash(), IssuedAt: f.clock.Now().Truncate(time.Second),
	}
	for _, e := range edit {
		e(&r)
	}
	return keys.Seconding{At: f.clock.Now(), Approval: by.Sign(f.t, cloudsealtest.Bytes(f.t, r)), Enrolment: by.Enrolment}
}

// appoint gives the second person his delegation.
func (f *four) appoint(g keys.Seconding, edit ...func(*statement.Delegation)) keys.Seconding {
	edit = append([]func(*statement.Delegation){func(d *statement.Delegation) { d.Actions, d.Max = []string{statement.Second}, 1 }}, edit...)
	g.Delegation = cloudsealtest.Delegate(f.t, f.legal, f.boss.Person, []statement.Ref{f.ref}, edit...)
	g.GrantorEnrolment = f.legal.Enrolment
	return g
}

func TestTheSecondPersonIsAskedFor(t *testing.T) {
	t.Parallel()
	f := newFour(t)
	alone := f.ev
	alone.Seconding = keys.Seconding{}
	f.refused(alone, f.jobs, "second-approver")
	f.sign(f.ev, f.jobs)

	f = newFour(t)
	f.ev.Seconding = f.appoint(f.seconded(f.boss))
	f.sign(f.ev, f.jobs)

	f = newFour(t) // one document is below what the delegation asks it for
	jobs := f.stage.jobs(1)
	f.sign(f.evidence("tk_2", jobs), jobs)
}

// The signer's own rule holds whatever the delegation says; the owner needs
// nobody beside him.
func TestTheSignersOwnRule(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(d *keys.Deps) { d.SecondFrom = 1 })
	jobs := s.jobs(1)
	s.refused(s.evidence("tk_1", jobs), jobs, "second-approver")
	jobs = s.jobs(1)
	s.sign(s.owner("tk_2", jobs), jobs)
}

func TestSecondApprovalsAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want string
		spin func(f *four)
	}{
		"by the first person himself": {"same-person", func(f *four) { f.ev.Seconding = f.seconded(f.agent) }},
		"by another account of the first person": {"same-person", func(f *four) {
			twin := f.pki.Enrol(f.t, statement.Person{ID: "us_twin", Name: "李四"}, func(e *statement.Enrolment) { e.IDHash = gm.SM3([]byte("us_agent")) })
			f.boss = twin
			f.ev.Seconding = f.appoint(f.seconded(twin))
		}},
		"by another device of the first person": {"same-person", func(f *four) {
			f.ev.Seconding = f.seconded(f.pki.Enrol(f.t, f.agent.Person))
		}},
		"a no": {"second-approver", func(f *four) {
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.Opinion = statement.Reject })
		}},
		"another act": {"second-approver", func(f *four) {
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.Act = "freeze-seal" })
		}},
		"of another ticket": {"second-approver", func(f *four) {
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.Subject.ID = "tk_2" })
		}},
		"of another statement": {"second-approver", func(f *four) {
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.Subject.Hash = gm.SM3([]byte("x")) })
		}},
		"for another organization": {"second-approver", func(f *four) {
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.Org.USCC = "91350100M000100Y43" })
		}},
		"of another issuer": {"second-approver", func(f *four) {
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.Issuer = "evil.example" })
		}},
		"older than the first": {"evidence-stale", func(f *four) {
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.IssuedAt = r.IssuedAt.Add(-time.Minute) })
		}},
		"drafted long before it was given": {"evidence-stale", func(f *four) {
			f.clock.Advance(12 * time.Minute)
			f.ev.Seconding = f.seconded(f.legal, func(r *statement.Review) { r.IssuedAt = r.IssuedAt.Add(-statement.SecondLife - time.Second) })
		}},
		"a signature of nobody":            {"signature", func(f *four) { f.ev.Seconding.Approval.Sig = f.ev.Approval.Sig }},
		"nobody's enrolment":               {"device-unknown", func(f *four) { f.ev.Seconding.Enrolment = f.agent.Enrolment }},
		"by somebody who is not appointed": {"not-legal-representative", func(f *four) { f.ev.Seconding = f.seconded(f.boss) }},
		"appointed by himself": {"device-unknown", func(f *four) {
			f.ev.Seconding = f.appoint(f.seconded(f.boss))
			f.ev.Seconding.GrantorEnrolment = f.boss.Enrolment
		}},
		"appointed to stamp": {"delegation-scope", func(f *four) {
			f.ev.Seconding = f.appoint(f.seconded(f.boss), func(d *statement.Delegation) { d.Actions = []string{statement.Stamp} })
		}},
		"appointed elsewhere": {"delegation-scope", func(f *four) {
			f.ev.Seconding = f.appoint(f.seconded(f.boss), func(d *statement.Delegation) { d.App = statement.App{ID: "app_other", Name: "其他"} })
		}},
		"appointed for another seal": {"delegation-scope", func(f *four) {
			f.ev.Seconding = f.appoint(f.seconded(f.boss), func(d *statement.Delegation) { d.Seals[0].Hash = gm.SM3([]byte("x")) })
		}},
		"appointed until yesterday": {"delegation-expired", func(f *four) {
			f.ev.Seconding = f.appoint(f.seconded(f.boss), func(d *statement.Delegation) { d.NotAfter = d.NotBefore.Add(time.Second) })
		}},
		"kept for too long": {"evidence-stale", func(f *four) { f.clock.Advance(keys.DefaultMaxAge + time.Second) }},
		"too late after the first": {"evidence-stale", func(f *four) {
			f.clock.Advance(keys.DefaultSecondWait + time.Second)
			f.ev.Seconding = f.seconded(f.legal)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFour(t)
			c.spin(f)
			f.refused(f.ev, f.jobs, c.want)
		})
	}
}

// The second may take his time, within what is allowed: the first approval is
// then older than an approval alone may be.
func TestTheSecondPersonMayTakeHisTime(t *testing.T) {
	t.Parallel()
	f := newFour(t)
	f.clock.Advance(keys.DefaultSecondWait - time.Second)
	f.ev.Seconding = f.seconded(f.legal)
	f.sign(f.ev, f.jobs)
}

// What the second approval stands on may end before the commit point, and then
// nothing is signed.
func TestStopsOfTheSecondPerson(t *testing.T) {
	t.Parallel()
	uscc := cloudsealtest.Org.USCC
	for name, c := range map[string]struct {
		kind, want string
		id         func(f *four) string
	}{
		"device":      {keys.StopDevice, "device-revoked", func(f *four) string { return f.boss.Hash().Hex() }},
		"place":       {keys.StopAgent, "agent-not-approved", func(*four) string { return keys.MemberID(uscc, "us_boss") }},
		"appointment": {keys.StopDelegation, "delegation-revoked", func(*four) string { return "dg_us_boss" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFour(t)
			f.ev.Seconding = f.appoint(f.seconded(f.boss))
			f.stop(c.kind, c.id(f))
			f.refused(f.ev, f.jobs, c.want)
		})
	}
}
