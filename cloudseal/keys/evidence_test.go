package keys_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/ses"
)

// Each row spoils one thing of good evidence and names the refusal.
func TestEvidenceIsRefused(t *testing.T) {
	t.Parallel()
	type change = func(s *stage, ev *keys.Evidence, jobs []keys.Job)
	// approved signs another approval than the good one.
	approved := func(edit func(*statement.Approval)) change {
		return func(s *stage, ev *keys.Evidence, jobs []keys.Job) {
			a := s.approval("tk_1", jobs)
			edit(&a)
			ev.Approval = s.agent.SignApproval(s.t, a)
		}
	}
	// delegated makes another delegation, and the approval name it.
	delegated := func(edit func(*statement.Delegation)) change {
		return func(s *stage, ev *keys.Evidence, jobs []keys.Job) {
			ev.Delegation = cloudsealtest.Delegate(s.t, s.legal, s.agent.Person, []statement.Ref{s.ref}, edit)
			a := s.approval("tk_1", jobs)
			a.Delegation = delegationRef(s.t, ev.Delegation)
			ev.Approval = s.agent.SignApproval(s.t, a)
		}
	}
	stranger := statement.Person{ID: "us_other", Name: "王五"}
	for _, c := range []struct {
		name   string
		want   string
		change change
	}{
		{"no statement", "statement", func(_ *stage, ev *keys.Evidence, _ []keys.Job) { ev.Approval.Bytes = nil }},
		{"one blank more", "statement", func(_ *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Approval.Bytes = bytes.Replace(ev.Approval.Bytes, []byte("purpose: stamp"), []byte("purpose:  stamp"), 1)
		}},
		{"to log in", "signer-refused", func(s *stage, ev *keys.Evidence, jobs []keys.Job) {
			a := s.approval("tk_1", jobs)
			a.Purpose, a.Account, a.Docs, a.DocsRoot, a.Limits = statement.Login, "a***", nil, gm.Digest{}, nil
			ev.Approval = s.agent.SignApproval(s.t, a)
		}},
		{"a signed no", "signer-refused", approved(func(a *statement.Approval) { a.Decision = statement.Reject })},
		{"another issuer", "signer-refused", approved(func(a *statement.Approval) { a.Issuer = "evil.example.cn" })},
		{"another number", "signature", func(_ *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Approval.Bytes = bytes.Replace(ev.Approval.Bytes, []byte("match: 417"), []byte("match: 418"), 1)
		}},
		{"signed by another device", "signature", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Approval = s.legal.Sign(s.t, ev.Approval.Bytes)
		}},
		{"enrolment of another device of his", "device-unknown", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Enrolment = s.pki.Enrol(s.t, s.agent.Person).Enrolment
		}},
		{"enrolment of somebody else", "device-unknown", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Enrolment = s.legal.Enrolment
		}},
		{"enrolment signed by nobody we know", "device-unknown", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			other := *s.pki
			other.AuthorityKey = cloudsealtest.Key(s.t)
			d := other.Enrol(s.t, s.agent.Person)
			a := s.approval("tk_1", s.jobs(1))
			a.Device = d.Hash()
			ev.Approval, ev.Enrolment = d.SignApproval(s.t, a), d.Enrolment
		}},
		{"enrolment of another issuer", "device-unknown", func(s *stage, ev *keys.Evidence, jobs []keys.Job) {
			d := s.pki.Enrol(s.t, s.agent.Person, func(e *statement.Enrolment) { e.Issuer = "evil.example.cn" })
			a := s.approval("tk_1", jobs)
			a.Device = d.Hash()
			ev.Approval, ev.Enrolment = d.SignApproval(s.t, a), d.Enrolment
		}},
		{"of an unknown kind", "signer-refused", func(_ *stage, ev *keys.Evidence, _ []keys.Job) { ev.Kind = "standing" }},
		{"a scan called the owner's", "signer-refused", func(_ *stage, ev *keys.Evidence, _ []keys.Job) { ev.Kind = keys.KindOwner }},

		{"no delegation", "delegation", func(_ *stage, ev *keys.Evidence, _ []keys.Job) { ev.Delegation = statement.Signed{} }},
		{"another delegation than approved", "signer-refused", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Delegation = cloudsealtest.Delegate(s.t, s.legal, s.agent.Person, []statement.Ref{s.ref})
		}},
		{"delegation to somebody else", "delegation-scope", delegated(func(d *statement.Delegation) { d.Agent = stranger })},
		{"delegation for another application", "delegation-scope", delegated(func(d *statement.Delegation) { d.App.ID = "app_other" })},
		{"delegation of another organization", "delegation-scope", delegated(func(d *statement.Delegation) { d.Org.USCC = "91110000802100433B" })},
		{"delegation to log in only", "delegation-scope", delegated(func(d *statement.Delegation) { d.Actions = []string{statement.Login} })},
		{"delegation of another version of the seal", "delegation-scope", delegated(func(d *statement.Delegation) { d.Seals[0].Hash = gm.SM3([]byte("old")) })},
		{"delegation of another seal", "delegation-scope", delegated(func(d *statement.Delegation) { d.Seals[0].ID = "33010600000002" })},
		{"delegation not yet in force", "delegation-expired", delegated(func(d *statement.Delegation) { d.NotBefore = cloudsealtest.Start.Add(time.Second) })},
		{"delegation just over", "delegation-expired", delegated(func(d *statement.Delegation) { d.NotAfter = cloudsealtest.Start })},
		{"delegation of another issuer", "signer-refused", delegated(func(d *statement.Delegation) { d.Issuer = "evil.example.cn" })},
		{"delegation signed by the agent himself", "signature", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Delegation.Sig = s.agent.Sign(s.t, ev.Delegation.Bytes).Sig
		}},
		{"delegation by the agent as grantor", "device-unknown", delegated(func(d *statement.Delegation) { d.Grantor = stranger })},
		{"grantor's enrolment is another device's", "device-unknown", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.GrantorEnrolment = s.pki.Enrol(s.t, s.legal.Person).Enrolment
		}},
		{"grantor represents another organization", "not-legal-representative", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Representation = s.pki.Represent(s.t, statement.Org{USCC: "91110000802100433B", Name: "别的公司"}, s.legal.Person)
		}},
		{"somebody else represents the organization", "not-legal-representative", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Representation = s.pki.Represent(s.t, cloudsealtest.Org, stranger)
		}},
		{"representation signed by the grantor", "not-legal-representative", func(s *stage, ev *keys.Evidence, _ []keys.Job) {
			ev.Representation = s.legal.Sign(s.t, ev.Representation.Bytes)
		}},
		{"no representation", "not-legal-representative", func(_ *stage, ev *keys.Evidence, _ []keys.Job) { ev.Representation = statement.Signed{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			jobs := s.jobs(1)
			ev := s.evidence("tk_1", jobs)
			c.change(s, &ev, jobs)
			s.refused(ev, jobs, c.want)
		})
	}
}

// AT-094: whether a device has cooled stands in its enrolment, not in a row of the
// service: for the approver now, for the grantor when he granted.
func TestAT094CoolingIsSigned(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		agent, grantor time.Duration // cooled for so long, or cooling still
		want           string
	}{
		"both cooled":           {0, 0, ""},
		"the approver cools":    {time.Second, 0, "device-cooling"},
		"the grantor was fresh": {0, time.Hour, "device-cooling"},
	} {
		s := newStage(t)
		cools := func(d time.Duration) func(*statement.Enrolment) {
			return func(e *statement.Enrolment) { e.CoolsUntil = cloudsealtest.Start.Add(d) }
		}
		s.agent = s.pki.Enrol(t, s.agent.Person, cools(c.agent))
		s.legal = s.pki.Enrol(t, s.legal.Person, cools(c.grantor-time.Hour))
		s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref}, func(d *statement.Delegation) {
			d.IssuedAt = cloudsealtest.Start.Add(-time.Hour)
			if c.grantor > 0 {
				d.IssuedAt = cloudsealtest.Start.Add(-time.Hour - time.Second)
			}
		})
		jobs := s.jobs(1)
		ev := s.evidence("tk_1", jobs)
		if c.want == "" {
			s.sign(ev, jobs)
			continue
		}
		t.Log(name)
		s.refused(ev, jobs, c.want)
	}
}

func TestDocumentsAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		want   string
		change func(s *stage, jobs []keys.Job) []keys.Job
	}{
		{"one missing", "document-changed", func(_ *stage, jobs []keys.Job) []keys.Job { return jobs[:1] }},
		{"in another order", "document-changed", func(_ *stage, jobs []keys.Job) []keys.Job { return []keys.Job{jobs[1], jobs[0]} }},
		{"a byte of the file", "document-changed", func(_ *stage, jobs []keys.Job) []keys.Job {
			jobs[1].Original = bytes.Clone(jobs[1].Original)
			jobs[1].Original[200] ^= 1
			return jobs
		}},
		{"a byte of the stamp's appearance", "document-changed", func(_ *stage, jobs []keys.Job) []keys.Job {
			p := *jobs[0].Prepared
			p.Tail = bytes.Clone(p.Tail)
			p.Tail[10] ^= 1
			jobs[0].Prepared = &p
			return jobs
		}},
		{"a slot for another file", "document-changed", func(_ *stage, jobs []keys.Job) []keys.Job {
			jobs[0].Prepared = jobs[1].Prepared
			return jobs
		}},
		{"another place was shown", "document-changed", func(_ *stage, jobs []keys.Job) []keys.Job {
			jobs[0].Line.Place.X++
			return jobs
		}},
		{"another title was shown", "document-changed", func(_ *stage, jobs []keys.Job) []keys.Job {
			jobs[0].Line.Title = "借条.pdf"
			return jobs
		}},
		{"another seal", "seal-state", func(s *stage, jobs []keys.Job) []keys.Job {
			other, _ := s.pki.NewSeal(s.t, s.signer, "33010600000002", cloudsealtest.Org)
			jobs[0].Seal = other
			return jobs
		}},
		{"a slot beyond the delegation", "delegation-limit", func(_ *stage, jobs []keys.Job) []keys.Job { jobs[1].Slot = 11; return jobs }},
		{"no slot", "delegation-limit", func(_ *stage, jobs []keys.Job) []keys.Job { jobs[1].Slot = 0; return jobs }},
		{"one slot for two", "delegation-limit", func(_ *stage, jobs []keys.Job) []keys.Job { jobs[1].Slot = 1; return jobs }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			jobs := s.jobs(2)
			ev := s.evidence("tk_1", jobs)
			s.refused(ev, c.change(s, jobs), c.want)
		})
	}
}

func TestTheOwnerUsesNoSlot(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.owner("tk_1", jobs)
	jobs[0].Slot = 1
	s.refused(ev, jobs, "signer-refused")
}

func TestTheAgentIsNoOwner(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	a := cloudsealtest.Approval(s.agent, "tk_1", s.clock.Now(), statement.Ref{}, []statement.Ref{s.ref}, cloudsealtest.Lines(jobs))
	ev := s.owner("tk_1", jobs)
	ev.Approval, ev.Enrolment = s.agent.SignApproval(t, a), s.agent.Enrolment
	s.refused(ev, jobs, "not-legal-representative")
}

func TestASealOfAnotherOrganization(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := statement.Org{USCC: "91110000802100433B", Name: "别的公司"}
	s.seal, s.ref = s.pki.NewSeal(t, s.signer, "11000000000001", other)
	s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref})
	jobs := s.jobs(1)
	s.refused(s.evidence("tk_1", jobs), jobs, "signer-refused")
}

func TestFreshness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		approved time.Duration // after the statement was issued
		now      time.Duration
		want     string // "" for a signature
	}{
		{"at once", 0, 0, ""},
		{"to the last millisecond", 200 * time.Second, 260 * time.Second, ""},
		{"a millisecond too late", 200 * time.Second, 260*time.Second + time.Millisecond, "evidence-stale"},
		{"approved in the statement's last second", 300*time.Second + 900*time.Millisecond, 301 * time.Second, ""},
		{"approved when it had expired", 302 * time.Second, 302 * time.Second, "evidence-stale"},
		{"approved before it was issued", -time.Second, 0, "evidence-stale"},
		{"a clock a little ahead", 2 * time.Second, 0, ""},
		{"a clock far ahead", 2*time.Second + time.Millisecond, 0, "evidence-stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			jobs := s.jobs(1)
			ev := s.evidence("tk_1", jobs)
			ev.ApprovedAt = cloudsealtest.Start.Add(c.approved)
			s.clock.Advance(c.now)
			if c.want == "" {
				s.sign(ev, jobs)
				return
			}
			s.refused(ev, jobs, c.want)
		})
	}
}

func TestSealOutOfItsPeriod(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.clock.Advance(3*365*24*time.Hour + time.Second)
	s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref}, func(d *statement.Delegation) {
		d.NotAfter = s.clock.Now().Add(time.Hour)
	})
	jobs := s.jobs(1)
	s.refused(s.evidence("tk_1", jobs), jobs, "seal-cert")
}

func TestASealThatEndsBeforeItsCertificate(t *testing.T) {
	t.Parallel()
	for after, want := range map[time.Duration]string{time.Hour: "", time.Hour + time.Second: "seal-expired"} {
		s := newStage(t)
		s.seal, s.ref = s.pki.NewSeal(t, s.signer, "33010600000002", cloudsealtest.Org, func(spec *ses.SealSpec) {
			spec.ValidTo = cloudsealtest.Start.Add(time.Hour)
		})
		s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref})
		jobs := s.jobs(1)
		s.clock.Advance(after)
		if want == "" {
			s.sign(s.evidence("tk_1", jobs), jobs)
			continue
		}
		s.refused(s.evidence("tk_1", jobs), jobs, want)
	}
}

// passkeys accepts one assertion for one credential.
type passkeys struct{ good string }

func (p passkeys) Verify(key []byte, credential string, statement, assertion []byte) error {
	if string(key) != "cose" || credential != "cred" || len(statement) == 0 || string(assertion) != p.good {
		return errors.New("bad assertion")
	}
	return nil
}

func TestAT039PasskeyIsNeverOptional(t *testing.T) {
	t.Parallel()
	withPasskey := func(e *statement.Enrolment) { e.Passkey, e.PasskeyKey = "cred", []byte("cose") }
	for _, c := range []struct {
		name           string
		port           keys.SecondFactor
		agent, grantor string
		want           string
	}{
		{"both good", passkeys{"good"}, "good", "good", ""},
		{"none from the agent", passkeys{"good"}, "", "good", "signature-hw"},
		{"a bad one from the agent", passkeys{"good"}, "bad", "good", "signature-hw"},
		{"none from the grantor", passkeys{"good"}, "good", "", "signature-hw"},
		{"a bad one from the grantor", passkeys{"good"}, "good", "bad", "signature-hw"},
		{"nobody can check it", nil, "good", "good", "signature-hw"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, func(d *keys.Deps) { d.Second = c.port })
			s.agent = s.pki.Enrol(t, s.agent.Person, withPasskey)
			s.legal = s.pki.Enrol(t, s.legal.Person, withPasskey)
			s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref})
			jobs := s.jobs(1)
			ev := s.evidence("tk_1", jobs)
			ev.Second, ev.DelegationSecond = []byte(c.agent), []byte(c.grantor)
			if c.want == "" {
				s.sign(ev, jobs)
				return
			}
			s.refused(ev, jobs, c.want)
		})
	}
}

// FuzzSign changes the approval in any way: nothing but the very statement is
// ever signed for.
func FuzzSign(f *testing.F) {
	s := newStage(f, func(d *keys.Deps) { d.Refusals = 1 << 40 })
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs)
	f.Add(ev.Approval.Bytes, ev.Approval.Sig)
	f.Add(bytes.ToUpper(ev.Approval.Bytes), ev.Approval.Sig)
	f.Fuzz(func(t *testing.T, statement, sig []byte) {
		bad := ev
		bad.Approval.Bytes, bad.Approval.Sig = statement, sig
		signed, err := s.signer.Sign(t.Context(), bad, jobs)
		if err == nil && !bytes.Equal(statement, ev.Approval.Bytes) {
			t.Fatalf("signed %d documents for %q", len(signed), statement)
		}
	})
}
