package public_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/public"
)

const (
	code      = "33010600000001"
	agentName = "李四"
)

// stage is a world with one seal, one stamped document, and the public face.
type stage struct {
	t       testing.TB
	clock   *cloudsealtest.Clock
	pki     *cloudsealtest.PKI
	seal    []byte
	stamped []byte
	seals   *seals
	app     *fiber.App
}

func newStage(t testing.TB, edit ...func(*public.Deps)) *stage {
	t.Helper()
	s := &stage{t: t, clock: cloudsealtest.NewClock(), pki: cloudsealtest.NewPKI(t)}
	s.seals = &seals{clock: s.clock, pki: s.pki, bundle: map[string]verify.Statements{}}
	s.stamp()
	s.seals.chains = s.trust()
	d := public.Deps{Seals: s.seals, Now: s.clock.Now}
	for _, f := range edit {
		f(&d)
	}
	p, err := public.New(d)
	if err != nil {
		t.Fatal(err)
	}
	s.app = httpx.NewServer(httpx.Deps{Bodies: public.DefaultLimits().BodyRules()})
	p.Mount(s.app)
	return s
}

// stamp has an agent stamp a document under a delegation.
func (s *stage) stamp() {
	s.t.Helper()
	signer := cloudsealtest.NewSignerStore(s.clock).Signer(s.t, s.pki, s.clock)
	legal := s.pki.Enrol(s.t, statement.Person{ID: "us_legal", Name: "张三"})
	agent := s.pki.Enrol(s.t, statement.Person{ID: "us_agent", Name: agentName})
	seal, ref := s.pki.NewSeal(s.t, signer, code, cloudsealtest.Org)
	grant := cloudsealtest.Delegate(s.t, legal, agent.Person, []statement.Ref{ref})
	d, err := statement.ParseDelegation(grant.Bytes)
	if err != nil {
		s.t.Fatal(err)
	}
	job := cloudsealtest.Job(s.t, cloudsealtest.PDF(2, 4000), seal, 1)
	job.Slot = 1
	a := cloudsealtest.Approval(agent, "tk_1", s.clock.Now(), statement.Ref{ID: d.ID, Hash: grant.Hash()}, []statement.Ref{ref}, cloudsealtest.Lines([]keys.Job{job}))
	ev := keys.Evidence{
		Kind: keys.KindScan, ApprovedAt: s.clock.Now(), Approval: agent.SignApproval(s.t, a), Enrolment: agent.Enrolment,
		Representation: s.pki.Represent(s.t, cloudsealtest.Org, legal.Person), Delegation: grant, GrantorEnrolment: legal.Enrolment,
	}
	signed, err := signer.Sign(s.t.Context(), ev, []keys.Job{job})
	if err != nil {
		s.t.Fatal(err)
	}
	if s.stamped, err = job.Prepared.Complete(job.Original, signed[0].Signature); err != nil {
		s.t.Fatal(err)
	}
	s.seal = seal
	s.seals.keep(ev)
}

func (s *stage) trust() verify.Trust {
	return verify.Trust{
		Chains: s.pki.Chains(s.t), Authorities: []gm.PublicKey{s.pki.AuthorityKey.Public()}, Issuer: cloudsealtest.Host,
		Source: s.seals, Now: s.clock.Now(),
	}
}

// seals is cloudseal for these tests: one seal that was frozen for an hour.
type seals struct {
	clock   *cloudsealtest.Clock
	pki     *cloudsealtest.PKI
	chains  verify.Trust
	bundle  map[string]verify.Statements
	bundles atomic.Int64 // how many were made
	failing atomic.Bool
}

func (f *seals) keep(ev keys.Evidence) {
	signed := func(s statement.Signed) verify.Signed { return verify.Signed{Statement: s.Bytes, Signature: s.Sig} }
	f.bundle[ev.Approval.Hash().Hex()] = verify.Statements{
		Approval: signed(ev.Approval), Enrolment: signed(ev.Enrolment), Representation: signed(ev.Representation),
		Delegation: signed(ev.Delegation), GrantorEnrolment: signed(ev.GrantorEnrolment),
	}
}

// Evidence implements verify.Source.
func (f *seals) Evidence(approval gm.Digest) (*verify.Statements, error) {
	s, ok := f.bundle[approval.Hex()]
	if !ok {
		return nil, nil
	}
	return &s, nil
}

// Trust implements public.Seals.
func (f *seals) Trust(context.Context) verify.Trust { return f.chains }

// Bundle implements public.Seals.
func (f *seals) Bundle(_ context.Context, approvals ...gm.Digest) (*verify.Bundle, error) {
	n := int(f.bundles.Add(1))
	if f.failing.Load() || len(approvals) > 0 {
		return nil, fault.InternalError
	}
	b := verify.NewBundle(cloudsealtest.Host)
	b.Roots = append(b.Roots, f.pki.Root.Certificate())
	b.Intermediates = append(b.Intermediates, f.pki.Issuing.Certificate())
	b.Authorities = append(b.Authorities, f.pki.AuthorityKey.Public().SPKI())
	b.StatusKeys = append(b.StatusKeys, f.pki.StatusKey.Public().SPKI())
	now := f.clock.Now()
	list, err := status.NewList(cloudsealtest.Host, n, []gm.Digest{gm.SM3(f.pki.MakerCertificate)}, now, now.Add(time.Hour), nil).Bytes()
	if err != nil {
		return nil, err
	}
	sig, err := f.pki.StatusKey.Sign(list)
	b.Status = verify.Signed{Statement: list, Signature: sig}
	return b, err
}

// Seal implements public.Seals.
func (f *seals) Seal(_ context.Context, c string) (*cloudseal.Seal, error) {
	if c != code {
		return nil, fault.Absent
	}
	from := cloudsealtest.Start
	return &cloudseal.Seal{Row: unit.Row{ID: code}, ValidFrom: from, ValidTo: from.Add(24 * time.Hour)}, nil
}

// History implements public.Seals.
func (f *seals) History(context.Context, string) ([]*cloudseal.Event, error) {
	at := func(h int) time.Time { return cloudsealtest.Start.Add(time.Duration(h) * time.Hour) }
	return []*cloudseal.Event{
		{State: status.Usable, From: at(0)}, {State: status.Frozen, From: at(1), Reason: "手机丢失"}, {State: status.Usable, From: at(2)},
	}, nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (s *stage) call(method, target string, body []byte, headers ...string) answer {
	s.t.Helper()
	req := httptest.NewRequest(method, target, bytes.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.app.Test(req, -1)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, b}
}

func decode[T any](t testing.TB, a answer, want int) (v T) {
	t.Helper()
	if a.status != want {
		t.Fatalf("status %d, want %d: %s", a.status, want, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return v
}

func (s *stage) report(file []byte, headers ...string) public.Report {
	s.t.Helper()
	return decode[public.Report](s.t, s.call("POST", "/v1/verify", file, append([]string{"Content-Type", "application/pdf"}, headers...)...), 200)
}

// problem asks and gives the problem's code.
func (s *stage) problem(want int, method, target string, body []byte, headers ...string) string {
	s.t.Helper()
	doc := decode[struct{ Code string }](s.t, s.call(method, target, body, headers...), want)
	return doc.Code
}
