package mobileapi

import (
	"strings"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// The examples of the document are one small world: a legal representative, his
// agent, their organization and its seal. They are what the tests hold the wire
// types against, too.
const (
	exampleUSCC     = "91350100M000100Y43"
	exampleOrg      = "示例科技有限公司"
	examplePIN      = "yunzhang2026"
	exampleFace     = "https://face.example.gov.cn/s/7f3a"
	exampleSealCode = "35010000000017"
	exampleCursor   = "1795399200000.au_" + exampleTail
	exampleKey      = "k7Q2m0vXw4Rj9sTzB1cD5eFghJ"
	exampleTail     = "ae3fq2mxk5c7h4pt6wzynrbdlo"
	exampleHost     = "seal.example.gov.cn"
)

func exampleID(prefix string) string { return prefix + "_" + exampleTail }

func exampleTime() time.Time { return time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC) }

// exampleBytes are n bytes that look like nothing.
func exampleBytes(n int) Bytes {
	d := gm.SM3([]byte("example"))
	b := make(Bytes, n)
	for i := range b {
		b[i] = d[i%len(d)] ^ byte(i)
	}
	return b
}

func exampleDigest(of string) gm.Digest { return gm.SM3([]byte(of)) }

func exampleNonceText() string { return encoding.EncodeToString(exampleBytes(40)) }

func exampleNonce() Nonce { return Nonce{Nonce: exampleNonceText()} }

func exampleEnrolmentRequest() EnrolmentRequest {
	return EnrolmentRequest{
		Kind: "legal", USCC: exampleUSCC,
		Applicant: Applicant{Name: "张三", IDNumber: "11010519491231002X", Phone: "13800138000"},
		Device:    NewDevice{Name: "我的手机", Tier: "W", Key: exampleBytes(91), RequestKey: exampleBytes(91)[1:]},
	}
}

func exampleEnrolmentBegun() EnrolmentBegun {
	return EnrolmentBegun{EnrolmentID: exampleID("en"), FaceURL: exampleFace}
}

func exampleEnrolmentFinish() EnrolmentFinish {
	return EnrolmentFinish{PhoneCode: "482913", PIN: examplePIN, KeyProof: exampleBytes(71), RequestProof: exampleBytes(70)}
}

func exampleEnrolled() Enrolled {
	cool := exampleTime().Add(24 * time.Hour)
	return Enrolled{
		PersonID: exampleID("us"), DeviceID: exampleID("dv"), OrganizationID: exampleID("og"), Share: exampleBytes(32),
		Enrolment: SignedStatement{Statement: exampleEnrolmentStatement(), Signature: exampleBytes(71)}, CoolUntil: &cool,
	}
}

func exampleMe() Me {
	return Me{
		PersonID: exampleID("us"), Name: "张三", IDNumber: codes.MaskID("11010519491231002X"), Phone: codes.MaskPhone("13800138000"),
		RealAt: exampleTime(), DeviceID: exampleID("dv"), Places: []Place{examplePlace("legal")}, Devices: []Device{exampleDevice()},
		Roles: []string{authz.RoleClerk},
	}
}

func examplePlace(role string) Place {
	p := Place{
		MembershipID: authz.MembershipID(exampleID("og"), exampleID("us")), OrganizationID: exampleID("og"), USCC: exampleUSCC,
		Organization: exampleOrg, PersonID: exampleID("us"), Person: "张三", Role: role, State: "active", Since: exampleTime(),
	}
	if role == string(authz.Agent) {
		p.Person = "李四"
	}
	return p
}

func exampleDevice() Device {
	cool := exampleTime().Add(24 * time.Hour)
	return Device{
		DeviceID: exampleID("dv"), Name: "我的手机", Tier: "W", State: "active", KeyHash: exampleDigest("key").Hex(), Passkey: true,
		Current: true, CoolUntil: &cool, CreatedAt: exampleTime(),
	}
}

func exampleDelegation() Delegation {
	d := exampleDelegationFields()
	return Delegation{
		DelegationID: d.ID, OrganizationID: exampleID("og"), USCC: d.Org.USCC, Organization: d.Org.Name, AgentID: d.Agent.ID,
		Agent: d.Agent.Name, Grantor: d.Grantor.Name, AppID: d.App.ID, App: d.App.Name, Actions: d.Actions,
		Seals: []string{exampleSealCode}, NotBefore: d.NotBefore, NotAfter: d.NotAfter, Max: d.Max, Left: 17, State: "active",
		StatementSM3: digest(exampleStatement(authz.ActDelegation)), CreatedAt: d.IssuedAt,
	}
}

func exampleDelegationRequest() DelegationRequest {
	d := exampleDelegationFields()
	return DelegationRequest{
		AgentID: d.Agent.ID, AppID: d.App.ID, Actions: d.Actions, Seals: []string{exampleSealCode}, NotAfter: d.NotAfter, Max: d.Max,
	}
}

func exampleActivity() ActivityEntry {
	return ActivityEntry{
		At: exampleTime(), Action: "delegation", Object: exampleID("dg"), Org: exampleID("og"), Decision: "done",
	}
}

func exampleJoined() Joined {
	org := exampleID("og")
	return Joined{OrganizationID: org, MembershipID: authz.MembershipID(org, exampleID("us")), State: "pending"}
}

func exampleUse() RegisterEntry {
	stamped := Hash(exampleDigest("stamped"))
	return RegisterEntry{
		At: exampleTime(), SealCode: exampleSealCode, AppID: exampleID("app"), App: "社保网报", PersonID: exampleID("us"),
		Person: "李四", Delegation: exampleID("dg"), Slot: 3, Ticket: exampleID("tk"), Case: "2026-0417", Title: "参保人员增减表.pdf",
		Original: Hash(exampleDigest("original")), Stamped: &stamped, State: "done",
	}
}

func exampleSeal(picture bool) Seal {
	s := Seal{
		Code: exampleSealCode, USCC: exampleUSCC, Kind: "statutory", KindName: "单位公章", Name: exampleOrg, State: "usable",
		StateName: "正常", Usable: true, Delegable: true, SM3: Hash(exampleDigest("seal")), ValidFrom: exampleTime(),
		ValidTo: exampleTime().AddDate(3, 0, 0),
	}
	if picture {
		s.Picture = examplePicture()
	}
	return s
}

func examplePicture() *SealPicture {
	return &SealPicture{PNG: Bytes("\x89PNG\r\n\x1a\n"), SVG: Bytes("<svg/>"), Width: 40, Height: 40}
}

func exampleImpression() FiledImpression {
	return FiledImpression{
		Kind: "statutory", KindName: "单位公章", Filed: true, Claimable: true, Upload: true, Picture: examplePicture(),
	}
}

func exampleApp() AppEntry {
	return AppEntry{
		AppID: exampleID("app"), Name: "社保网报", Origins: []string{"https://declare.example.gov.cn"},
		Actions: []string{"bind", "login", "stamp"}, SealKinds: []string{"statutory"},
	}
}

func exampleAgreement() AgreementText {
	text := "电子印章使用服务协议\n……"
	return AgreementText{AgreementID: "agreement-2026-11", Text: text, SM3: digest([]byte(text))}
}

func exampleResult() ActResult {
	by := exampleTime().AddDate(0, 0, 5)
	return ActResult{
		ActID: exampleID("ac"), Kind: ActClaimSeal, Done: true, SubjectKind: "application", SubjectID: exampleID("ap"),
		Application: &SealApplication{
			ApplicationID: exampleID("ap"), State: "waiting", DecideBy: &by,
			Defects: []ClaimDefect{{Code: "name-differs", Text: "备案印章名称与登记名称不一致"}},
		},
	}
}

func exampleDraft(kind string) Draft {
	b := exampleStatement(kind)
	lines, _ := summary(kind, b, statement.Chinese) // a test holds that no example is empty
	return Draft{
		ActID: exampleID("ac"), Kind: kind, Statement: b, StatementSM3: digest(b), Summary: lines,
		ExpiresAt: exampleTime().Add(10 * time.Minute),
	}
}

func exampleScanRequest() ScanRequest {
	return ScanRequest{Handle: "oKGio6SlpqeoqaqrrK2urw", N: 1, MAC: "1n6zGpZ00lLqk4vq"}
}

func exampleScan() ScanClaim {
	s, _ := scanOf(&Scan{ID: exampleID("cl"), Head: exampleHead(), Display: exampleDisplay(), DecideBy: exampleTime().Add(5 * time.Minute)})
	return s
}

func exampleStatementNonce() string { return strings.Repeat("A", 43) }
