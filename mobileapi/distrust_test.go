package mobileapi_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/mobileapi/client"
)

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
