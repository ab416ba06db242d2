package main

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/console"
)

type adminAppsCmd struct {
	List     adminAppsListCmd     `cmd:"" default:"1" help:"列出。· List them."`
	Register adminAppsRegisterCmd `cmd:"" help:"登记。· Register one."`
	Stop     adminAppsStopCmd     `cmd:"" help:"立即停用：未完成的请求全部终止，不再盖章。· Stop one at once: open requests end, nothing of it is stamped."`
	Restore  adminAppsRestoreCmd  `cmd:"" help:"恢复使用。· Let a stopped one go on."`
}

type adminAppsListCmd struct{}

// Run lists the declaration systems.
func (adminAppsListCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	var list []console.System
	if err := o.get("/v1/console/apps", &list); err != nil {
		return err
	}
	for _, a := range list {
		e.printf("%s  %s  %s  %s  %s\n", a.ID, a.State, a.Name, strings.Join(a.Actions, ","), strings.Join(a.Origins, " "))
		if a.Stopped != "" {
			e.printf("  %s %s\n", e.say("停用原因：", "stopped for:"), a.Stopped)
		}
	}
	return nil
}

type adminAppsStopCmd struct {
	ID     string `arg:"" help:"申报系统编号。· Id of the declaration system."`
	Reason string `help:"原因。· Reason." required:"" placeholder:"TEXT"`
}

// Run is the kill switch. When it returns, it is done on every node.
func (c adminAppsStopCmd) Run(e *env, cli *commands) error {
	return turnApp(e, cli, console.Order{Act: console.ActStop, SystemID: c.ID, Reason: c.Reason}, e.say("已停用", "stopped"))
}

type adminAppsRestoreCmd struct {
	ID     string `arg:"" help:"申报系统编号。· Id of the declaration system."`
	Reason string `help:"原因。· Reason." required:"" placeholder:"TEXT"`
}

// Run lets a stopped declaration system go on.
func (c adminAppsRestoreCmd) Run(e *env, cli *commands) error {
	return turnApp(e, cli, console.Order{Act: console.ActRestore, SystemID: c.ID, Reason: c.Reason}, e.say("已恢复", "restored"))
}

func turnApp(e *env, cli *commands, order console.Order, done string) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	if _, err := o.order(order); err != nil {
		return err
	}
	e.printf("%s  %s\n", order.SystemID, done)
	return nil
}

type adminAppsRegisterCmd struct {
	Name    string   `help:"名称。· Name." required:"" placeholder:"NAME"`
	Origin  []string `help:"网页来源，https://host，可多次给出。· Origins of its pages." required:"" placeholder:"URL"`
	Actions []string `name:"action" help:"bind、login、stamp。· What it may ask for." enum:"bind,login,stamp" default:"bind,login,stamp" placeholder:"ACTION"`
	Kinds   []string `name:"seal-kind" help:"可用的印章类型。· Kinds of seals it stamps with." default:"statutory" placeholder:"KIND"`
	Key     string   `help:"请求签名公钥（SM2，PEM 或 DER）。· Public request key, PEM or DER." type:"path" placeholder:"FILE" xor:"key" required:""`
	NewKey  string   `name:"new-key" help:"新生成密钥，私钥写入该文件。· Make a key; the private one goes into this file." type:"path" placeholder:"FILE" xor:"key" required:""`
}

// Run registers a declaration system.
func (c adminAppsRegisterCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	public, err := c.key()
	if err != nil {
		return err
	}
	out, err := o.order(console.Order{Act: console.ActRegister, System: &console.NewSystem{
		Name: c.Name, Origins: c.Origin, Actions: c.Actions, SealKinds: c.Kinds, Key: base64.RawURLEncoding.EncodeToString(public),
	}})
	if err != nil {
		return err
	}
	e.printf(e.say("申报系统 %s，密钥标识 %s\n", "declaration system %s, key id %s\n"), out.System.ID, out.System.Key)
	return nil
}

// key gives the public key of the system, made now or brought along.
func (c adminAppsRegisterCmd) key() ([]byte, error) {
	if c.NewKey != "" {
		k, err := gm.GenerateKey()
		if err != nil {
			return nil, err
		}
		return k.Public().SPKI(), writeNew(c.NewKey, k.PKCS8())
	}
	b, err := os.ReadFile(c.Key)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(b); block != nil {
		b = block.Bytes
	}
	if _, err := gm.ParsePublicKey(b); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Key, err)
	}
	return b, nil
}
