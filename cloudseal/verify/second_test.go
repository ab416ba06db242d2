package verify_test

import (
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
)

// secondBy has a device approve as the second one, after so long; edit spoils what
// it says.
func (f *forge) secondBy(by cloudsealtest.Device, after time.Duration, edit func(*statement.Review)) {
	f.grant = func(d *statement.Delegation) { d.SecondFrom = 1 }
	inner := f.evidence
	f.evidence = func(s *verify.Statements) {
		r := statement.Review{
			Nonce: cloudsealtest.Nonce(), Issuer: cloudsealtest.Host, Act: statement.SecondApproval,
			Subject: statement.Ref{ID: "tk_1", Hash: gm.SM3(s.Approval.Statement)}, Opinion: statement.Approve,
			Org: cloudsealtest.Org, Person: by.Person, Device: by.Hash(), IssuedAt: cloudsealtest.Start.Add(after),
		}
		if edit != nil {
			edit(&r)
		}
		s.Seconding = &verify.Seconding{Approval: signed(by.Sign(f.t, cloudsealtest.Bytes(f.t, r))), Enrolment: signed(by.Enrolment)}
		if inner != nil {
			inner(s)
		}
	}
}

// appoint gives the second person a delegation for this.
func (f *forge) appoint(by cloudsealtest.Device, edit func(*statement.Delegation)) {
	f.evidence = func(s *verify.Statements) {
		ref := statement.Ref{ID: code, Hash: gm.SM3(f.sealDER())}
		granted := cloudsealtest.Delegate(f.t, f.legal, by.Person, []statement.Ref{ref}, func(d *statement.Delegation) {
			d.Actions = []string{statement.Second}
			if edit != nil {
				edit(d)
			}
		})
		s.Seconding.Delegation, s.Seconding.GrantorEnrolment = signed(granted), signed(f.legal.Enrolment)
	}
}

// What a second person approved is good however long he took, and proves nothing
// when it is not there, not his or not about this.
func TestASecondPersonsApproval(t *testing.T) {
	t.Parallel()
	const soon = 30 * time.Second
	person := statement.Person{ID: "us_third", Name: "王五"}
	for _, c := range []struct {
		name   string
		change func(*forge)
		code   string // "": proved
	}{
		{"by the legal representative", func(f *forge) { f.secondBy(f.legal, soon, nil) }, ""},
		{"long after the first one's window", func(f *forge) {
			f.time = cloudsealtest.Start.Add(25 * time.Minute)
			f.secondBy(f.legal, 24*time.Minute+50*time.Second, nil)
		}, ""},
		{"by somebody appointed", func(f *forge) {
			third := f.pki.Enrol(f.t, person)
			f.appoint(third, nil)
			f.secondBy(third, soon, nil)
		}, ""},
		{"missing", func(f *forge) { f.grant = func(d *statement.Delegation) { d.SecondFrom = 1 } }, "second-missing"},
		{"not needed for so few", func(f *forge) { f.grant = func(d *statement.Delegation) { d.SecondFrom = 2 } }, ""},
		{"looked at for long before he signed", func(f *forge) {
			f.time = cloudsealtest.Start.Add(25 * time.Minute)
			f.secondBy(f.legal, 16*time.Minute, nil)
		}, ""},
		{"long before the stamp", func(f *forge) {
			f.time = cloudsealtest.Start.Add(25 * time.Minute)
			f.secondBy(f.legal, 12*time.Minute, nil)
		}, "approval-time"},
		{"days after the first", func(f *forge) {
			f.time, f.trust.Now = cloudsealtest.Start.Add(48*time.Hour), cloudsealtest.Start.Add(49*time.Hour)
			f.secondBy(f.legal, 48*time.Hour-time.Minute, nil)
		}, "second-time"},
		{"a no", func(f *forge) { f.secondBy(f.legal, soon, func(r *statement.Review) { r.Opinion = statement.Reject }) }, "second"},
		{"about another request", func(f *forge) { f.secondBy(f.legal, soon, func(r *statement.Review) { r.Subject.ID = "tk_2" }) }, "second"},
		{"about another statement", func(f *forge) {
			f.secondBy(f.legal, soon, func(r *statement.Review) { r.Subject.Hash = gm.SM3([]byte("x")) })
		}, "second"},
		{"in another system", func(f *forge) { f.secondBy(f.legal, soon, func(r *statement.Review) { r.Issuer = "evil.example.cn" }) }, "second"},
		{"after the stamp", func(f *forge) { f.secondBy(f.legal, 2*time.Minute, nil) }, "second-time"},
		{"before the first", func(f *forge) { f.secondBy(f.legal, -time.Minute, nil) }, "second-time"},
		{"by the first person", func(f *forge) { f.secondBy(f.agent, soon, nil) }, "second-same"},
		{"by another account of the first person", func(f *forge) {
			again := f.pki.Enrol(f.t, person, func(e *statement.Enrolment) { e.IDHash = gm.SM3([]byte(f.agent.Person.ID)) })
			f.appoint(again, nil)
			f.secondBy(again, soon, nil)
		}, "second-same"},
		{"by somebody without power", func(f *forge) { f.secondBy(f.pki.Enrol(f.t, person), soon, nil) }, "representation"},
		{"signed by another device", func(f *forge) {
			f.evidence = func(s *verify.Statements) { s.Seconding.Enrolment = signed(f.pki.Enrol(f.t, f.legal.Person).Enrolment) }
			f.secondBy(f.legal, soon, nil)
		}, "signature"},
		{"appointed for something else", func(f *forge) {
			third := f.pki.Enrol(f.t, person)
			f.appoint(third, func(d *statement.Delegation) { d.App.ID = "app_x" })
			f.secondBy(third, soon, nil)
		}, "second-scope"},
		{"no longer appointed", func(f *forge) {
			third := f.pki.Enrol(f.t, person)
			f.appoint(third, func(d *statement.Delegation) { d.NotAfter = f.time })
			f.secondBy(third, soon, nil)
		}, "second-delegation-time"},
		{"appointed by himself", func(f *forge) {
			third := f.pki.Enrol(f.t, person)
			f.appoint(third, nil)
			inner := f.evidence
			f.evidence = func(s *verify.Statements) {
				inner(s)
				s.Seconding.Delegation = signed(third.Sign(f.t, s.Seconding.Delegation.Statement))
			}
			f.secondBy(third, soon, nil)
		}, "signature"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t)
			c.change(f)
			r := verify.Document(f.make(), f.trust)
			for _, got := range r.Stamps[0].Checks {
				if got.Name == verify.Evidence && (got.Answer == verify.Yes) != (c.code == "") {
					t.Errorf("%+v, want %q", got, c.code)
				}
				if got.Name == verify.Evidence && c.code != "" && got.Code != c.code {
					t.Errorf("%s, want %s", got.Code, c.code)
				}
				if got.Name != verify.Evidence && got.Answer == verify.No {
					t.Errorf("%s says no: %s", got.Name, got.Code)
				}
			}
		})
	}
}
