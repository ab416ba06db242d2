package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/mobileapi/client"
)

type phoneCmd struct {
	phoneFlags

	Enrol       enrolCmd       `cmd:"" group:"life" help:"登记本人和这部手机。· Enrol a person and this phone."`
	Me          meCmd          `cmd:"" group:"life" help:"我是谁，在哪些单位。· Who I am, and where."`
	Pin         pinCmd         `cmd:"" group:"life" help:"重设签名密码（也用于解锁）。· Set a new PIN, which also unlocks it."`
	Scan        scanCmd        `cmd:"" group:"scan" help:"扫码，看到请求内容。· Scan a code and see what is asked."`
	Show        showCmd        `cmd:"" group:"scan" help:"再看一遍，可保存文件。· Show it again; save the documents."`
	Confirm     confirmCmd     `cmd:"" group:"scan" help:"输入网页上的数字，确认。· Confirm with the number on the page."`
	Reject      rejectCmd      `cmd:"" group:"scan" help:"拒绝。· Refuse it."`
	Report      reportCmd      `cmd:"" group:"scan" help:"不是我发起的：报告。· Report: I did not start this."`
	Second      secondCmd      `cmd:"" group:"scan" help:"复核他人已确认的用印。· Approve, as second person, what another has approved."`
	Activity    activityCmd    `cmd:"" group:"scan" help:"以我名义办理的事项。· What was done in my name."`
	Seals       sealsCmd       `cmd:"" group:"seals" help:"印章。· Seals."`
	ClaimSeal   claimSealCmd   `cmd:"" group:"seals" help:"领取印章。· Claim a seal."`
	Freeze      freezeCmd      `cmd:"" group:"seals" help:"立即冻结印章。· Stop a seal at once."`
	Unfreeze    unfreezeCmd    `cmd:"" group:"seals" help:"解除冻结。· Make a frozen seal usable again."`
	Agents      agentsCmd      `cmd:"" group:"power" help:"经办人：列出、审核、停止。· Agents: list, approve, withdraw."`
	Apps        appsCmd        `cmd:"" group:"power" help:"可授权的申报系统。· Declaration systems one can delegate for."`
	Delegate    delegateCmd    `cmd:"" group:"power" help:"授权经办人。· Delegate to an agent."`
	Delegations delegationsCmd `cmd:"" group:"power" help:"授权。· Delegations."`
	Revoke      revokeCmd      `cmd:"" group:"power" help:"撤销授权或停用设备。· End a delegation or a device."`
}

// Help teaches.
func (phoneCmd) Help() string {
	return `A phone with software keys, for the sandbox: what the app does, in words. Everything
it signs it reads first. With "yunzhang demo" running in another window:

    export DEMO="--dir yunzhang-demo/phones/agent --server http://app.localhost:8080"
    yunzhang phone $DEMO scan --png code.png
    yunzhang phone $DEMO confirm --number 417

and from the beginning, against "yunzhang init --sandbox && yunzhang serve":

    yunzhang phone --server http://app.localhost:8080 enrol legal --uscc 91350100M000100Y43 \
        --name 张三 --id 11010519491231002X --mobile 13800138000 --outbox data/outbox.jsonl
    yunzhang phone claim-seal statutory
    yunzhang phone --dir ./li --server http://app.localhost:8080 enrol agent --uscc 91350100M000100Y43 \
        --name 李四 --id 440524188001010014 --mobile 13900139034 --outbox data/outbox.jsonl
    yunzhang phone agents approve
    yunzhang phone delegate --app app_… --seal 35010000000001 --max 10

Names below localhost lead to this machine, whatever the resolver says.`
}

// phoneFlags say which phone it is and where it belongs. What enrol was told is
// kept in the folder.
type phoneFlags struct {
	Dir     string `help:"手机的目录，放它的密钥。· Folder of this phone and its keys." default:"~/.yunzhang-phone" type:"path" placeholder:"DIR"`
	Server  string `help:"手机接口的地址。· Origin of the phone API." placeholder:"URL"`
	Issuer  string `help:"声明的签发者，缺省由 --server 推出：app.X → X。· Issuer of statements; by default that of the server." placeholder:"HOST"`
	QR      string `name:"qr" help:"二维码的地址，缺省 verify.X/q。· Address in QR codes." placeholder:"URL"`
	Resolve string `help:"名称与地址，形如 NAME=ADDRESS。· Reach a name at an address." placeholder:"NAME=IP"`
	CACert  string `name:"cacert" help:"信任的证书（PEM），用于 demo --lan。· Certificate to trust, for demo --lan." type:"path" placeholder:"FILE"`
	PINFile string `name:"pin-file" help:"从文件读签名密码，供脚本使用。· Read the PIN from a file, for scripts." type:"path" placeholder:"FILE"`
}

// settings are what a phone remembers of its server.
type settings struct {
	Server  string `json:"server"`
	Issuer  string `json:"issuer"`
	QR      string `json:"qr"`
	Resolve string `json:"resolve,omitempty"`
	CACert  string `json:"cacert,omitempty"`
}

const settingsFile = "server.json"

// settle fills in what was not given: from the folder, then from the server's
// own name.
func (f *phoneFlags) settle(e *env) error {
	var kept settings
	b, err := os.ReadFile(filepath.Join(f.Dir, settingsFile))
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, p := range []struct {
		flag *string
		kept string
	}{{&f.Server, kept.Server}, {&f.Issuer, kept.Issuer}, {&f.QR, kept.QR}, {&f.Resolve, kept.Resolve}, {&f.CACert, kept.CACert}} {
		if *p.flag == "" {
			*p.flag = p.kept
		}
	}
	u, err := url.Parse(f.Server)
	if err != nil || u.Host == "" {
		return usageError{e.say("请用 --server 给出手机接口的地址，例如 http://app.localhost:8080", "give the address of the phone API with --server, such as http://app.localhost:8080")}
	}
	base := strings.TrimPrefix(u.Host, "app.")
	if f.Issuer == "" {
		f.Issuer = issuerOf(base)
	}
	if f.QR == "" {
		f.QR = u.Scheme + "://verify." + base + "/q"
	}
	return nil
}

func (f phoneFlags) keep() error {
	b, err := json.MarshalIndent(settings{f.Server, f.Issuer, f.QR, f.Resolve, f.CACert}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(f.Dir, settingsFile), append(b, '\n'), 0o600)
}

// handset is an open phone and its person.
type handset struct {
	*env
	*client.Phone
	flags phoneFlags
}

// open opens the phone in the folder.
func (f phoneFlags) open(e *env) (*handset, error) {
	if err := f.settle(e); err != nil {
		return nil, err
	}
	hc, err := f.http()
	if err != nil {
		return nil, err
	}
	second, err := f.passkey()
	if err != nil {
		return nil, err
	}
	p, err := client.New(client.Config{
		Server: f.Server, Issuer: f.Issuer, QRBase: f.QR, Dir: f.Dir, Lang: e.lang, HTTP: hc, Passkey: second,
	})
	if err != nil {
		return nil, err
	}
	return &handset{env: e, Phone: p, flags: f}, nil
}

// http reaches the server, also under names that only this machine knows.
func (f phoneFlags) http() (*http.Client, error) {
	t := &http.Transport{}
	if f.CACert != "" {
		pem, err := os.ReadFile(f.CACert)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, usageError{f.CACert + " holds no certificate"}
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	name, addr, _ := strings.Cut(f.Resolve, "=")
	t.DialContext = func(ctx context.Context, network, target string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(target)
		if err != nil {
			return nil, err
		}
		switch {
		case name != "" && host == name:
			target = net.JoinHostPort(addr, port)
		case host == "localhost" || strings.HasSuffix(host, ".localhost"):
			target = net.JoinHostPort("127.0.0.1", port) // RFC 6761 §6.3
		}
		var d net.Dialer
		return d.DialContext(ctx, network, target)
	}
	return &http.Client{
		Transport: t, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// tell writes a statement in words.
func tell(w io.Writer, lines []statement.Line) {
	for _, l := range lines {
		fmt.Fprintf(w, "  %s: %s\n", l.Label, l.Value)
	}
}

// unlock opens the statement key with the PIN.
func (h *handset) unlock() (*client.Unlocked, error) {
	pin, err := h.pin(h.flags.PINFile)
	if err != nil {
		return nil, err
	}
	return h.Unlock(h.ctx, pin)
}

// sign shows a draft, asks for the PIN and signs. A draft that needs fresh
// evidence of the person is made again after it.
func (h *handset) sign(purpose string, draft func() (*client.Draft, error)) (*client.Result, error) {
	d, err := draft()
	if errors.Is(err, fault.StepUpNeeded) {
		if err := h.face(purpose); err != nil {
			return nil, err
		}
		d, err = draft()
	}
	if err != nil {
		return nil, err
	}
	tell(h.err, d.Summary())
	u, err := h.unlock()
	if err != nil {
		return nil, err
	}
	defer u.Close()
	return u.Sign(h.ctx, d)
}

// face takes the person through real-person authentication. The sandbox has
// finished when the session is open.
func (h *handset) face(purpose string) error {
	_, err := h.faceSession(purpose)
	return err
}

func (h *handset) faceSession(purpose string) (session string, err error) {
	return h.faceOf(func() (*client.Session, error) { return h.BeginRealPerson(h.ctx, purpose) })
}

func (h *handset) faceOf(begin func() (*client.Session, error)) (session string, err error) {
	s, err := begin()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h.err, h.say("需要实人认证：%s\n", "Show your face: %s\n"), s.FaceURL)
	err = h.FinishRealPerson(h.ctx, s.SessionID)
	if errors.Is(err, fault.RealPersonFails) && h.tty != nil {
		if _, err := h.ask(h.say("完成后按回车：", "Press Enter when done: ")); err != nil {
			return "", err
		}
		err = h.FinishRealPerson(h.ctx, s.SessionID)
	}
	return s.SessionID, err
}

// place is the person's place in an organization in a role: the one that was
// named, or the only one there is.
func (h *handset) place(uscc, role string) (client.Place, error) {
	me, err := h.Phone.Me(h.ctx)
	if err != nil {
		return client.Place{}, err
	}
	var found []client.Place
	for _, p := range me.Places {
		if (uscc == "" || p.USCC == uscc) && (role == "" || p.Role == role) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return client.Place{}, usageError{h.say("您在该单位没有这个身份，见 yunzhang phone me", "you have no such place; see yunzhang phone me")}
	}
	return client.Place{}, usageError{h.say("请用 --org 指定单位，见 yunzhang phone me", "name the organization with --org; see yunzhang phone me")}
}

// orgFlag names an organization where a person has several.
type orgFlag struct {
	Org string `help:"统一社会信用代码，只有一个单位时可省略。· USCC of the organization, when you have several." placeholder:"CODE"`
}
