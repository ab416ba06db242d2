package statement

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Line is one row of a summary for people.
type Line struct{ Label, Value string }

// Languages of a summary; anything but "en" is Chinese.
const (
	Chinese = "zh"
	English = "en"
)

// words says things in one language.
type words struct{ en bool }

func in(lang string) words { return words{en: lang == English} }

func (w words) say(zh, en string) string {
	if w.en {
		return en
	}
	return zh
}

// summary collects lines and leaves out the empty ones.
type summary struct {
	words
	lines []Line
}

func (s *summary) add(zh, en, value string) {
	if value != "" {
		s.lines = append(s.lines, Line{s.say(zh, en), value})
	}
}

// chinaTime is what people in the country read on their clocks (no summer
// time); a fixed zone needs no time zone files.
var chinaTime = time.FixedZone("UTC+8", 8*60*60)

func (s *summary) when(zh, en string, t time.Time) {
	s.add(zh, en, t.In(chinaTime).Format("2006-01-02 15:04:05")+s.say(" 北京时间", " UTC+8"))
}

func (s *summary) org(zh, en string, o Org) {
	if o != (Org{}) {
		s.add(zh, en, o.Name+s.say("（", " (")+o.USCC+s.say("）", ")"))
	}
}

func (s *summary) consequence(zh, en string) {
	s.add("后果", "Consequence", s.say(zh, en))
}

// Render words the approval for the person who is about to sign it: nothing but
// what the statement says, with what follows from it at the end. seals are the
// names of its seals; one that is missing is shown by its code.
func (a Approval) Render(lang string, seals []string) Display {
	if lang != English {
		lang = Chinese
	}
	s := &summary{words: in(lang)}
	s.add("事项", "Request", s.purpose(a))
	s.add("申报系统", "Application", a.App.Name)
	s.add("系统域名", "Domain", a.Origin)
	s.add("账号", "Account", a.Account)
	s.org("单位", "Organization", a.Principal)
	s.add("办理人", "Person", a.Agent.Name)
	s.add("身份", "Acting as", s.capacity(a.Delegation))
	s.add("业务编号", "Case", a.Case)
	s.seals(a, seals)
	s.documents(a, seals)
	if a.Limits != nil {
		s.add("本次后剩余次数", "Uses left after this", strconv.Itoa(a.Limits.UsesAfter))
		s.when("授权截止", "Delegation ends", a.Limits.Expires)
	}
	s.add("请求环境", "Asked from", a.Context)
	s.when("请在此之前确认", "Confirm before", a.ExpiresAt)
	s.approvalConsequence(a, seals)
	return Display{Lang: lang, Template: displayTemplate, Seals: seals, Lines: s.lines}
}

func (s *summary) purpose(a Approval) string {
	switch a.Purpose {
	case Login:
		return s.say("扫码登录", "Log in")
	case Bind:
		return s.say("绑定印章证书", "Bind the seal certificate")
	default:
		return s.say("加盖电子印章", "Stamp documents")
	}
}

func (s *summary) capacity(d Ref) string {
	if d == (Ref{}) {
		return s.say("法定代表人本人", "legal representative")
	}
	return s.say("受托经办人，授权 ", "agent under delegation ") + d.ID
}

// sealName is what people call seal i, from 0.
func sealName(a Approval, names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return a.Seals[i].ID
}

func (s *summary) seals(a Approval, names []string) {
	if a.Purpose != Stamp {
		return
	}
	for i, ref := range a.Seals {
		s.add(fmt.Sprintf("印章 %d", i+1), fmt.Sprintf("Seal %d", i+1),
			fmt.Sprintf(s.say("“%s”，编码 %s", "“%s”, code %s"), sealName(a, names, i), ref.ID))
	}
}

// documents lists the documents, or sums up a list too long for one screen.
func (s *summary) documents(a Approval, names []string) {
	pages := 0
	for i, d := range a.Docs {
		seal := max(d.Seal, 1) - 1
		if seal >= len(a.Seals) {
			continue // never in a statement that was built or read here
		}
		if pages += d.Pages; a.Listed() {
			continue
		}
		s.add(fmt.Sprintf("文件 %d", i+1), fmt.Sprintf("Document %d", i+1), fmt.Sprintf(
			s.say("%s，共 %d 页；“%s”盖于第 %d 页，距左 %.1f 毫米、距上 %.1f 毫米，%.1f×%.1f 毫米",
				"%s, %d pages; “%s” on page %d, %.1f mm from the left, %.1f mm from the top, %.1f×%.1f mm"),
			d.Title, d.Pages, sealName(a, names, seal), d.Place.Page, d.Place.X, d.Place.Y, d.Place.W, d.Place.H))
	}
	switch {
	case a.Listed() && len(a.Docs) == 0: // the list is not at hand
		s.add("文件", "Documents", fmt.Sprintf(s.say("共 %d 份，逐份列在清单中", "%d documents, each in the list"), a.Total()))
	case a.Listed():
		s.add("文件", "Documents", fmt.Sprintf(s.say("共 %d 份、%d 页，逐份列在清单中，可搜索、可打开",
			"%d documents, %d pages in all; each is in the list, which can be searched and opened"), a.Total(), pages))
	}
}

// quoted names all seals of the approval in one phrase.
func (s *summary) quoted(a Approval, names []string) string {
	all := make([]string, len(a.Seals))
	for i := range a.Seals {
		all[i] = "“" + sealName(a, names, i) + "”"
	}
	return strings.Join(all, s.say("、", ", "))
}

func (s *summary) approvalConsequence(a Approval, names []string) {
	switch {
	case a.Decision == Reject:
		s.consequence("确认后，该请求被拒绝，不会产生任何效力。", "The request is refused and has no effect.")
	case a.Purpose == Login:
		s.consequence("同意后，正在显示二维码的页面将以该账号登录。如果不是您本人打开的页面，请拒绝。",
			"If you approve, the page that shows the code is logged in to this account. If you did not open that page yourself, refuse.")
	case a.Purpose == Bind:
		s.consequence("同意后，该账号与单位的印章证书绑定，可用于登录和申请用印。如果不是您本人的账号，请拒绝。",
			"If you approve, this account is bound to the organization's seal certificate and can log in and ask for stamps. If it is not your account, refuse.")
	default:
		s.consequence(
			fmt.Sprintf("同意后，平台将用%s在 %d 份文件上盖章，盖章后与实物印章具有同等法律效力，由单位承担后果，不能撤回。如果不是您本人发起，请拒绝。",
				s.quoted(a, names), a.Total()),
			fmt.Sprintf("If you approve, %s goes on %s. A stamp has the legal effect of the physical seal, binds the organization and cannot be taken back. If you did not start this, refuse.",
				s.quoted(a, names), documents(a.Total())))
	}
}

// documents counts in English.
func documents(n int) string {
	if n == 1 {
		return "1 document"
	}
	return strconv.Itoa(n) + " documents"
}

// Summary words the delegation for the legal representative.
func (d Delegation) Summary(lang string) []Line {
	s := &summary{words: in(lang)}
	s.add("事项", "Request", s.say("授权经办人", "Delegate to an agent"))
	s.org("单位", "Organization", d.Org)
	s.add("法定代表人", "Legal representative", d.Grantor.Name)
	s.add("经办人", "Agent", d.Agent.Name)
	s.add("申报系统", "Application", d.App.Name)
	s.add("可办理", "Actions", s.actions(d.Actions))
	s.add("印章", "Seals", refs(d.Seals))
	s.when("开始", "From", d.NotBefore)
	s.when("截止", "Until", d.NotAfter)
	if d.Max > 0 {
		s.add("用印次数", "Stamps in all", strconv.Itoa(d.Max))
	}
	if d.SecondFrom > 0 {
		s.add("须他人复核", "Second person", fmt.Sprintf(s.say("一次 %d 份以上", "from %d documents at once"), d.SecondFrom))
	}
	if d.allows(Stamp) {
		s.consequence(
			fmt.Sprintf("签署后立即生效：该经办人可在上述系统中使用上述印章，最多 %d 次，后果由单位承担。您可随时撤销。", d.Max),
			fmt.Sprintf("In force at once: this agent may use these seals in this application, at most %d times, and the organization answers for it. You can revoke it at any time.", d.Max))
	} else {
		s.consequence("签署后立即生效：该经办人可代表单位办理上述事项，不能用印。您可随时撤销。",
			"In force at once: this agent may do the above for the organization but not stamp. You can revoke it at any time.")
	}
	return s.lines
}

func (s *summary) actions(actions []string) string {
	named := make([]string, len(actions))
	for i, a := range actions {
		switch a {
		case Bind:
			named[i] = s.say("绑定证书", "bind")
		case Login:
			named[i] = s.say("登录", "log in")
		case Second:
			named[i] = s.say("复核他人用印", "approve as second person")
		case Stamp:
			named[i] = s.say("用印", "stamp")
		}
	}
	return strings.Join(named, s.say("、", ", "))
}

func refs(list []Ref) string {
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = r.ID
	}
	return strings.Join(ids, ", ")
}
