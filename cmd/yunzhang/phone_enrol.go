package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/mobileapi/client"
)

// applicantFlags are who enrols; what is missing is asked for.
type applicantFlags struct {
	Name   string `help:"姓名。· Name." placeholder:"NAME"`
	ID     string `name:"id" help:"公民身份号码。· Citizen ID number." placeholder:"NUMBER"`
	Mobile string `help:"手机号码，接收验证码。· Mobile number that receives the code." placeholder:"NUMBER"`
	Device string `help:"这部手机的名字。· Name of this phone." default:"命令行手机" placeholder:"NAME"`
	Outbox string `help:"沙箱：从这个文件读验证码。· Sandbox: read the codes from its outbox file." type:"path" placeholder:"FILE"`
}

type enrolCmd struct {
	Kind string `arg:"" enum:"legal,agent,device" help:"legal 法定代表人，agent 经办人，device 本人的另一部手机。· legal, agent, or a further device of a known person."`
	USCC string `name:"uscc" help:"单位的统一社会信用代码。· USCC of the organization." placeholder:"CODE"`
	Lost bool   `help:"原有手机丢失：登记后原有设备全部停用。· The former phones are lost: they end."`
	// Passkey: every signature carries a second one from then on.
	Passkey bool `help:"同时登记一个通行密钥：以后每次签名都是双签名。· Enrol a passkey too: every signature is two from then on."`
	applicantFlags
}

// Run enrols the phone.
func (c enrolCmd) Run(e *env, cli *commands) error {
	if err := c.prepare(e, &cli.Phone.phoneFlags); err != nil {
		return err
	}
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	if c.USCC == "" && c.Kind != "device" {
		if c.USCC, err = e.ask(e.say("统一社会信用代码：", "USCC: ")); err != nil {
			return err
		}
	}
	org, err := h.enrol(client.Applicant{Kind: c.Kind, USCC: c.USCC, Lost: c.Lost}, c.applicantFlags)
	if err != nil {
		return err
	}
	e.printf(e.say("已登记：人员 %s，设备 %s\n", "enrolled: person %s, device %s\n"), h.Person(), h.Phone.Device())
	if org != "" && c.Kind == "agent" {
		e.printf("%s\n", e.say("等待法定代表人审核：yunzhang phone agents approve", "now the legal representative approves: yunzhang phone agents approve"))
	}
	return nil
}

// prepare makes the passkey of a folder that holds no device, before it is
// opened.
func (c enrolCmd) prepare(e *env, f *phoneFlags) error {
	if !c.Passkey {
		return nil
	}
	if _, err := os.Stat(filepath.Join(f.Dir, heldDevice)); err == nil {
		return client.ErrEnrolled
	}
	if err := f.settle(e); err != nil {
		return err
	}
	return f.makePasskey()
}

// heldDevice is in a folder that holds a device.
const heldDevice = "phone.json"

// complete asks for what was not given.
func (f *applicantFlags) complete(e *env) (err error) {
	for _, q := range []struct {
		into   *string
		zh, en string
	}{{&f.Name, "姓名：", "Name: "}, {&f.ID, "公民身份号码：", "Citizen ID number: "}, {&f.Mobile, "手机号码：", "Mobile number: "}} {
		if *q.into == "" {
			if *q.into, err = e.ask(e.say(q.zh, q.en)); err != nil {
				return err
			}
		}
	}
	return nil
}

// enrol sends the codes on their way and finishes with what the person says.
func (h *handset) enrol(a client.Applicant, f applicantFlags) (organization string, err error) {
	if err := f.complete(h.env); err != nil {
		return "", err
	}
	a.Name, a.IDNumber, a.Phone, a.DeviceName = f.Name, f.ID, f.Mobile, f.Device
	began, err := h.BeginEnrol(h.ctx, a)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(h.err, h.say("实人认证：%s\n", "Show your face: %s\n"), began.FaceURL)
	codes, err := h.codes(a, f.Outbox)
	if err != nil {
		return "", err
	}
	if organization, err = h.finishEnrol(began, codes); err != nil {
		return "", err
	}
	return organization, h.flags.keep()
}

// finishEnrol ends the registration. On a terminal a mistyped code, a weak PIN
// or an unfinished face check can be mended.
func (h *handset) finishEnrol(began *client.Enrolment, c client.Codes) (organization string, err error) {
	for {
		organization, err = began.Finish(h.ctx, c)
		if err == nil || h.tty == nil {
			return organization, err
		}
		fmt.Fprintln(h.err, h.words(err))
		switch {
		case errors.Is(err, fault.CodeWrong):
			c.Phone, err = h.ask(h.say("短信验证码：", "Code from the SMS: "))
		case errors.Is(err, fault.PINWeak):
			c.PIN, err = h.newPIN(h.flags.PINFile)
		case errors.Is(err, fault.RealPersonFails):
			_, err = h.ask(h.say("完成实人认证后按回车：", "Press Enter when the face check is done: "))
		default:
			return "", err
		}
		if err != nil {
			return "", err
		}
	}
}

// codes are what the person has to say at the end.
func (h *handset) codes(a client.Applicant, outbox string) (c client.Codes, err error) {
	if c.Phone, err = h.code(outbox, notify.PhoneCode, a.Phone, "短信验证码：", "Code from the SMS: "); err != nil {
		return c, err
	}
	if a.Kind == "agent" {
		c.Authorization, err = h.code(outbox, notify.AuthorizeAgent, "", "法定代表人转告的授权码：", "Code from the legal representative: ")
		if err != nil {
			return c, err
		}
	}
	c.PIN, err = h.newPIN(h.flags.PINFile)
	return c, err
}

// code gives a one-time code: from the sandbox's outbox, else from the person.
func (e *env) code(outbox string, t notify.Template, to, zh, en string) (string, error) {
	if outbox == "" {
		return e.ask(e.say(zh, en))
	}
	return lastCode(outbox, t, to)
}

// newPIN asks for a new PIN, twice where typing cannot be seen.
func (e *env) newPIN(file string) (string, error) {
	if file != "" || e.tty == nil {
		return e.pin(file)
	}
	for {
		first, err := e.secret(e.say("设置签名密码（至少 8 位，含字母和数字）：", "New PIN (8 characters or more, letters and digits): "))
		if err != nil {
			return "", err
		}
		again, err := e.secret(e.say("再输入一次：", "Again: "))
		if err != nil || first == again {
			return first, err
		}
		fmt.Fprintln(e.err, e.say("两次不一致", "they differ"))
	}
}

// lastCode finds the newest code in the sandbox's outbox file, sent to a number,
// or to anybody with "".
func lastCode(file string, t notify.Template, to string) (code string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var m notify.Sent
		if json.Unmarshal(lines.Bytes(), &m) == nil && m.Template == t && (to == "" || strings.HasSuffix(m.To, to)) {
			code = m.Params["code"]
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	if code == "" {
		return "", fmt.Errorf("%s: no code %q", file, t)
	}
	return code, nil
}

type pinCmd struct{}

// Run sets a new PIN with fresh evidence of the person.
func (pinCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	session, err := h.faceSession("unlock")
	if err != nil {
		return err
	}
	pin, err := h.newPIN(h.flags.PINFile)
	if err != nil {
		return err
	}
	return h.ResetPIN(h.ctx, session, pin)
}

type meCmd struct{}

// Run shows the person, his places and devices.
func (meCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	me, err := h.Phone.Me(h.ctx)
	if err != nil {
		return err
	}
	e.printf("%s  %s  %s  %s\n", me.Name, me.IDNumber, me.Phone, me.PersonID)
	for _, p := range me.Places {
		e.printf("  %s  %s  %s %s\n", p.USCC, p.Organization, p.Role, p.State)
	}
	for _, d := range me.Devices {
		mark := " "
		if d.Current {
			mark = "*"
		}
		e.printf("%s %s  %s  %s", mark, d.DeviceID, d.Name, d.State)
		if !d.CoolUntil.IsZero() {
			e.printf("  %s %s", e.say("冷静期至", "cools until"), e.when(d.CoolUntil))
		}
		e.printf("\n")
	}
	if len(me.Roles) > 0 {
		e.printf("%s %s\n", e.say("岗位：", "roles:"), strings.Join(me.Roles, " "))
	}
	return nil
}
