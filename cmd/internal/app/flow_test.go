package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"yunzhang.dev/authz"
	"yunzhang.dev/binding"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// party is a running node with a company that has a seal, an approved agent with
// a delegation, and a declaration system.
type party struct {
	drive.Node
	app          *app.App
	legal, agent *client.Phone
	system       *drive.System
	seal         string
	clock        *movable // when the test moves it
	delegation   string
	addresses    []string // of its nodes
}

// check ends the test on an error; it reads better than four lines each time.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newParty(t testing.TB, uses int, o app.Options) *party {
	t.Helper()
	return newPartyIn(t, t.TempDir(), uses, o)
}

// newPartyIn is newParty with a folder that may outlive the test.
func newPartyIn(t testing.TB, dir string, uses int, o app.Options) *party {
	t.Helper()
	o.World = world()
	base, c, a := startIn(t, dir, o)
	return gather(t, dir, uses, base, c, a)
}

// newLonelyParty is newParty on one node on every store, for tests that look into
// a node.
func newLonelyParty(t testing.TB, uses int, o app.Options) *party {
	t.Helper()
	dir := t.TempDir()
	o.World = world()
	base, c, a := startIn(t, dir, o)
	return gatherAlone(t, dir, uses, base, c, a)
}

// gather makes the party of a node that runs. On MongoDB two more nodes run then,
// and everybody goes to any of them.
func gather(t testing.TB, dir string, uses int, base string, c config.Config, a *app.App) *party {
	t.Helper()
	p := gatherAlone(t, dir, uses, base, c, a)
	p.spread(t)
	return p
}

// gatherAlone is gather without further nodes.
func gatherAlone(t testing.TB, dir string, uses int, base string, c config.Config, a *app.App) *party {
	t.Helper()
	p := &party{app: a, Node: drive.Node{
		Net: drive.Net{Addr: strings.TrimPrefix(base, "http://")}, Config: c, Code: a.LastCode, Dir: filepath.Join(dir, "phones"),
	}}
	var err error
	p.legal, err = p.Phone("legal")
	check(t, err)
	p.agent, err = p.Phone("agent")
	check(t, err)
	check(t, p.EnrolLegal(t.Context(), p.legal, drive.Company()))
	p.seal, err = drive.ClaimSeal(t.Context(), p.legal, drive.Company(), "statutory")
	check(t, err)
	check(t, p.EnrolAgent(t.Context(), p.agent, drive.Agent(), drive.Company()))
	check(t, drive.ApproveAgent(t.Context(), p.legal, drive.Company(), p.agent.Person()))
	p.system = p.register(t, "社会保险网上申报系统")
	p.delegation, err = drive.Delegate(t.Context(), p.legal, drive.Company(), p.agent.Person(), p.system.App, p.seal, uses)
	check(t, err)
	return p
}

// register registers another declaration system.
func (p *party) register(t testing.TB, name string) *drive.System {
	t.Helper()
	key, err := gm.GenerateKey()
	check(t, err)
	id, kid, err := p.app.RegisterApp(t.Context(), binding.NewApp{
		Name: name, Origins: []string{p.Config.Sites.Demo}, Actions: []authz.Action{authz.Bind, authz.Login, authz.Stamp},
		SealKinds: []string{"statutory"}, Key: key.Public().SPKI(),
	})
	check(t, err)
	return p.NewSystem(id, kid, key)
}

// bindAtOnce binds an account of a declaration system to the company and its
// agent, without the ceremony, unless it is bound.
func (p *party) bindAtOnce(t testing.TB, s *drive.System, account string) {
	t.Helper()
	if _, err := s.Binding(t.Context(), account); ds.CodeOf(err) != "binding" {
		check(t, err)
		return
	}
	check(t, p.app.Bind(t.Context(), s.App, account, uscc, p.agent.Person()))
}

func samplePDF(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../../shared/samples/pdf", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var uscc = drive.Company().USCC

func TestFromRegistrationToVerdict(t *testing.T) {
	t.Parallel()
	p := newParty(t, 10, app.Options{})
	for i, name := range []string{"ff.pdf", "Test3.pdf"} {
		d, err := p.system.Upload(t.Context(), "参保登记表"+name, samplePDF(t, name))
		check(t, err)
		p.bindAtOnce(t, p.system, "zhangsan")
		r, err := p.system.Ask(t.Context(), drive.StampAsk("zhangsan", uscc, d.ID, 1, 130, 200))
		check(t, err)
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		for _, l := range scan.Summary() {
			t.Log(l.Label, l.Value)
		}
		check(t, drive.Approve(t.Context(), p.agent, r, scan))
		result, err := p.system.Fetch(t.Context(), r)
		check(t, err)
		if len(result.Documents) != 1 || result.Name != "李四" {
			t.Errorf("%+v", result)
		}
		stamped, err := p.system.Stamped(t.Context(), d.ID)
		check(t, err)
		bundle, err := p.system.Evidence(t.Context(), r.Ticket)
		check(t, err)
		verdict(t, stamped, bundle, i+1)
	}
	if seen, _, err := p.legal.Register(t.Context(), place(t, p).OrganizationID, "", 10); err != nil || len(seen) != 2 || seen[0].Slot != 2 {
		t.Errorf("use register: %+v, %v", seen, err)
	}
}

func place(t testing.TB, p *party) client.Place {
	t.Helper()
	pl, err := p.legal.Place(t.Context(), uscc)
	check(t, err)
	return pl
}

// verdict verifies a stamped file offline.
func verdict(t *testing.T, stamped, bundle []byte, slot int) {
	t.Helper()
	b, err := verify.ParseBundle(bundle)
	check(t, err)
	trust, err := b.Trust()
	check(t, err)
	r := verify.Document(stamped, trust)
	if r.Verdict != verify.Genuine || len(r.Stamps) != 1 {
		t.Fatalf("verdict %s: %+v", r.Verdict, r)
	}
	if e := r.Stamps[0].Evidence; e == nil || e.Slot != slot {
		t.Errorf("evidence %+v, want slot %d", e, slot)
	}
	for _, c := range r.Stamps[0].Checks {
		t.Log(c.Name, c.Answer, c.Code)
	}
}

func TestBindAndLogIn(t *testing.T) {
	t.Parallel()
	p := newParty(t, 1, app.Options{})
	r, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "bind", Subject: ds.Subject{Account: "acct-0001", USCC: uscc}})
	check(t, err)
	check(t, drive.Confirm(t.Context(), p.agent, r))
	result, err := p.system.Fetch(t.Context(), r)
	check(t, err)
	if result.Binding == nil || result.Binding.Certificate != p.seal || result.Binding.State != "pending" {
		t.Fatalf("%+v", result.Binding)
	}
	bound, err := p.system.Save(t.Context(), r.Ticket)
	check(t, err)
	if bound.State != "active" {
		t.Errorf("%+v", bound)
	}
	if _, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "bind", Subject: ds.Subject{Account: "acct-0001", USCC: uscc}}); ds.CodeOf(err) != "account-bound" && !strings.Contains(err.Error(), "account-bound") {
		t.Errorf("a second binding: %v", err)
	}
	if r, err = p.system.Ask(t.Context(), ds.Ask{Purpose: "login"}); err != nil {
		t.Fatal(err)
	}
	check(t, drive.Confirm(t.Context(), p.agent, r))
	result, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	if result.Account != "acct-0001" || result.USCC != uscc {
		t.Errorf("logged in to %+v", result)
	}
	check(t, p.system.Unbind(t.Context(), "acct-0001"))
	if r, err = p.system.Ask(t.Context(), ds.Ask{Purpose: "login"}); err != nil {
		t.Fatal(err)
	}
	if err := drive.Confirm(t.Context(), p.agent, r); err == nil || !strings.Contains(err.Error(), "binding") {
		t.Errorf("log-in after unbinding: %v", err)
	}
}
