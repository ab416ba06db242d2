package mobileapi

import (
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

func exampleGrantor() statement.Person { return statement.Person{ID: exampleID("us"), Name: "张三"} }

func exampleAgent() statement.Person {
	return statement.Person{ID: "us_bg4gr3nyl6d7j5qu7xa2oscemp", Name: "李四"}
}

func exampleHolder() statement.Org { return statement.Org{USCC: exampleUSCC, Name: exampleOrg} }

func exampleDelegationFields() statement.Delegation {
	return statement.Delegation{
		ID: exampleID("dg"), Nonce: exampleStatementNonce(), Issuer: exampleHost, Org: exampleHolder(), Grantor: exampleGrantor(),
		Device: exampleDigest("key"), Agent: exampleAgent(), App: statement.App{ID: exampleID("app"), Name: "社保网报"},
		Actions: []string{"bind", "login", "stamp"}, Seals: []statement.Ref{{ID: exampleSealCode, Hash: exampleDigest("seal")}},
		NotBefore: exampleTime(), NotAfter: exampleTime().AddDate(0, 6, 0), Max: 20, IssuedAt: exampleTime(),
	}
}

// exampleStatement gives a true statement of a kind; nil, which a test
// forbids, when it cannot be built.
func exampleStatement(kind string) []byte {
	var b []byte
	switch kind {
	case authz.ActDelegation:
		b, _ = exampleDelegationFields().Bytes()
	case authz.ActRevocation:
		b, _ = statement.Revocation{
			Nonce: exampleStatementNonce(), Issuer: exampleHost, Kind: statement.OfDelegation,
			Subject: statement.Ref{ID: exampleID("dg"), Hash: exampleDigest("delegation")}, Org: exampleHolder(),
			Person: exampleGrantor(), Device: exampleDigest("key"), Reason: "离职", IssuedAt: exampleTime(),
		}.Bytes()
	default:
		b, _ = exampleReview(kind).Bytes()
	}
	return b
}

func exampleReview(kind string) statement.Review {
	subjects := map[string]statement.Ref{
		authz.ActAgreement:       {ID: "agreement-2026-11", Hash: exampleDigest("agreement")},
		authz.ActApproveAgent:    {ID: authz.MembershipID(exampleID("og"), exampleAgent().ID), Hash: exampleDigest("membership")},
		authz.ActApproveDevice:   {ID: exampleID("dv"), Hash: exampleDigest("new key")},
		ActClaimSeal:             {ID: "statutory"},
		ActUnfreezeSeal:          {ID: exampleSealCode, Hash: exampleDigest("seal")},
		statement.SecondApproval: {ID: exampleID("tk"), Hash: exampleDigest("approval")},
	}
	r := statement.Review{
		Nonce: exampleStatementNonce(), Issuer: exampleHost, Act: kind, Subject: subjects[kind], Opinion: statement.Approve,
		Org: exampleHolder(), Person: exampleGrantor(), Device: exampleDigest("key"), IssuedAt: exampleTime(),
	}
	if kind == authz.ActApproveDevice {
		r.Org = statement.Org{}
	}
	return r
}

func exampleEnrolmentStatement() []byte {
	b, _ := statement.Enrolment{
		ID: exampleID("es"), Issuer: exampleHost, Person: exampleGrantor(), IDHash: exampleDigest("id"), Tier: "W",
		Key: exampleBytes(91), RequestKey: exampleBytes(91)[1:], Evidence: "face 20261123-0007", IssuedAt: exampleTime(),
	}.Bytes()
	return b
}

func exampleApproval() statement.Approval {
	return statement.Approval{
		Purpose: statement.Stamp, Decision: statement.Approve, Issuer: exampleHost, Ticket: exampleID("tk"),
		Nonce: exampleStatementNonce(), App: statement.App{ID: exampleID("app"), Name: "社保网报"},
		Origin: "https://declare.example.gov.cn", Account: "zh***an", Principal: exampleHolder(), Agent: exampleAgent(),
		Device: exampleDigest("key"), Delegation: statement.Ref{ID: exampleID("dg"), Hash: exampleDigest("delegation")},
		Seals: []statement.Ref{{ID: exampleSealCode, Hash: exampleDigest("seal")}}, Case: "2026-0417",
		Docs: []statement.Doc{{
			SM3: exampleDigest("original"), DTBS: exampleDigest("dtbs"), Pages: 3, Seal: 1,
			Place: statement.Place{Page: 3, X: 120, Y: 57, W: 42, H: 42}, Title: "参保人员增减表.pdf",
		}},
		Limits:   &statement.Limits{UsesAfter: 16, Expires: exampleTime().AddDate(0, 6, 0)},
		Context:  "203.0.113.0/24 Chrome/Windows",
		IssuedAt: exampleTime(), ExpiresAt: exampleTime().Add(5 * time.Minute),
	}
}

func exampleDisplay() []byte {
	b, _ := exampleApproval().Render(statement.Chinese, []string{exampleOrg + "（单位公章）"}).Bytes()
	return b
}

func exampleHead() []byte {
	a := exampleApproval()
	a.Display = gm.SM3(exampleDisplay())
	b, _ := a.Head()
	return b
}

func exampleManifest() []byte {
	b, _ := exampleApproval().Manifest()
	return b
}
