package drive

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/mobileapi/client"
)

// usesOfDemo is the limit of the demonstration's delegation.
const usesOfDemo = 1000

// Run does the main job once and gives the verdict on the stamped file.
func (d *Demo) Run(ctx context.Context) (verify.Verdict, error) {
	legal, agent, err := d.people(ctx)
	if err != nil {
		return "", err
	}
	system, err := d.delegation(ctx, legal, agent)
	if err != nil {
		return "", err
	}
	return d.stamp(ctx, agent, system)
}

// people registers, on first use, the legal representative with his seal and the
// agent: steps 1 to 4.
func (d *Demo) people(ctx context.Context) (legal, agent *client.Phone, err error) {
	if legal, err = d.node.Phone("legal"); err != nil {
		return nil, nil, err
	}
	if agent, err = d.node.Phone("agent"); err != nil {
		return nil, nil, err
	}
	began, known := time.Now(), legal.Device() != ""
	if !known {
		if err := d.node.EnrolLegal(ctx, legal, Company()); err != nil {
			return nil, nil, fmt.Errorf("register the legal representative: %w", err)
		}
	}
	d.say(began, "法定代表人 %s 登记（实人认证、企业登记核验、本机密钥）%s", Company().Legal.Name, before(known))
	began, known = time.Now(), d.state.Seal != ""
	if !known {
		if d.state.Seal, err = ClaimSeal(ctx, legal, Company(), "statutory"); err != nil {
			return nil, nil, fmt.Errorf("claim the seal: %w", err)
		}
		if err := d.state.save(); err != nil {
			return nil, nil, err
		}
	}
	d.say(began, "签署服务协议，领取单位公章 %s（备案印模一致，自动制发）%s", d.state.Seal, before(known))
	began, known = time.Now(), agent.Device() != ""
	if !known {
		if err := d.node.EnrolAgent(ctx, agent, Agent(), Company()); err != nil {
			return nil, nil, fmt.Errorf("register the agent: %w", err)
		}
	}
	d.say(began, "经办人 %s 登记（法定代表人转告授权码）%s", Agent().Name, before(known))
	began = time.Now()
	if !known {
		if err := ApproveAgent(ctx, legal, Company(), agent.Person()); err != nil {
			return nil, nil, fmt.Errorf("approve the agent: %w", err)
		}
	}
	d.say(began, "法定代表人审核通过经办人%s", before(known))
	return legal, agent, nil
}

// account is the agent's own at the declaration system.
const account = "lisi@example"

func before(known bool) string {
	if known {
		return "——已办过，跳过"
	}
	return ""
}

// delegation registers the declaration system and delegates for it, on first
// use or when the delegation has ended: step 5.
func (d *Demo) delegation(ctx context.Context, legal, agent *client.Phone) (*System, error) {
	began := time.Now()
	if d.state.App == "" || d.state.Origin != d.node.Config.Sites.Demo {
		// Another port is another origin, and so another declaration system.
		if err := d.registerSystem(ctx); err != nil {
			return nil, fmt.Errorf("register the declaration system: %w", err)
		}
	}
	known, err := d.delegated(ctx, agent)
	if err != nil {
		return nil, err
	}
	if !known {
		if err := d.delegate(ctx, legal, agent); err != nil {
			return nil, fmt.Errorf("delegate: %w", err)
		}
	}
	system, err := d.state.system(d.node)
	if err != nil {
		return nil, err
	}
	if err := system.Bind(ctx, agent, account, Company().USCC); err != nil {
		return nil, fmt.Errorf("bind the account: %w", err)
	}
	d.say(began, "法定代表人签署授权：%s 在申报系统用印，30 天，%d 次以内；经办人扫码绑定账号%s", Agent().Name, usesOfDemo, before(known))
	return system, nil
}

func (d *Demo) delegated(ctx context.Context, agent *client.Phone) (bool, error) {
	if d.state.Delegation == "" {
		return false, nil
	}
	held, err := agent.Delegations(ctx)
	for _, one := range held {
		if one.DelegationID == d.state.Delegation && one.State == "active" && time.Now().Before(one.NotAfter) {
			return true, nil
		}
	}
	return false, err
}

func (d *Demo) delegate(ctx context.Context, legal, agent *client.Phone) (err error) {
	grant := func() error {
		d.state.Delegation, err = Delegate(ctx, legal, Company(), agent.Person(), d.state.App, d.state.Seal, usesOfDemo)
		return err
	}
	if err := grant(); err != nil && Code(err) == fault.StepUpNeeded.Code {
		if err := Fresh(ctx, legal, "delegate"); err != nil {
			return err
		}
		if err := grant(); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return d.state.save()
}

func (d *Demo) registerSystem(ctx context.Context) error {
	key, err := gm.GenerateKey()
	if err != nil {
		return err
	}
	d.state.App, d.state.KeyID, err = d.app.RegisterApp(ctx, binding.NewApp{
		Name: "社会保险网上申报系统（演示）", Origins: []string{d.node.Config.Sites.Demo},
		Actions: []authz.Action{authz.Bind, authz.Login, authz.Stamp}, SealKinds: []string{"statutory"}, Key: key.Public().SPKI(),
	})
	if err != nil {
		return err
	}
	d.state.Key, d.state.Origin, d.state.Delegation = key.PKCS8(), d.node.Config.Sites.Demo, ""
	return d.state.save()
}

// stamp asks, scans, confirms, fetches and verifies: steps 6 to 9.
func (d *Demo) stamp(ctx context.Context, agent *client.Phone, system *System) (verify.Verdict, error) {
	file, name, err := d.file()
	if err != nil {
		return "", err
	}
	page, x, y, err := lowerRight(file)
	if err != nil {
		return "", err
	}
	began := time.Now()
	doc, err := system.Upload(ctx, name, file)
	if err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	r, err := system.Ask(ctx, StampAsk(account, Company().USCC, doc.ID, page, x, y))
	if err != nil {
		return "", err
	}
	defer r.Page.Close()
	d.say(began, "申报系统上传《%s》（%d 页），打开用印请求，页面显示滚动二维码", name, doc.Pages)
	began = time.Now()
	scan, err := Claim(ctx, agent, r)
	if err != nil {
		return "", fmt.Errorf("scan: %w", err)
	}
	number, err := r.Page.Number(ctx)
	if err != nil {
		return "", err
	}
	d.say(began, "经办人扫码，看到申报系统、文件、印章和位置；页面显示数字 %s", number)
	return d.confirm(ctx, agent, system, r, scan, doc.ID, name)
}

func (d *Demo) confirm(ctx context.Context, agent *client.Phone, system *System, r *Request, scan *client.Scan, doc, name string) (verify.Verdict, error) {
	began := time.Now()
	if err := Approve(ctx, agent, r, scan); err != nil {
		return "", fmt.Errorf("approve: %w", err)
	}
	if _, err := system.Fetch(ctx, r); err != nil {
		return "", fmt.Errorf("redeem: %w", err)
	}
	stamped, err := system.Stamped(ctx, doc)
	if err != nil {
		return "", err
	}
	bundle, err := system.Evidence(ctx, r.Ticket)
	if err != nil {
		return "", err
	}
	d.say(began, "经办人输入数字和签名密码确认；服务端签章，申报系统凭校验值取回 PDF")
	began = time.Now()
	b, err := verify.ParseBundle(bundle)
	if err != nil {
		return "", err
	}
	trust, err := b.Trust()
	if err != nil {
		return "", err
	}
	report := verify.Document(stamped, trust)
	d.say(began, "离线验证：%s", report.Verdict)
	return report.Verdict, d.summary(stamped, bundle, report, name)
}

// summary writes the files and says where everything is.
func (d *Demo) summary(stamped, bundle []byte, report verify.Report, name string) error {
	base := strings.TrimSuffix(filepath.Base(name), ".pdf")
	out := filepath.Join(d.Dir, base+"-stamped.pdf")
	proof := filepath.Join(d.Dir, base+"-stamped.bundle.json")
	if err := os.WriteFile(out, stamped, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(proof, bundle, 0o600); err != nil {
		return err
	}
	s := d.node.Config.Sites
	fmt.Fprintf(d.Out, `
已盖章文件  %s
SM3         %s
离线验证包  %s
验证结论    %s (verdict: %s)
再次验证    yunzhang verify %s --bundle %s

公开验证    %s/
等待页面    %s/widget/
手机接口    %s/openapi.json
沙箱账号    法定代表人 %s，经办人 %s，签名密码 %s
沙箱短信    %s
`, out, report.SM3.Hex(), proof, verdictWords(report.Verdict), report.Verdict, out, proof, s.Verify, s.Demo, s.App,
		Company().Legal.Name, Agent().Name, PIN, filepath.Join(d.Dir, "data", "outbox.jsonl"))
	return nil
}

func verdictWords(v verify.Verdict) string {
	if v == verify.Genuine {
		return "真实有效"
	}
	return "未通过"
}

// file gives what is stamped and its title.
func (d *Demo) file() (b []byte, name string, err error) {
	if d.PDF == "" {
		return samplePDF, "社会保险参保登记表.pdf", nil
	}
	b, err = os.ReadFile(d.PDF)
	return b, filepath.Base(d.PDF), err
}

// lowerRight is where a statutory seal of 42 mm at most stands well on the last
// page, in mm.
func lowerRight(file []byte) (page int, x, y float64, err error) {
	f, err := pdf.Open(file)
	if err != nil {
		return 0, 0, 0, err
	}
	pages := f.Pages()
	last := pages[len(pages)-1]
	return len(pages), max(0, last.Width-62), max(0, last.Height-138), nil
}
