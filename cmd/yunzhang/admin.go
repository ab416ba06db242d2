package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/web/console"
)

type adminCmd struct {
	configFlag
	Socket  string `help:"服务器的 unix 套接字，缺省由配置得出。· Unix socket of the server; by default that of the configuration." type:"path" placeholder:"FILE"`
	Dir     string `help:"操作员设备的目录。· Folder of the operator's device." default:"~/.yunzhang-operator" type:"path" placeholder:"DIR"`
	PINFile string `name:"pin-file" help:"从文件读签名密码，供脚本使用。· Read the PIN from a file, for scripts." type:"path" placeholder:"FILE"`

	Enrol        adminEnrolCmd        `cmd:"" help:"用一次性注册码登记操作员。· Enrol an operator with a one-time code."`
	Status       adminStatusCmd       `cmd:"" help:"我的岗位和待办。· My roles, and what waits."`
	Applications adminApplicationsCmd `cmd:"" help:"印章申请。· Applications for seals."`
	Show         adminShowCmd         `cmd:"" help:"查看一份申请，可保存图片。· One application; save its pictures."`
	Accept       adminAcceptCmd       `cmd:"" help:"受理员：受理。· Clerk: accept an application."`
	Review       adminReviewCmd       `cmd:"" help:"审核员：审核通过，随即制发。· Reviewer: approve it; the seal is issued."`
	Reject       adminRejectCmd       `cmd:"" help:"不予受理或不通过，一次告知全部问题。· Reject it, with all that has to be mended."`
	Invite       adminInviteCmd       `cmd:"" help:"业务管理员：邀请操作员。· Business administrator: invite an operator."`
	Apps         adminAppsCmd         `cmd:"" help:"申报系统：列出、登记、停用、恢复。· Declaration systems: list, register, stop, restore."`
	UnlockDevice adminUnlockCmd       `cmd:"" help:"业务管理员：核查后解锁设备。· Business administrator: unlock a device after a review."`
	Alarms       adminAlarmsCmd       `cmd:"" help:"需要查看的告警，最新在前。· What somebody should look at, newest first."`
	Audit        adminAuditCmd        `cmd:"" help:"审计管理员：核验审计链。· Auditor: verify the audit chain."`
}

// Help teaches.
func (adminCmd) Help() string {
	return `Talks to a running server through its unix socket. Everything that changes something
is shown first and then signed with the operator's key, behind his PIN.

    yunzhang init --sandbox                   prints the first administrator's code
    yunzhang admin enrol CODE --name 王管理 --id 110101199003070038 --mobile 13700137001
    yunzhang admin invite clerk               prints the code for a clerk
    yunzhang admin --dir ./clerk enrol CODE
    yunzhang admin --dir ./clerk applications
    yunzhang admin --dir ./clerk accept ap_…
    yunzhang admin apps register --name 网上申报 --origin https://declare.example.cn --new-key declare.p8`
}

// open opens the operator's device.
func (a adminCmd) open(e *env) (*operator, error) {
	if a.Socket == "" {
		cfg, err := a.load(e)
		if err != nil {
			return nil, err
		}
		a.Socket = socketOf(cfg)
	}
	return openOperator(e, a.Dir, a.Socket, a.PINFile)
}

// socketOf is where a server listens for operators.
func socketOf(c config.Config) string {
	if c.AdminSocket != "" {
		return c.AdminSocket
	}
	return filepath.Join(c.DataDir, "admin.sock")
}

type adminEnrolCmd struct {
	Code string `arg:"" help:"一次性注册码。· One-time enrolment code."`
	applicantFlags
}

// Run enrols the operator.
func (c adminEnrolCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	if err := o.enrol(c.Code, c.applicantFlags); err != nil {
		return err
	}
	e.printf(e.say("已登记：人员 %s，设备 %s，保存在 %s\n", "enrolled: person %s, device %s, kept in %s\n"), o.id.Person, o.id.Device, o.dir)
	return nil
}

type adminStatusCmd struct{}

// Run tells who one is and what waits.
func (adminStatusCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	var s console.Status
	if err := o.get("/v1/console/status", &s); err != nil {
		return err
	}
	e.printf("%s  %s  %s\n", s.Name, strings.Join(s.Roles, " "), s.Person)
	e.printf(e.say("待受理 %d，待审核 %d\n服务版本 %s\n", "to accept %d, to review %d\nserver %s\n"), s.Waiting, s.Accepted, s.Version)
	return nil
}

type adminInviteCmd struct {
	Roles []string `arg:"" enum:"clerk,reviewer,business,auditor" help:"岗位：clerk 受理员、reviewer 审核员、business 业务管理员、auditor 审计管理员。· Roles."`
}

// Run invites an operator and prints his code.
func (c adminInviteCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	out, err := o.order(console.Order{Act: console.ActInvite, Roles: c.Roles})
	if err != nil {
		return err
	}
	e.printf("%s\n", out.Invitation)
	return nil
}

type adminAlarmsCmd struct{}

// Run lists the alarms.
func (adminAlarmsCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	var list []console.Alarm
	if err := o.get("/v1/console/alarms", &list); err != nil {
		return err
	}
	for _, a := range list {
		e.printf("%s  %s  %s  %s  %s\n", e.when(a.At), a.Action, a.Object, a.Actor, a.Detail)
	}
	return nil
}

type adminAuditCmd struct {
	Verify adminAuditVerifyCmd `cmd:"" help:"核验整条链。· Walk the whole chain."`
}

type adminAuditVerifyCmd struct{}

var errChain = errors.New("the audit chain is broken")

// Run walks the audit chain.
func (adminAuditVerifyCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	var c console.Chain
	if err := o.post("/v1/console/audit/verify", nil, &c); err != nil {
		return err
	}
	e.printf("%s %s  %d  %s\n", sign(c.Holds), c.Chain, c.Seq, c.Hash.Hex())
	if !c.Holds {
		return fmt.Errorf("%w: %d, %s", errChain, c.Broken, c.Reason)
	}
	return nil
}

type adminUnlockCmd struct {
	ID     string `arg:"" help:"设备编号 (dv_…)，见告警。· Id of the device, from the alarm."`
	Reason string `help:"核查结果。· What the review found." required:"" placeholder:"TEXT"`
}

// Run unlocks a device.
func (c adminUnlockCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	if _, err := o.order(console.Order{Act: console.ActUnlock, DeviceID: c.ID, Reason: c.Reason}); err != nil {
		return err
	}
	e.printf("%s  %s\n", c.ID, e.say("已解锁", "unlocked"))
	return nil
}
