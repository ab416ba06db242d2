package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"yunzhang.dev/authz/fault"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/qrflow/qr"
	"yunzhang.dev/web/public"
)

// TestLife takes a company from its registration to a verified stamp by nothing
// but commands; only the declaration system is played by its Go client.
func TestLife(t *testing.T) {
	o := newOffice(t)
	printed := o.do("init", "--sandbox", "--listen", o.addr, "--config", o.path("yunzhang.toml"), "--keys", o.path("keys"), "--data", o.path("data"))
	o.serve()
	o.desks(printed)
	system := o.register()
	seal := o.company()
	o.do(o.phone("zhang", "delegate", "--app", system.App, "--seal", seal, "--max", "5")...)
	t.Run("bind", func(t *testing.T) { o.on(t).bind(system) })
	t.Run("confirm", func(t *testing.T) { o.on(t).confirm(system) })
	t.Run("reject", func(t *testing.T) { o.on(t).reject(system) })
	t.Run("clerk", func(t *testing.T) { o.on(t).clerk() })
	t.Run("stop", func(t *testing.T) { o.on(t).stop(seal) })
	t.Run("switch", func(t *testing.T) { o.on(t).turnOff(system) })
	t.Run("audit", func(t *testing.T) { o.on(t).audit() })
}

func (o *office) register() *drive.System {
	o.t.Helper()
	out := o.do(o.admin("business", "apps", "register", "--name", "网上申报", "--origin", o.cfg.Sites.Demo, "--new-key", o.path("declare.p8"))...)
	b, err := os.ReadFile(o.path("declare.p8"))
	if err != nil {
		o.t.Fatal(err)
	}
	key, err := gm.ParsePrivateKey(b)
	if err != nil {
		o.t.Fatal(err)
	}
	if list := o.do(o.admin("auditor", "apps")...); !strings.Contains(list, "网上申报") {
		o.t.Errorf("apps: %s", list)
	}
	node := drive.Node{Net: drive.Net{Addr: o.addr}, Config: o.cfg}
	return node.NewSystem(find(o.t, out, `(app_[a-z0-9]+)`), find(o.t, out, `(k_[0-9a-f]+)`), key)
}

// company enrols the legal representative and the agent and claims the seal.
func (o *office) company() (seal string) {
	o.t.Helper()
	c := drive.Company()
	o.do(o.phone("zhang", append([]string{"enrol", "legal", "--uscc", c.USCC}, o.person(c.Legal)...)...)...)
	o.do(o.phone("li", append([]string{"enrol", "agent", "--passkey", "--uscc", c.USCC}, o.person(drive.Agent())...)...)...)
	if out := o.do(o.phone("zhang", "claim-seal", "statutory")...); !strings.Contains(out, "service-agreement") && !strings.Contains(out, "协议") {
		o.t.Errorf("the agreement was not shown: %s", out)
	}
	seal = find(o.t, o.do(o.phone("zhang", "seals")...), `(\d{14})  statutory`)
	if list := o.do(o.phone("zhang", "agents")...); !strings.Contains(list, "李四  agent  pending") {
		o.t.Errorf("agents: %s", list)
	}
	o.do(o.phone("zhang", "agents", "approve")...)
	return seal
}

// bind binds the agent's account of the declaration system.
func (o *office) bind(s *drive.System) {
	r, err := s.Ask(o.t.Context(), ds.Ask{Purpose: "bind", Subject: ds.Subject{Account: "lisi@example", USCC: drive.Company().USCC}})
	if err != nil {
		o.t.Fatal(err)
	}
	defer r.Page.Close()
	text, err := r.Page.Frame(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	if out := o.do(o.phone("li", "scan", text)...); !strings.Contains(out, "lisi@example") {
		o.t.Errorf("scan: %s", out)
	}
	number, err := r.Page.Number(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	o.do(o.phone("li", "confirm", "--number", number)...)
	if _, err := s.Fetch(o.t.Context(), r); err != nil {
		o.t.Fatal(err)
	}
	if _, err := s.Save(o.t.Context(), r.Ticket); err != nil {
		o.t.Fatal(err)
	}
}

// ask has the declaration system ask for a stamp on a real document.
func (o *office) ask(s *drive.System) (*drive.Request, string) {
	o.t.Helper()
	pdf, err := os.ReadFile("../../../shared/samples/pdf/ff.pdf")
	if err != nil {
		o.t.Fatal(err)
	}
	doc, err := s.Upload(o.t.Context(), "登记表.pdf", pdf)
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := s.Ask(o.t.Context(), drive.StampAsk("lisi@example", drive.Company().USCC, doc.ID, 1, 100, 100))
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(r.Page.Close)
	return r, doc.ID
}

func (o *office) frame(r *drive.Request) *qr.Code {
	o.t.Helper()
	text, err := r.Page.Frame(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	code, err := qr.New(text)
	if err != nil {
		o.t.Fatal(err)
	}
	return code
}

func (o *office) confirm(s *drive.System) {
	r, doc := o.ask(s)
	png, err := o.frame(r).PNG(4)
	if err != nil {
		o.t.Fatal(err)
	}
	o.write("code.png", string(png))
	out := o.do(o.phone("li", "scan", "--png", o.path("code.png"))...) // each command is one of ten claims a minute
	if !strings.Contains(out, "网上申报") || !strings.Contains(out, "登记表.pdf") {
		o.t.Errorf("scan: %s", out)
	}
	for _, want := range []string{"phone confirm", "phone reject", "phone report", "“福州示例科技有限公司（单位公章）”", "（单位公章）” goes on 1 document."} {
		if !strings.Contains(out, want) {
			o.t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := o.do(o.phone("li", "show", "--find", "没有")...); !strings.Contains(out, "0 of 1 documents") {
		o.t.Errorf("found: %s", out)
	}
	o.do(o.phone("li", "show", "--save", o.path("shown"))...)
	if found, _ := filepath.Glob(o.path("shown/1-*.pdf")); len(found) != 1 {
		o.t.Errorf("shown: %v", found)
	}
	number, err := r.Page.Number(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	wrong := fmt.Sprintf("%03d", (int(number[0]-'0')*100+int(number[1]-'0')*10+int(number[2]-'0')+1)%1000)
	o.refused(fault.MatchWrong, o.phone("li", "confirm", "--number", wrong)...)
	o.withoutPasskey(func() { o.refused(fault.SignatureHW, o.phone("li", "confirm", "--number", number)...) })
	o.do(o.phone("li", "confirm", "--number", number)...)
	if _, err := s.Fetch(o.t.Context(), r); err != nil {
		o.t.Fatal(err)
	}
	stamped, err := s.Stamped(o.t.Context(), doc)
	if err != nil {
		o.t.Fatal(err)
	}
	bundle, err := s.Evidence(o.t.Context(), r.Ticket)
	if err != nil {
		o.t.Fatal(err)
	}
	o.write("stamped.pdf", string(stamped))
	o.write("bundle.json", string(bundle))
	o.verify(string(stamped))
}

// withoutPasskey has li's phone sign with one key only (AT-039).
func (o *office) withoutPasskey(f func()) {
	o.t.Helper()
	here, away := o.path("li/"+passkeyFile), o.path("li/away")
	if err := os.Rename(here, away); err != nil {
		o.t.Fatal(err)
	}
	f()
	if err := os.Rename(away, here); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) verify(stamped string) {
	out := o.do("verify", o.path("stamped.pdf"), "--bundle", o.path("bundle.json"), "--json")
	var report public.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.Genuine {
		o.t.Errorf("%v: %s", err, out)
	}
	if out := o.do("--lang", "zh", "verify", o.path("stamped.pdf"), "--bundle", o.path("bundle.json")); !strings.Contains(out, "✓ 真实有效") || !strings.Contains(out, "李四") {
		o.t.Errorf("verify: %s", out)
	}
	out, _, status := o.try("verify", o.path("stamped.pdf"))
	if status != exitFailed || !strings.Contains(out, "Unknown issuer") || !strings.Contains(out, "✓ Content intact") || !strings.Contains(out, "No bundle") {
		o.t.Errorf("without a bundle: %d %s", status, out)
	}
	o.write("altered.pdf", strings.Replace(stamped, "%%EOF", "%%EOE", 1))
	if out, _, status := o.try("verify", o.path("altered.pdf"), "--bundle", o.path("bundle.json")); status != exitFailed || !strings.Contains(out, "✗ Altered") {
		o.t.Errorf("altered: %d %s", status, out)
	}
}

func (o *office) reject(s *drive.System) {
	r, _ := o.ask(s)
	e := newEnv("en", strings.NewReader(o.frame(r).Text(false)), o.t.Output(), o.t.Output(), []string{"HOME=" + o.dir})
	cli := &commands{Phone: phoneCmd{phoneFlags: phoneFlags{Dir: o.path("li"), Server: o.cfg.Sites.App}}}
	if err := (scanCmd{Terminal: true}).Run(e, cli); err != nil {
		o.t.Fatal(err)
	}
	if out := o.do(o.phone("li", "reject", "--reason", "内容不对")...); strings.TrimSpace(out) != "rejected" {
		o.t.Errorf("reject: %s", out)
	}
	if _, errs, status := o.try(o.phone("li", "confirm", "--number", "000")...); status != exitFailed || !strings.Contains(errs, "phone scan first") {
		o.t.Errorf("confirm after reject: %d %s", status, errs)
	}
}

// clerk: an application with another picture waits for clerk and reviewer.
func (o *office) clerk() {
	other, err := impression.New().Draw(impression.Spec{Kind: impression.Contract, Name: "另外一家完全不同的企业", Number: "3501001234567"})
	if err != nil {
		o.t.Fatal(err)
	}
	o.write("other.png", string(other.PNG))
	out, errs, status := o.try(o.phone("zhang", "claim-seal", "contract", "--picture", o.path("other.png"))...)
	if status != exitDone {
		o.t.Fatalf("claim: %d %s%s", status, out, errs)
	}
	id := find(o.t, out, `application (\S+): waiting`)
	if list := o.do(o.admin("clerk", "applications")...); !strings.Contains(list, id) {
		o.t.Errorf("applications: %s", list)
	}
	o.do(o.admin("clerk", "show", id, "--save", o.path("pictures"))...)
	if found, _ := filepath.Glob(o.path("pictures/*.png")); len(found) != 2 {
		o.t.Errorf("pictures: %v", found)
	}
	o.refused(fault.RoleMissing, o.admin("business", "accept", id)...)
	o.refused(fault.WrongState, o.admin("reviewer", "review", id)...)
	o.do(o.admin("clerk", "accept", id)...)
	if out := o.do(o.admin("reviewer", "review", id)...); !regexp.MustCompile(`issued \d{14}`).MatchString(out) {
		o.t.Errorf("review: %s", out)
	}
	out = o.do(o.phone("zhang", "claim-seal", "finance", "--picture", o.path("other.png"))...)
	id = find(o.t, out, `application (\S+): waiting`)
	if out := o.do(o.admin("clerk", "reject", id, "--defect", "印模与备案不符, 请重拍", "--defect", "缺少委托书")...); !strings.Contains(out, "rejected") {
		o.t.Errorf("reject: %s", out)
	}
	if list := o.do(o.admin("clerk", "applications", "--state", "rejected")...); !strings.Contains(list, "印模与备案不符, 请重拍") || !strings.Contains(list, "缺少委托书") {
		o.t.Errorf("rejected: %s", list)
	}
}

func (o *office) stop(seal string) {
	if out := o.do(o.phone("zhang", "freeze", seal, "--reason", "试验")...); !strings.Contains(out, seal) {
		o.t.Errorf("freeze: %s", out)
	}
	o.do(o.phone("zhang", "unfreeze", seal)...)
	id := find(o.t, o.do(o.phone("li", "delegations")...), `(dg_[a-z0-9]+)  active`)
	o.do(o.phone("zhang", "revoke", id, "--reason", "离职")...)
	if list := o.do(o.phone("zhang", "delegations")...); !strings.Contains(list, id+"  revoked") {
		o.t.Errorf("delegations: %s", list)
	}
	agent := find(o.t, o.do(o.phone("zhang", "agents")...), `(us_[a-z0-9]+)  李四`)
	o.do(o.phone("zhang", "agents", "withdraw", agent)...)
	if out := o.do(o.phone("li", "me")...); strings.Contains(out, "agent active") {
		o.t.Errorf("me: %s", out)
	}
}

// turnOff stops the declaration system and lets it go on.
func (o *office) turnOff(s *drive.System) {
	o.refused(fault.RoleMissing, o.admin("auditor", "apps", "stop", s.App, "--reason", "试验")...)
	o.do(o.admin("business", "apps", "stop", s.App, "--reason", "密钥可能外泄")...)
	if _, err := s.Me(o.t.Context()); drive.Code(err) != fault.Unauthorized.Code {
		o.t.Errorf("it is let in: %v", err)
	}
	if list := o.do(o.admin("auditor", "apps")...); !strings.Contains(list, "frozen") || !strings.Contains(list, "密钥可能外泄") {
		o.t.Errorf("apps: %s", list)
	}
	o.do(o.admin("business", "apps", "restore", s.App, "--reason", "已更换")...)
	if _, err := s.Me(o.t.Context()); err != nil {
		o.t.Error(err)
	}
}

func (o *office) audit() {
	if out := o.do(o.admin("auditor", "audit", "verify")...); !strings.HasPrefix(out, "✓ main") {
		o.t.Errorf("audit: %s", out)
	}
	o.refused(fault.RoleMissing, o.admin("clerk", "audit", "verify")...)
	if out := o.do("doctor"); !strings.Contains(out, "a server answers") || !strings.Contains(out, "a server is running") {
		o.t.Errorf("doctor: %s", out)
	}
	if out := o.do(o.admin("clerk", "status")...); !strings.Contains(out, "clerk") {
		o.t.Errorf("status: %s", out)
	}
}
