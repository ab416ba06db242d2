package mobileapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/mobileapi/client"
)

const (
	theQRBase = "https://s.example.gov.cn/q"
	theCode   = theQRBase + "#1." + theHandle + ".1." + theMAC
)

// wire carries a phone's requests to the world's API, and loses what a test
// wants lost.
type wire struct {
	w  *world
	mu sync.Mutex // guards what follows
	// lose says what becomes of a request: "request" never arrives, "answer"
	// arrives and its answer does not.
	lose  func(r *http.Request) string
	alter func(r *http.Request, res *http.Response)
	sent  []string // method and path
}

func (x *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	lose, alter := x.lose, x.alter
	x.sent = append(x.sent, r.Method+" "+r.URL.Path)
	x.mu.Unlock()
	fate := ""
	if lose != nil {
		fate = lose(r)
	}
	if fate == "request" {
		return nil, errors.New("connection refused")
	}
	res, err := x.w.app.Test(r, -1)
	if fate == "answer" {
		return nil, errors.New("connection reset")
	}
	if err == nil && alter != nil {
		alter(r, res)
	}
	return res, err
}

func (x *wire) count(what string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, s := range x.sent {
		if strings.HasPrefix(s, what) {
			n++
		}
	}
	return n
}

// loseOnce loses one request or answer of a path.
func (x *wire) loseOnce(path, fate string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	done := false
	x.lose = func(r *http.Request) string {
		if done || r.URL.Path != path {
			return ""
		}
		done = true
		return fate
	}
}

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

// TestPhoneTrustsNoServer has the server ask for a signature under something
// else than it should.
func TestPhoneTrustsNoServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	p, _ := w.enrolPhone(t, zhao())
	for name, alter := range map[string]func(*statement.Approval){
		"issuer":   func(a *statement.Approval) { a.Issuer = "evil.example" },
		"person":   func(a *statement.Approval) { a.Agent.ID = w.legal.Person.ID },
		"device":   func(a *statement.Approval) { a.Device = gm.SM3([]byte("other")) },
		"decision": func(a *statement.Approval) { a.Decision = statement.Reject },
		"display":  func(a *statement.Approval) { a.Display = gm.SM3([]byte("other words")) },
		"shown":    func(a *statement.Approval) { a.App.Name = "另一系统" }, // not what display stands for
	} {
		w.scans.alter, w.scans.device = alter, ""
		if _, err := p.Scan(t.Context(), theCode); !errors.Is(err, client.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.scans.alter, w.scans.device = nil, ""
	s, err := p.Scan(t.Context(), theCode)
	if err != nil {
		t.Fatal(err)
	}
	w.scans.served = [][]byte{w.scans.docs[0], []byte("%PDF-1.7 forged")}
	if err := p.Look(t.Context(), s); !errors.Is(err, client.ErrDocument) {
		t.Errorf("forged document: %v", err)
	}
	if _, err := unlock(t, p).Approve(t.Context(), s, theMatch); !errors.Is(err, client.ErrUnseen) {
		t.Errorf("approved with a forged document: %v", err)
	}
	if _, err := p.Scan(t.Context(), "https://s.example.gov.cn/q#2."+theHandle+".1."+theMAC); !errors.Is(err, client.ErrQR) {
		t.Errorf("version 2: %v", err)
	}
}

// TestPhoneChecksDrafts swaps what was asked for by something else of the same
// person.
func TestPhoneChecksDrafts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	ctx := t.Context()
	p, x := w.owner(t)
	place, err := p.Place(ctx, uscc)
	if err != nil {
		t.Fatal(err)
	}
	good := client.Grant{
		AgentID: w.agent.Person.ID, AppID: "app_1", Actions: []string{"stamp"}, Seals: []string{"35010000000001"},
		NotBefore: w.Clock.Now(), NotAfter: w.Clock.Now().Add(time.Hour), Max: 3,
	}
	for name, change := range map[string]func(*statement.Delegation){
		"issuer":       func(d *statement.Delegation) { d.Issuer = "evil.example" },
		"organization": func(d *statement.Delegation) { d.Org.USCC = otherUSCC },
		"grantor":      func(d *statement.Delegation) { d.Grantor.ID = w.agent.Person.ID },
		"device":       func(d *statement.Delegation) { d.Device = gm.SM3([]byte("other")) },
		"agent":        func(d *statement.Delegation) { d.Agent.ID = w.stranger.Person.ID },
		"application":  func(d *statement.Delegation) { d.App.ID = "app_2" },
		"actions":      func(d *statement.Delegation) { d.Actions = []string{"bind", "stamp"} },
		"seals":        func(d *statement.Delegation) { d.Seals[0].ID = "35010000000007" },
		"end":          func(d *statement.Delegation) { d.NotAfter = d.NotAfter.Add(time.Hour) },
		"beginning":    func(d *statement.Delegation) { d.NotBefore = d.NotBefore.Add(-time.Hour) },
		"max":          func(d *statement.Delegation) { d.Max = 30 },
		"nothing":      func(*statement.Delegation) {},
	} {
		x.redraft(t, change)
		_, err := p.DraftDelegation(ctx, place, good)
		if name == "nothing" && err != nil || name != "nothing" && !errors.Is(err, client.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.DraftAgreement(ctx, place, client.Agreement{AgreementID: "agreement-1", Text: "另一份协议"}); !errors.Is(err, client.ErrStatement) {
		t.Errorf("another text: %v", err)
	}
	other := place
	other.USCC = otherUSCC
	if _, err := p.DraftClaim(ctx, other, "statutory", nil); !errors.Is(err, client.ErrStatement) {
		t.Errorf("another organization: %v", err)
	}
	if _, err := p.DraftDeviceApproval(ctx, client.Device{DeviceID: w.legal.Device.ID}); !errors.Is(err, client.ErrStatement) {
		t.Errorf("another key: %v", err)
	}
}

// redraft plays a server that drafts a delegation of its own.
func (x *wire) redraft(t *testing.T, change func(*statement.Delegation)) {
	t.Helper()
	x.rewrite("/delegations/draft", func(o object) {
		b, err := base64.RawURLEncoding.DecodeString(o["statement"].(string))
		if err != nil {
			t.Error(err)
		}
		s, err := statement.ParseDelegation(b)
		if err != nil {
			t.Error(err)
		}
		change(&s)
		if b, err = s.Bytes(); err != nil {
			t.Error(err)
		}
		o["statement"], o["statement_sm3"] = b64(b), gm.SM3(b).Hex()
	})
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

// TestPhoneChecksItsEnrolment has the server answer with the word on another
// device: the phone keeps no keys under it.
func TestPhoneChecksItsEnrolment(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	w.Faces.Know(realperson.Identity{Name: zhao().Name, IDNumber: zhao().IDNumber})
	p, x := w.phone(t, filepath.Join(t.TempDir(), "phone"))
	e, err := p.BeginEnrol(t.Context(), applicant(zhao()))
	if err != nil {
		t.Fatal(err)
	}
	codes := client.Codes{Phone: "000000", Authorization: "000000", PIN: authztest.PIN}
	for name, spoil := range map[string]func(object){
		"person":  func(o object) { o["person_id"] = w.legal.Person.ID },
		"share":   func(o object) { o["share"] = "AAAA" },
		"keys":    func(o object) { o["enrolment"].(object)["statement"] = b64(w.legal.Device.Enrolment.Bytes) },
		"garbage": func(o object) { o["enrolment"].(object)["statement"] = "AAAA" },
	} {
		x.rewrite("/finish", spoil)
		if _, err := e.Finish(t.Context(), codes); !errors.Is(err, client.ErrStatement) || p.Device() != "" {
			t.Errorf("%s: %v, device %q", name, err, p.Device())
		}
	}
	x.rewrite("/finish", func(object) {})
	if _, err := e.Finish(t.Context(), codes); err != nil || p.Device() == "" {
		t.Errorf("the true answer: %v", err)
	}
}

// rewrite changes the good answers of a path.
func (x *wire) rewrite(suffix string, change func(object)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.alter = func(r *http.Request, res *http.Response) {
		if !strings.HasSuffix(r.URL.Path, suffix) || res.StatusCode >= 300 {
			return
		}
		var o object
		if json.NewDecoder(res.Body).Decode(&o) == nil {
			change(o)
		}
		b, _ := json.Marshal(o)
		res.Body = io.NopCloser(bytes.NewReader(b))
	}
}
