package verify_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cloudseal/verify"
)

func TestAGoodStamp(t *testing.T) {
	t.Parallel()
	for _, owner := range []bool{false, true} {
		f := newForge(t)
		f.owner = owner
		f.trust.Histories, f.trust.Revocations = history{status.Usable, true, nil}, revocations{false, true, nil}
		b := f.make()
		r := verify.Document(b, f.trust)
		if r.Verdict != verify.Genuine || r.SM3 != gm.SM3(b) || len(r.Stamps) != 1 {
			t.Fatalf("owner %v: %s %+v", owner, r.Verdict, r.Stamps)
		}
		s := r.Stamps[0]
		for i, name := range verify.Names() {
			want := verify.Yes
			if name == verify.Void {
				want = verify.NotChecked
			}
			if c := s.Checks[i]; c.Name != name || c.Answer != want || c.Reason.ZH == "" || c.Reason.EN == "" || c.Code == "" {
				t.Errorf("owner %v: %+v, want %s %s", owner, c, name, want)
			}
		}
		if s.Seal.Code != code || s.Signer.Organization != cloudsealtest.Org.USCC+cloudsealtest.Org.Name || s.Seal.Maker.Name == "" || !s.Time.Equal(f.time) {
			t.Errorf("owner %v: %+v", owner, s)
		}
		if p := s.Evidence.Proved; p == nil || p.Principal == "" || (p.Grantor == "") != owner {
			t.Errorf("owner %v: proved %+v", owner, p)
		}
	}
}

func TestWithoutSourcesMuchIsNotCheckedAndNothingIsNo(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	b := f.make()
	r := verify.Document(b, verify.Trust{Chains: f.trust.Chains})
	if r.Verdict != verify.Genuine {
		t.Fatalf("%s", r.Verdict)
	}
	for _, name := range []verify.Name{verify.Revocation, verify.Status, verify.Evidence, verify.Void} {
		if a := r.Stamps[0].Answer(name); a != verify.NotChecked {
			t.Errorf("%s: %s", name, a)
		}
	}
}

func TestTheZeroTrustTrustsNobody(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	if r := verify.Document(f.make(), verify.Trust{}); r.Verdict != verify.UnknownIssuer {
		t.Errorf("%s", r.Verdict)
	}
}

func TestUnsealedAndUnreadable(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	r := verify.Document(f.original, f.trust)
	if r.Verdict != verify.Unsealed || len(r.Stamps) != 0 || r.SM3 != gm.SM3(f.original) {
		t.Errorf("unsealed: %+v", r)
	}
	for _, b := range [][]byte{nil, []byte("PK\x03\x04"), []byte("%PDF-1.7\n"), f.original[:len(f.original)/2]} {
		if r := verify.Document(b, f.trust); r.Verdict != verify.Invalid || r.Code == "" || r.Reason.ZH == "" {
			t.Errorf("%q: %+v", b[:min(len(b), 9)], r)
		}
	}
}

// Each row spoils one thing and names the check that must say no, its code and
// the verdict. No other check may say no.
func TestABadStamp(t *testing.T) {
	t.Parallel()
	late := cloudsealtest.Start.AddDate(4, 0, 0)
	for _, c := range []struct {
		name    string
		change  func(f *forge)
		check   verify.Name
		code    string
		verdict verify.Verdict
	}{
		{"another digest", func(f *forge) { d := gm.SM3([]byte("x")); f.data = &d }, verify.Integrity, "digest", verify.Altered},
		{"signed with another key", func(f *forge) { f.key = cloudsealtest.Key(f.t) }, verify.Integrity, "signature", verify.Altered},
		{"seal signed with another key than its maker's", func(f *forge) { f.makerKey = cloudsealtest.Key(f.t) }, verify.SealMaker, "maker-signature", verify.Invalid},
		{"another certificate than the seal's", func(f *forge) {
			f.sealDER()
			f.certificate = f.certify(cloudsealtest.Org, f.key.Public(), cloudsealtest.Start, cloudsealtest.Start.AddDate(3, 0, 0))
		}, verify.Signer, "not-listed", verify.Invalid},
		{"issued by a stranger", func(f *forge) { f.trust.Chains = cloudsealtest.NewPKI(f.t).Chains(f.t) }, verify.Chain, "unknown-issuer", verify.UnknownIssuer},
		{"maker's certificate by a stranger", func(f *forge) {
			other := cloudsealtest.NewPKI(f.t)
			f.makerKey, f.makerCert = other.MakerKey, other.MakerCertificate
		}, verify.Chain, "unknown-issuer", verify.UnknownIssuer},
		{"made by an authority's own certificate", func(f *forge) {
			root, err := ca.NewRoot(f.makerKey, ca.Name{Organization: "x", CommonName: "y"}, ca.Period{From: cloudsealtest.Start.AddDate(-1, 0, 0), To: late})
			if err != nil {
				f.t.Fatal(err)
			}
			f.makerCert = root.Certificate()
		}, verify.Chain, "key-usage", verify.UnknownIssuer},
		{"in the future", func(f *forge) { f.trust.Now = f.time.Add(-6 * time.Minute) }, verify.Time, "future", verify.Invalid},
		{"before the seal is in force", func(f *forge) { f.spec.ValidFrom = f.time.Add(time.Second) }, verify.Time, "seal-period", verify.Invalid},
		{"seal expired", func(f *forge) { f.spec.ValidTo = f.time.Add(-time.Second) }, verify.Time, "seal-period", verify.Invalid},
		{"revoked certificate", func(f *forge) { f.trust.Revocations = revocations{true, true, nil} }, verify.Revocation, "revoked", verify.Invalid},
		{"frozen", func(f *forge) { f.trust.Histories = history{status.Frozen, true, nil} }, verify.Status, "frozen", verify.Invalid},
		{"cancelled", func(f *forge) { f.trust.Histories = history{status.Cancelled, true, nil} }, verify.Status, "cancelled", verify.Invalid},

		{"evidence garbled", func(f *forge) { f.exts = func(e []ses.Ext) []ses.Ext { e[0].Value = append(e[0].Value, 0); return e } }, verify.Evidence, "form", verify.Invalid},
		{"approval of other content", func(f *forge) {
			f.approval = func(a *statement.Approval) { a.Docs[0].DTBS = gm.SM3([]byte("x")) }
		}, verify.Evidence, "content", verify.Invalid},
		{"approval of another seal", func(f *forge) {
			f.approval = func(a *statement.Approval) { a.Seals = []statement.Ref{{ID: code, Hash: gm.SM3([]byte("x"))}} }
		}, verify.Evidence, "seal", verify.Invalid},
		{"approval of another place", func(f *forge) { f.approval = func(a *statement.Approval) { a.Docs[0].Place.X -= 0.5 } }, verify.Evidence, "place", verify.Invalid},
		{"approval of another page", func(f *forge) {
			f.approval = func(a *statement.Approval) { a.Docs[0].Place.Page, a.Docs[0].Pages = 2, 2 }
		}, verify.Evidence, "place", verify.Invalid},
		{"approval for another organization", func(f *forge) {
			f.approval = func(a *statement.Approval) { a.Principal.USCC = "91110000802100433B" }
		}, verify.Evidence, "principal", verify.Invalid},
		{"approval given later", func(f *forge) {
			f.approval = func(a *statement.Approval) { a.IssuedAt, a.ExpiresAt = f.time.Add(time.Second), f.time.Add(time.Hour) }
		}, verify.Evidence, "approval-time", verify.Invalid},
		{"approval long over", func(f *forge) {
			f.approval = func(a *statement.Approval) {
				a.IssuedAt, a.ExpiresAt = f.time.Add(-time.Hour), f.time.Add(-3*time.Minute)
			}
		}, verify.Evidence, "approval-time", verify.Invalid},
		{"approval of another system", func(f *forge) { f.approval = func(a *statement.Approval) { a.Issuer = "evil.example.cn" } }, verify.Evidence, "issuer", verify.Invalid},
		{"a signed no", func(f *forge) { f.approval = func(a *statement.Approval) { a.Decision = statement.Reject } }, verify.Evidence, "approval", verify.Invalid},
		{"approval signed by another device", func(f *forge) {
			f.evidence = func(s *verify.Statements) { s.Approval = signed(f.legal.Sign(f.t, s.Approval.Statement)) }
		}, verify.Evidence, "signature", verify.Invalid},
		{"enrolment by a stranger", func(f *forge) {
			f.trust.Authorities = []gm.PublicKey{cloudsealtest.Key(f.t).Public()}
		}, verify.Evidence, "enrolment", verify.Invalid},
		{"enrolment of somebody else", func(f *forge) {
			f.evidence = func(s *verify.Statements) { s.Enrolment = signed(f.legal.Enrolment) }
		}, verify.Evidence, "signature", verify.Invalid},
		{"enrolment garbled", func(f *forge) {
			f.evidence = func(s *verify.Statements) { s.Enrolment.Statement = []byte("x") }
		}, verify.Evidence, "statement", verify.Invalid},
		{"another delegation", func(f *forge) {
			f.evidence = func(s *verify.Statements) {
				s.Delegation = signed(cloudsealtest.Delegate(f.t, f.legal, f.agent.Person, []statement.Ref{{ID: code, Hash: gm.SM3(f.seal)}}))
			}
		}, verify.Evidence, "delegation", verify.Invalid},
		{"delegation of other actions", func(f *forge) { f.grant = func(d *statement.Delegation) { d.Actions = []string{statement.Login} } }, verify.Evidence, "scope", verify.Invalid},
		{"delegation for another application", func(f *forge) { f.grant = func(d *statement.Delegation) { d.App.ID = "app_x" } }, verify.Evidence, "scope", verify.Invalid},
		{"delegation of another seal", func(f *forge) { f.grant = func(d *statement.Delegation) { d.Seals[0].Hash = gm.SM3([]byte("x")) } }, verify.Evidence, "scope-seal", verify.Invalid},
		{"delegation over", func(f *forge) { f.grant = func(d *statement.Delegation) { d.NotAfter = f.time } }, verify.Evidence, "delegation-time", verify.Invalid},
		{"slot beyond the delegation", func(f *forge) { f.grant = func(d *statement.Delegation) { d.Max = 2 } }, verify.Evidence, "slot", verify.Invalid},
		{"delegation signed by the agent", func(f *forge) {
			f.evidence = func(s *verify.Statements) { s.Delegation = signed(f.agent.Sign(f.t, s.Delegation.Statement)) }
		}, verify.Evidence, "signature", verify.Invalid},
		{"grantor represents nobody", func(f *forge) {
			f.evidence = func(s *verify.Statements) {
				s.Representation = signed(f.pki.Represent(f.t, statement.Org{USCC: "91110000802100433B", Name: "x"}, f.legal.Person))
			}
		}, verify.Evidence, "representation", verify.Invalid},
		{"representation signed by the grantor", func(f *forge) {
			f.evidence = func(s *verify.Statements) { s.Representation = signed(f.legal.Sign(f.t, s.Representation.Statement)) }
		}, verify.Evidence, "representation", verify.Invalid},
		{"the owner's stamp with a slot", func(f *forge) { f.owner = true; f.ext = func(e *ses.EvidenceExt) { e.Slot = 1 } }, verify.Evidence, "owner", verify.Invalid},
		{"evidence of a kind not known here", func(f *forge) { f.ext = func(e *ses.EvidenceExt) { e.Kind = ses.EvidenceKeeper } }, verify.Evidence, "kind", verify.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newForge(t)
			c.change(f)
			b := f.make()
			r := verify.Document(b, f.trust)
			if r.Verdict != c.verdict {
				t.Errorf("%s, want %s", r.Verdict, c.verdict)
			}
			for _, got := range r.Stamps[0].Checks {
				if got.Name == c.check && (got.Answer != verify.No || got.Code != c.code) {
					t.Errorf("%+v, want %s", got, c.code)
				}
				if got.Name != c.check && got.Answer == verify.No {
					t.Errorf("%s says no too: %s", got.Name, got.Code)
				}
			}
		})
	}
}

func TestWhatCannotBeLearntIsNotChecked(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*forge){
		"status unknown":           func(f *forge) { f.trust.Histories = history{} },
		"status cannot be asked":   func(f *forge) { f.trust.Histories = history{err: errors.New("away")} },
		"revocation unknown":       func(f *forge) { f.trust.Revocations = revocations{} },
		"revocation not to be had": func(f *forge) { f.trust.Revocations = revocations{err: errors.New("away")} },
		"no evidence extension":    func(f *forge) { f.exts = func([]ses.Ext) []ses.Ext { return nil } },
		"no such evidence":         func(f *forge) { f.ext = func(e *ses.EvidenceExt) { e.Approval = gm.SM3([]byte("x")) } },
	} {
		f := newForge(t)
		change(f)
		if r := verify.Document(f.make(), f.trust); r.Verdict != verify.Genuine {
			t.Errorf("%s: %s", name, r.Verdict)
		}
	}
}

// second accepts one assertion.
type second struct{}

func (second) Verify(key []byte, credential string, statement, assertion []byte) error {
	if string(assertion) != "good" || string(key) != "cose" || credential != "cred" {
		return errors.New("bad")
	}
	return nil
}

func TestTheSecondSignature(t *testing.T) {
	t.Parallel()
	for assertion, want := range map[string]verify.Answer{"good": verify.Yes, "bad": verify.No, "": verify.No} {
		f := newForge(t)
		f.agent = f.pki.Enrol(t, f.agent.Person, func(e *statement.Enrolment) { e.Passkey, e.PasskeyKey = "cred", []byte("cose") })
		f.evidence = func(s *verify.Statements) { s.Second = []byte(assertion) }
		f.trust.Second = second{}
		r := verify.Document(f.make(), f.trust)
		if got := r.Stamps[0].Answer(verify.Evidence); got != want {
			t.Errorf("assertion %q: %s", assertion, got)
		}
	}
}

func TestLaterChangesAndCoverage(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	once := f.make()
	for name, b := range map[string][]byte{
		"bytes behind":      append(bytes.Clone(once), "\n% more\n"...),
		"a revision behind": append(bytes.Clone(once), "\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nxref\n1 1\n0000000000 00000 n \ntrailer\n<< /Size 20 /Root 1 0 R /Prev 1 >>\nstartxref\n1\n%%EOF\n"...),
	} {
		if r := verify.Document(b, f.trust); r.Verdict == verify.Genuine || r.Verdict == verify.Unsealed {
			t.Errorf("%s: %s", name, r.Verdict)
		}
	}
	// A second stamp by the same seal: both are good.
	f.original, f.at.X = once, 20
	twice := f.make()
	f.trust.Source = nil
	r := verify.Document(twice, f.trust)
	if r.Verdict != verify.Genuine || len(r.Stamps) != 2 {
		t.Fatalf("two stamps: %s, %d", r.Verdict, len(r.Stamps))
	}
	if r.Stamps[0].Place.X != 120 || r.Stamps[1].Place.X != 20 || r.Stamps[0].Answer(verify.Coverage) != verify.Yes {
		t.Errorf("places %+v %+v", r.Stamps[0].Place, r.Stamps[1].Place)
	}
	// The second is a bad one: the document is as bad as its worst stamp.
	f.original, f.at.X = once, 20
	f.key = cloudsealtest.Key(t)
	r = verify.Document(f.make(), f.trust)
	if r.Verdict != verify.Altered || len(r.Stamps) != 2 || r.Stamps[0].Verdict != verify.Genuine {
		t.Errorf("one good, one bad: %s", r.Verdict)
	}
}

func TestWithoutNames(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	r := verify.Document(f.make(), f.trust)
	public := r.WithoutNames()
	p := public.Stamps[0].Evidence.Proved
	if p.Agent != "" || p.Grantor != "" || p.Application == "" || public.Verdict != verify.Genuine {
		t.Errorf("%+v", p)
	}
	if r.Stamps[0].Evidence.Proved.Agent == "" {
		t.Error("the report itself lost its names")
	}
}

func TestSeal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(f *forge)
		want   verify.Verdict
	}{
		{"good", func(*forge) {}, verify.Genuine},
		{"maker unknown", func(f *forge) { f.trust.Chains = cloudsealtest.NewPKI(f.t).Chains(f.t) }, verify.UnknownIssuer},
		{"not as made", func(f *forge) { f.makerKey = cloudsealtest.Key(f.t) }, verify.Invalid},
		{"expired", func(f *forge) { f.trust.Now = cloudsealtest.Start.AddDate(3, 0, 1) }, verify.Invalid},
		{"frozen now", func(f *forge) { f.trust.Histories = history{status.Frozen, true, nil} }, verify.Invalid},
		{"no time given", func(f *forge) { f.trust.Now = time.Time{} }, verify.Genuine},
	} {
		f := newForge(t)
		c.change(f)
		r := verify.Seal(f.sealDER(), f.trust)
		if r.Verdict != c.want || r.Words.ZH == "" || r.Seal.Code != code {
			t.Errorf("%s: %s %+v", c.name, r.Verdict, r.Checks)
		}
	}
	if r := verify.Seal([]byte("x"), verify.Trust{}); r.Verdict != verify.Invalid || len(r.Checks) != 1 {
		t.Errorf("garbage: %+v", r)
	}
}
