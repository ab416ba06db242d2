// Package notify tells people things: codes and notices by SMS. It owns the
// texts and a sandbox outbox; what is told to whom is decided elsewhere.
package notify

import (
	"context"
	"fmt"
	"strings"
	"unicode"
)

// Template names a text.
type Template string

// The texts.
const (
	PhoneCode      Template = "phone-code"      // proves that a phone is the applicant's
	AuthorizeAgent Template = "authorize-agent" // the legal representative passes this one on
	DeviceEnrolled Template = "device-enrolled"
	DeviceLost     Template = "device-lost" // all former devices of somebody were ended
	AgentApplied   Template = "agent-applied"
	AgentApproved  Template = "agent-approved"
	Delegated      Template = "delegated"
	SealIssued     Template = "seal-issued"
	Stamped        Template = "stamped"
	Bound          Template = "bound"
	LoggedIn       Template = "logged-in"
	SecondAsked    Template = "second-asked"
	Reported       Template = "reported" // somebody says that he did not start a request
)

// Templates lists all texts.
func Templates() []Template {
	return []Template{
		PhoneCode, AuthorizeAgent, DeviceEnrolled, DeviceLost, AgentApplied, AgentApproved, Delegated, SealIssued, Stamped, Bound,
		LoggedIn, SecondAsked, Reported,
	}
}

// Message is one message to one phone. Params hold masked names and codes; a
// message is never logged, and prints without them.
type Message struct {
	To       string // mobile number
	Template Template
	Params   map[string]string
}

// String hides number and values.
func (m Message) String() string { return "[message " + string(m.Template) + "]" }

// Sender delivers messages. An error means that it was surely not accepted for
// delivery.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// texts are the Chinese texts with {param} places; the English ones follow in
// the same message for phones abroad.
func texts() map[Template][2]string {
	return map[Template][2]string{
		PhoneCode: {"【云章】验证码 {code}，5 分钟内有效，仅用于登记本人手机。切勿告诉任何人，工作人员不会索取。",
			"Code {code}, valid 5 minutes, for enrolling your own phone. Never tell anyone."},
		AuthorizeAgent: {"【云章】{name} 申请成为贵单位经办人，授权码 {code}，15 分钟内有效。同意请将授权码转告本人；不认识此人请勿转告。",
			"{name} asks to become an agent of your organization. Pass on code {code} only if you agree."},
		DeviceEnrolled: {"【云章】{name}，设备“{device}”已登记到您名下。非本人操作请立即在原设备上停用。",
			"Device \"{device}\" was enrolled in your name. If that was not you, revoke it at once."},
		DeviceLost: {"【云章】{name} 报告手机丢失，原有设备已全部停用，新设备“{device}”处于冷静期。非本人操作请立即联系。",
			"{name} reported a lost phone: all former devices were ended, the new one, \"{device}\", waits. If that is wrong, call at once."},
		AgentApplied:  {"【云章】{name} 申请成为贵单位经办人，请在手机上审核。", "{name} asks to become an agent of your organization."},
		AgentApproved: {"【云章】您已成为 {org} 的经办人。", "You are now an agent of {org}."},
		Delegated:     {"【云章】{org} 授权您在 {app} 使用印章，有效期至 {until}。", "{org} delegated its seal to you in {app} until {until}."},
		SealIssued:    {"【云章】{org} 的电子印章已制发，编码 {code}。", "The seal of {org} was issued: {code}."},
		Stamped:       {"【云章】{name} 在 {app} 使用 {org} 印章盖章 {count} 份。非授权请立即冻结印章。", "{name} stamped {count} document(s) in {app} with the seal of {org}."},
		Bound: {"【云章】{name} 将 {app} 账号 {account} 绑定到 {org} 的证书。非本人操作请在手机上点“不是我发起的”。",
			"{name} bound account {account} of {app} to {org}. If you did not start this, say so on your phone."},
		LoggedIn: {"【云章】{name} 扫码登录 {app} 账号 {account}。非本人操作请在手机上点“不是我发起的”。",
			"{name} logged in to account {account} of {app}. If you did not start this, say so on your phone."},
		SecondAsked: {"【云章】{name} 在 {app} 申请使用 {org} 印章盖章 {count} 份，需要您复核，请在手机上处理。",
			"{name} approved {count} stamp(s) in {app} with the seal of {org}. A second person is needed: look at your phone."},
		Reported: {"【云章】{name} 报告：{app} 中代表 {org} 的请求不是本人发起，已阻止，请检查账号和授权。",
			"{name} did not start a request in {app} for {org}. It was stopped. Look at accounts and delegations."},
	}
}

// maxParam bounds a value in a text, in characters: an SMS has 70 in each part.
const maxParam = 60

// domainParam, where a message brings it, adds the line by which browsers offer
// a code on that domain only (the origin-bound form of one-time codes).
const domainParam = "domain"

// Text renders a message: Chinese first, English after it. Values go in as they
// are, without control characters; what they say is never read as a place.
func Text(m Message) (string, error) {
	t, ok := texts()[m.Template]
	if !ok {
		return "", fmt.Errorf("notify: no text %q", m.Template)
	}
	both := t[0] + " " + t[1]
	for _, place := range places(both) {
		if m.Params[place] == "" {
			return "", fmt.Errorf("notify: the place %q of %q was not filled", place, m.Template)
		}
	}
	var pairs []string
	for k, v := range m.Params {
		pairs = append(pairs, "{"+k+"}", plain(v))
	}
	both = strings.NewReplacer(pairs...).Replace(both)
	if domain := m.Params[domainParam]; domain != "" && m.Params["code"] != "" {
		both += "\n@" + plain(domain) + " #" + plain(m.Params["code"])
	}
	return both, nil
}

// places lists the {names} of a text.
func places(text string) []string {
	var names []string
	for _, part := range strings.Split(text, "{")[1:] {
		name, _, _ := strings.Cut(part, "}")
		names = append(names, name)
	}
	return names
}

func plain(v string) string {
	v = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, v)
	if r := []rune(v); len(r) > maxParam {
		return string(r[:maxParam]) + "…"
	}
	return v
}
