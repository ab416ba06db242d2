package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/codes"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
)

type initCmd struct {
	configFlag
	Domain   string `help:"域名，例如 seal.example.gov.cn：手机为 app.域名，申报系统为 portal.域名，验证为 verify.域名。· Domain below which the sites have their names." placeholder:"DOMAIN"`
	Operator string `help:"运营单位名称，写入证书。· Name of the operating body; it stands in the certificates." placeholder:"NAME"`
	USCC     string `name:"uscc" help:"运营单位统一社会信用代码。· Its unified social credit code." placeholder:"CODE"`
	Data     string `help:"数据目录。· Data folder." default:"data" placeholder:"DIR"`
	Keys     string `help:"密钥目录，必须在数据目录之外。· Keys folder, outside of the data folder." default:"keys" placeholder:"DIR"`
	Listen   string `help:"监听地址。· Address to listen on." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Sandbox  bool   `help:"试用：沙箱的登记、实人和短信，名称为 *.localhost。· For trials: sandbox providers, names below localhost."`
	Code     bool   `help:"只为已有的密钥和配置重新给出首位管理员的注册码。· Only print a code for the first administrator of what is there."`
}

// Help teaches.
func (initCmd) Help() string {
	return `Makes the keys folder and a configuration file in which every key is explained, and
prints the one-time code with which the first administrator enrols. Nothing that is
there is ever overwritten.

    yunzhang init --sandbox
    yunzhang init --domain seal.example.gov.cn --operator 示例市政务服务局 --uscc 11330100002489559U \
        --data /var/lib/yunzhang --keys /etc/yunzhang/keys --config /etc/yunzhang/yunzhang.toml
    yunzhang admin enrol CODE

Then keep a copy of the keys folder in a safe: whoever has it can stamp, and without it
every seal is lost. root-ca.p8 is not needed by the server; take it offline.`
}

// Run makes keys and configuration, or refuses.
func (i initCmd) Run(e *env) error {
	path, _ := i.path(e)
	if i.Code {
		cfg, err := i.load(e)
		if err != nil {
			return err
		}
		return i.firstCode(e, cfg)
	}
	cfg, operator, err := i.plan(e)
	if err != nil {
		return err
	}
	if err := i.refuse(e, path, cfg); err != nil {
		return err
	}
	if i.Sandbox {
		cfg.Sandbox.World = filepath.Join(filepath.Dir(absolute(path)), "sandbox-world.json")
		if err := writeWorld(cfg.Sandbox.World); err != nil {
			return err
		}
	}
	file, err := configFile(cfg)
	if err != nil {
		return err
	}
	if err := app.NewSecrets(cfg.KeysDir, operator, e.now()); err != nil {
		return err
	}
	if err := writeNew(path, file); err != nil {
		return err
	}
	e.printf(e.say("密钥  %s（请立即备份到安全的地方）\n配置  %s\n", "keys           %s (put a copy in a safe place now)\nconfiguration  %s\n"), cfg.KeysDir, path)
	if i.Sandbox {
		e.printf(e.say("沙箱  %s（可登记的单位和人员）\n", "sandbox        %s (who can be enrolled)\n"), cfg.Sandbox.World)
	}
	return i.firstCode(e, cfg)
}

// plan is the configuration that was asked for.
func (i initCmd) plan(e *env) (config.Config, app.Operator, error) {
	operator := app.Operator{Name: i.Operator, USCC: i.USCC}
	c := config.Default()
	c.Listen, c.DataDir, c.KeysDir = i.Listen, absolute(i.Data), absolute(i.Keys)
	scheme, suffix := "https://", i.Domain
	if i.Sandbox {
		c.Sandbox.Enabled = true
		if i.Domain == "" {
			_, port, _ := net.SplitHostPort(i.Listen)
			scheme, suffix = "http://", "localhost:"+port
		}
		operator = sandboxOperator(operator)
	}
	if suffix == "" || operator.Name == "" || operator.USCC == "" {
		return c, operator, usageError{e.say("请给出 --domain、--operator 和 --uscc，或用 --sandbox 试用", "give --domain, --operator and --uscc, or --sandbox for a trial")}
	}
	if _, err := codes.ParseUSCC(operator.USCC); err != nil {
		return c, operator, usageError{fmt.Sprintf(e.say("--uscc %s 不正确", "--uscc %s is not a valid code"), operator.USCC)}
	}
	origin := func(name string) string { return scheme + name + "." + suffix }
	c.Sites = config.Sites{Issuer: issuerOf(suffix), App: origin("app"), Portal: origin("portal"), Verify: origin("verify"), Sockets: origin("ws")}
	if i.Sandbox {
		c.Sites.Demo = origin("ds")
	}
	if err := c.Validate(); err != nil {
		return c, operator, usageError{err.Error()}
	}
	return c, operator, nil
}

// issuerOf is the issuer of statements for a domain: the domain itself, which
// localhost alone cannot be.
func issuerOf(domain string) string {
	host, _, _ := strings.Cut(domain, ":")
	if host == "localhost" {
		return "seal.localhost"
	}
	return host
}

func sandboxOperator(given app.Operator) app.Operator {
	if given.Name == "" {
		given.Name = "云章试用运营中心"
	}
	if given.USCC == "" {
		given.USCC = "12100000000018032A"
	}
	return given
}

// refuse stops before anything is written when something is there already.
func (i initCmd) refuse(e *env, path string, c config.Config) error {
	if app.HasSecrets(c.KeysDir) {
		return fmt.Errorf(e.say("%s 里已有密钥，不会覆盖", "there are keys in %s already; they are never overwritten"), c.KeysDir)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf(e.say("配置文件 %s 已存在，不会覆盖", "the configuration %s exists already; it is not overwritten"), path)
	}
	return nil
}

// firstCode prints the code of the first administrator.
func (i initCmd) firstCode(e *env, c config.Config) (err error) {
	node, err := app.New(c, app.Options{})
	if errors.Is(err, app.ErrNoProviders) {
		e.printf("%s\n", e.say("配置好登记、实人和短信服务后，运行 yunzhang init --code 取得首位管理员的注册码。",
			"Once registry, real-person and message providers are configured, run: yunzhang init --code"))
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		if closed := node.Close(); err == nil {
			err = closed
		}
	}()
	code, err := node.Invite(e.ctx, []string{authz.RoleBusiness})
	if err != nil {
		return err
	}
	e.printf(e.say("首位管理员的一次性注册码（%d 天内有效）：\n\n    yunzhang admin enrol %s\n\n", "One-time enrolment code of the first administrator, good for %d days:\n\n    yunzhang admin enrol %s\n\n"),
		int(authz.InvitationLife.Hours()/24), code)
	return nil
}

// writeWorld writes whom the sandbox's registry and face check know: the company
// of the demonstration, and people for the operators' desks. One that is there
// is kept.
func writeWorld(path string) error {
	w := drive.World()
	w.People = append(w.People,
		app.Person{Name: "王管理", IDNumber: "110101199003070038", Phone: "13700137001"},
		app.Person{Name: "陈受理", IDNumber: "110101199003070054", Phone: "13700137002"},
		app.Person{Name: "赵审核", IDNumber: "110101199003070070", Phone: "13700137003"},
		app.Person{Name: "孙审计", IDNumber: "110101199003070097", Phone: "13700137004"})
	b, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return err
	}
	err = writeNew(path, append(b, '\n'))
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// absolute makes a folder independent of where the server is started.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// writeNew writes a file for its owner only: the configuration may hold a token.
func writeNew(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}
