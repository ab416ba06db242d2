package statement

// Summary words the revocation for who revokes.
func (r Revocation) Summary(lang string) []Line {
	s := &summary{words: in(lang)}
	what := map[string]string{
		OfDelegation: s.say("撤销授权", "Revoke a delegation"),
		OfAgent:      s.say("停止经办人", "Stop an agent"),
		OfDevice:     s.say("停用设备", "Stop a device"),
	}[r.Kind]
	s.add("事项", "Request", what)
	s.add("对象", "Subject", r.Subject.ID)
	s.org("单位", "Organization", r.Org)
	s.add("撤销人", "Person", r.Person.Name)
	s.add("原因", "Reason", r.Reason)
	s.when("时间", "At", r.IssuedAt)
	s.consequence("立即生效，尚未完成的用印不再进行；已盖印章不受影响。",
		"In force at once. Stamps not yet made are not made; those already made stay.")
	return s.lines
}

// Summary words the review for who signs it.
func (r Review) Summary(lang string) []Line {
	s := &summary{words: in(lang)}
	s.add("事项", "Act", r.Act)
	s.add("对象", "Subject", r.Subject.ID)
	s.org("单位", "Organization", r.Org)
	s.add("办理人", "Person", r.Person.Name)
	opinion := s.say("同意", "approve")
	if r.Opinion == Reject {
		opinion = s.say("不同意", "reject")
	}
	s.add("意见", "Opinion", opinion)
	s.add("说明", "Note", r.Note)
	s.when("时间", "At", r.IssuedAt)
	s.consequence("该意见以您的设备签名留存，不可否认。", "The opinion is kept under your device's signature and cannot be denied.")
	return s.lines
}

// Summary words the enrolment for the person whose device it is.
func (e Enrolment) Summary(lang string) []Line {
	s := &summary{words: in(lang)}
	s.add("事项", "Act", s.say("登记签名设备", "Enrol a signing device"))
	s.add("持有人", "Holder", e.Person.Name)
	s.add("设备类型", "Kind of device", map[string]string{
		"S": s.say("软件（演示）", "software (sandbox)"),
		"W": s.say("网页应用", "web app"),
		"N": s.say("原生应用", "native app"),
	}[e.Tier])
	s.add("身份核验", "Identity proved by", e.Evidence)
	s.when("时间", "At", e.IssuedAt)
	if !e.CoolsUntil.IsZero() {
		s.when("冷静期至", "Cools until", e.CoolsUntil)
	}
	s.consequence("该设备的签名代表本人。遗失请立即停用。",
		"Signatures of this device are the person's own. Stop it at once when it is lost.")
	return s.lines
}

// Summary words what the registry said.
func (r Representation) Summary(lang string) []Line {
	s := &summary{words: in(lang)}
	s.add("事项", "Act", s.say("法定代表人核验", "Legal representative confirmed"))
	s.org("单位", "Organization", r.Org)
	s.add("法定代表人", "Legal representative", r.Person.Name)
	s.add("来源", "Source", r.Source)
	s.when("核验时间", "Checked at", r.CheckedAt)
	s.consequence("该人可领取和授权使用本单位的印章。", "This person may claim the organization's seals and delegate them.")
	return s.lines
}
