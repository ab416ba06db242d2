package mobileapi_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/mobileapi/client"
)

const (
	theQRBase = "https://s.example.gov.cn/q"
	theCode   = theQRBase + "#1." + theHandle + ".1." + theMAC
)

func (w *world) phone(t *testing.T, dir string, edit ...func(*client.Config)) (*client.Phone, *wire) {
	t.Helper()
	x := &wire{w: w}
	cfg := client.Config{
		Server: "http://app.example.gov.cn", Issuer: issuer, QRBase: theQRBase, Dir: dir,
		HTTP: &http.Client{Transport: x}, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range edit {
		f(&cfg)
	}
	p, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p, x
}

func applicant(a authztest.Applicant) client.Applicant {
	return client.Applicant{
		Kind: string(a.Kind), USCC: a.USCC, Name: a.Name, IDNumber: a.IDNumber, Phone: a.Phone, DeviceName: "命令行手机",
	}
}

// enrolPhone takes a person through registration with a phone of his own.
func (w *world) enrolPhone(t *testing.T, a authztest.Applicant, edit ...func(*client.Config)) (*client.Phone, *wire) {
	t.Helper()
	w.Faces.Know(realperson.Identity{Name: a.Name, IDNumber: a.IDNumber})
	p, x := w.phone(t, filepath.Join(t.TempDir(), "phone"), edit...)
	e, err := p.BeginEnrol(t.Context(), applicant(a))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Finish(t.Context(), client.Codes{Phone: "000000", Authorization: "000000", PIN: authztest.PIN}); err != nil {
		t.Fatal(err)
	}
	return p, x
}

// owner is a phone of the legal representative, released by his old device.
func (w *world) owner(t *testing.T) (*client.Phone, *wire) {
	t.Helper()
	z := authztest.Zhang
	z.Kind, z.USCC = authz.EnrolDevice, ""
	p, x := w.enrolPhone(t, z)
	act, err := w.Service.DraftDeviceApproval(t.Context(), w.legal.Caller, p.Device())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(t.Context(), w.legal, act); err != nil {
		t.Fatal(err)
	}
	return p, x
}

func unlock(t *testing.T, p *client.Phone) *client.Unlocked {
	t.Helper()
	u, err := p.Unlock(t.Context(), authztest.PIN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

func TestPhoneLivesItsLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	ctx := t.Context()
	owner, _ := w.owner(t)
	agent, _ := w.enrolPhone(t, zhao())
	place, err := owner.Place(ctx, uscc)
	if err != nil {
		t.Fatal(err)
	}
	u := unlock(t, owner)
	do := func(d *client.Draft, err error) *client.Result {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Summary()) < 4 {
			t.Errorf("%s: %v", d.Kind, d.Summary())
		}
		r, err := u.Sign(ctx, d)
		if err != nil || !r.Done {
			t.Fatalf("%s: %+v, %v", d.Kind, r, err)
		}
		return r
	}
	text, err := owner.Agreement(ctx)
	if err != nil {
		t.Fatal(err)
	}
	do(owner.DraftAgreement(ctx, place, text))
	claim := do(owner.DraftClaim(ctx, place, "statutory", []byte("picture")))
	if claim.Application == nil || claim.Application.State != "issued" {
		t.Errorf("%+v", claim)
	}
	members, err := owner.Members(ctx, place.OrganizationID)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(members, func(m client.Place) bool { return m.PersonID == agent.Person() })
	if i < 0 || members[i].State != "pending" {
		t.Fatalf("%+v", members)
	}
	do(owner.DraftAgentApproval(ctx, members[i]))
	grant := client.Grant{
		AgentID: agent.Person(), AppID: "app_1", Actions: []string{"stamp", "bind"}, Seals: []string{claim.Application.SealCode},
		NotBefore: w.Clock.Now(), NotAfter: w.Clock.Now().Add(48*time.Hour + 300*time.Millisecond), Max: 3,
	}
	delegation := do(owner.DraftDelegation(ctx, place, grant))
	held, err := agent.Delegations(ctx)
	if err != nil || len(held) != 1 || held[0].DelegationID != delegation.SubjectID || held[0].Left != 3 {
		t.Errorf("%+v, %v", held, err)
	}
	do(owner.DraftRevocation(ctx, statement.OfDelegation, delegation.SubjectID, "离职"))
	if given, err := owner.DelegationsOf(ctx, place.OrganizationID); err != nil || given[0].State != "revoked" {
		t.Errorf("%+v, %v", given, err)
	}
	seal, err := owner.Freeze(ctx, claim.Application.SealCode, "")
	if err != nil || seal.State != "frozen" {
		t.Errorf("%+v, %v", seal, err)
	}
	do(owner.DraftUnfreeze(ctx, *seal, "找回"))
	if seal, err = owner.Seal(ctx, seal.Code); err != nil || !seal.Usable {
		t.Errorf("%+v, %v", seal, err)
	}
	w.lists(t, owner, place)
}

// lists asks for the rest.
func (w *world) lists(t *testing.T, p *client.Phone, place client.Place) {
	t.Helper()
	ctx := t.Context()
	if s, err := p.Seals(ctx, place.OrganizationID); err != nil || len(s) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := p.Seal(ctx, "35010000000001"); err != nil || string(s.Picture.PNG) != "png" {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := p.Impressions(ctx, place.OrganizationID); err != nil || len(s) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := p.Apps(ctx); err != nil || len(s) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := p.Devices(ctx); err != nil || len(s) != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, next, err := p.Activity(ctx, "a.1", 7); err != nil || s[0].Decision != "7a.1" || next != "next.1" {
		t.Errorf("%+v, %q, %v", s, next, err)
	}
	if s, _, err := p.Register(ctx, place.OrganizationID, "", 0); err != nil || len(s) != 1 || s[0].Stamped.IsZero() {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestPhoneScans(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	ctx := t.Context()
	p, x := w.enrolPhone(t, zhao())
	s, err := p.Scan(ctx, theCode)
	if err != nil {
		t.Fatal(err)
	}
	if lines := s.Summary(); len(lines) < 6 {
		t.Errorf("%v", lines)
	}
	u := unlock(t, p)
	if _, err := u.Approve(ctx, s, theMatch); !errors.Is(err, client.ErrUnseen) {
		t.Errorf("approved unseen: %v", err)
	}
	var docs []client.Document
	for d, err := range p.Documents(ctx, s) {
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, d)
	}
	if len(docs) != 2 || string(docs[1].Bytes) != "%PDF-1.7 two" {
		t.Fatalf("%+v", docs)
	}
	if _, err := u.Approve(ctx, s, "000"); !errors.Is(err, fault.MatchWrong) {
		t.Errorf("wrong number: %v", err)
	}
	x.loseOnce("/v1/claims/"+s.ID+"/approve", "answer")
	state, err := u.Approve(ctx, s, theMatch)
	if err != nil || state != "approved" {
		t.Errorf("%s, %v", state, err)
	}
	if got := x.count("POST /v1/claims/" + s.ID + "/approve"); got != 3 {
		t.Errorf("%d requests", got)
	}
	other, _ := w.owner(t)
	if _, err := other.Scan(ctx, theCode); !errors.Is(err, fault.TicketClaimed) {
		t.Errorf("second device: %v", err)
	}
}

func TestPhoneDeclines(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"reject": "rejected", "report": "blocked"} {
		w := newWorld(t, mobileapi.Limits{})
		p, _ := w.enrolPhone(t, zhao())
		s, err := p.Scan(t.Context(), theCode)
		if err != nil {
			t.Fatal(err)
		}
		decline := p.Reject
		if name == "report" {
			decline = p.Report
		}
		if state, err := decline(t.Context(), s, "文件有误"); err != nil || state != want || w.scans.reason.Reason != "文件有误" {
			t.Errorf("%s: %s, %v", name, state, err)
		}
	}
}

func TestPhoneRepeatsWhatWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	ctx := t.Context()
	w.Faces.Know(realperson.Identity{Name: zhao().Name, IDNumber: zhao().IDNumber})
	dir := filepath.Join(t.TempDir(), "phone")
	p, x := w.phone(t, dir)
	x.loseOnce("/v1/enrolments", "request")
	e, err := p.BeginEnrol(ctx, applicant(zhao()))
	if err != nil {
		t.Fatal(err)
	}
	x.mu.Lock()
	x.lose = func(*http.Request) string { return "answer" } // the network is gone for longer
	x.mu.Unlock()
	codes := client.Codes{Phone: "000000", Authorization: "000000", PIN: authztest.PIN}
	if _, err := e.Finish(ctx, codes); err == nil || p.Device() != "" {
		t.Fatalf("finished without an answer: %v", err)
	}
	x.mu.Lock()
	x.lose = nil
	x.mu.Unlock()
	if org, err := e.Finish(ctx, codes); err != nil || org != w.legal.Org {
		t.Fatalf("the second finish: %q, %v", org, err)
	}
	if _, err := p.BeginEnrol(ctx, applicant(zhao())); !errors.Is(err, client.ErrEnrolled) {
		t.Errorf("enrolled over an enrolled device: %v", err)
	}
	again, _ := w.phone(t, dir)
	if again.Device() == "" || again.Device() != p.Device() || again.Person() != p.Person() {
		t.Errorf("%q, %q", again.Device(), p.Device())
	}
	if u, err := again.Unlock(ctx, authztest.PIN); err != nil {
		t.Error(err)
	} else {
		u.Close()
	}
	x.loseOnce("/v1/device/unlock", "answer")
	if _, err := p.Unlock(ctx, "wrong0000"); err == nil || codeOfProblem(err) != "" {
		t.Errorf("a lost unlock: %v", err)
	}
	if got := x.count("POST /v1/device/unlock"); got != 1 {
		t.Errorf("unlock was sent %d times", got)
	}
	var problem *client.Problem
	_, err = p.Unlock(ctx, "wrong0000")
	if !errors.As(err, &problem) || problem.Code != fault.PINWrong.Code || problem.Fields["tries_left"] != 3.0 || problem.Instance == "" {
		t.Errorf("%+v, %v", problem, err)
	}
	w.Clock.Add(time.Hour) // the kept nonce is too old; the phone takes the new one
	if _, err := p.Me(ctx); err != nil {
		t.Error(err)
	}
}

func codeOfProblem(err error) string {
	if p, ok := errors.AsType[*client.Problem](err); ok {
		return p.Code
	}
	return ""
}

func TestPhoneAsAgentElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	ctx := t.Context()
	p, _ := w.enrolPhone(t, zhao())
	if err := p.AskAuthorizationCode(ctx, otherUSCC); err != nil {
		t.Fatal(err)
	}
	joined, err := p.JoinAsAgent(ctx, otherUSCC, "000000")
	if err != nil || joined.OrganizationID != w.stranger.Org || joined.State != "pending" {
		t.Errorf("%+v, %v", joined, err)
	}
	if _, err := p.JoinAsLegal(ctx, otherUSCC); !errors.Is(err, fault.NotLegalRep) {
		t.Error(err)
	}
	s, err := p.BeginRealPerson(ctx, "unlock")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.ResetPIN(ctx, s.SessionID, "changed2026"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Unlock(ctx, authztest.PIN); !errors.Is(err, fault.PINWrong) {
		t.Errorf("the old PIN: %v", err)
	}
	if u, err := p.Unlock(ctx, "changed2026"); err != nil {
		t.Error(err)
	} else {
		u.Close()
	}
	if s, err = p.BeginRealPerson(ctx, "seals"); err != nil {
		t.Fatal(err)
	}
	if err := p.FinishRealPerson(ctx, s.SessionID); err != nil {
		t.Error(err)
	}
}
