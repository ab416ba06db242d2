package mobileapi

import (
	"context"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

func (a *API) actOperations() []operation {
	const sees = "The phone reads the statement strictly, checks that it is what the person asked for, shows it and signs exactly these bytes."
	return []operation{
		handle(operation{
			method: fiber.MethodPost, path: "/v1/organizations/{org}/agreement/draft", id: "draft-agreement", tag: tagAct,
			zh: "起草：接受使用服务协议", en: "Draft the acceptance of the service agreement", note: sees,
			changes: true,
			faults:  []*fault.Error{fault.StatementBad},
		}, none{}, exampleDraft(authz.ActAgreement), a.draftAgreement),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/memberships/{id}/approve/draft", id: "draft-agent-approval", tag: tagAct,
			zh: "起草：批准经办人", en: "Draft the approval of an agent", note: sees,
			changes: true,
			faults:  []*fault.Error{fault.WrongState, fault.StepUpNeeded, fault.DeviceCooling, fault.StatementBad},
		}, none{}, exampleDraft(authz.ActApproveAgent), a.draftAgentApproval),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/revocations/draft", id: "draft-revocation", tag: tagAct,
			zh: "起草：撤销授权、停止经办人、停用设备", en: "Draft the end of a delegation, of an agent's place or of a device",
			note:    sees + " It asks for no fresh evidence and works while a device cools.",
			changes: true,
			faults:  []*fault.Error{fault.Absent, fault.StatementBad},
		}, RevocationRequest{Kind: "delegation", ID: exampleID("dg"), Reason: "离职"}, exampleDraft(authz.ActRevocation), a.draftRevocation),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/devices/{id}/approve/draft", id: "draft-device-approval", tag: tagAct,
			zh: "起草：在原设备上放行新设备", en: "Draft, on an old device, the release of a new one", note: sees,
			changes: true,
			faults:  []*fault.Error{fault.DeviceCooling, fault.StatementBad},
		}, none{}, exampleDraft(authz.ActApproveDevice), a.draftDeviceApproval),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/organizations/{org}/seals/draft", id: "draft-claim", tag: tagAct,
			zh: "起草：领取印章", en: "Draft the claim of a seal", note: sees + " The subject is the kind, with the SM3 of the picture where one is sent.",
			changes: true,
			body:    a.Limits.Picture,
			faults: []*fault.Error{fault.StepUpNeeded, fault.DeviceCooling, fault.RegistrySilent, fault.OrgInactive, fault.AgreementMissing,
				fault.SealKindBad, fault.SealExists, fault.FilingMissing, fault.ImpressionBad, fault.GlyphMissing, fault.StatementBad},
		}, SealClaim{Kind: "statutory"}, exampleDraft(ActClaimSeal), a.draftClaim),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/agreement", id: "agreement", tag: tagAct,
			zh: "使用服务协议", en: "The service agreement",
			open: true,
		}, none{}, exampleAgreement(), a.agreement),
	}
}

func (a *API) draftAgreement(ctx context.Context, c *call, _ none) (Draft, error) {
	o, err := a.ownOrganization(ctx, c)
	if err != nil {
		return Draft{}, err
	}
	return drafted(c)(a.Authz.DraftAgreement(ctx, c.who, o.ID, statement.Ref{ID: a.Agreement.ID, Hash: gm.SM3([]byte(a.Agreement.Text))}))
}

func (a *API) draftAgentApproval(ctx context.Context, c *call, _ none) (Draft, error) {
	id, err := c.param("id")
	if err != nil {
		return Draft{}, err
	}
	return drafted(c)(a.Authz.DraftAgentApproval(ctx, c.who, id))
}

func (a *API) draftRevocation(ctx context.Context, c *call, in RevocationRequest) (Draft, error) {
	return drafted(c)(a.Authz.DraftRevocation(ctx, c.who, in.Kind, in.ID, in.Reason))
}

func (a *API) draftDeviceApproval(ctx context.Context, c *call, _ none) (Draft, error) {
	id, err := c.param("id")
	if err != nil {
		return Draft{}, err
	}
	return drafted(c)(a.Authz.DraftDeviceApproval(ctx, c.who, id))
}

func (a *API) draftClaim(ctx context.Context, c *call, in SealClaim) (Draft, error) {
	o, err := a.solemn(ctx, c)
	if err != nil {
		return Draft{}, err
	}
	subject, err := a.Claims.Prepare(ctx, o.USCC, in.Kind, in.Picture)
	if err != nil {
		return Draft{}, err
	}
	return drafted(c)(a.Authz.DraftReview(ctx, c.who, o, ActClaimSeal, subject, statement.Approve, ""))
}

func (a *API) agreement(context.Context, *call, none) (AgreementText, error) {
	return AgreementText{AgreementID: a.Agreement.ID, Text: a.Agreement.Text, SM3: digest([]byte(a.Agreement.Text))}, nil
}

// drafted puts a draft on the wire, with its words in the caller's language.
func drafted(c *call) func(*authz.Act, error) (Draft, error) {
	return func(act *authz.Act, err error) (Draft, error) {
		if err != nil {
			return Draft{}, err
		}
		lines, err := summary(act.Kind, act.Statement.Bytes, c.lang)
		if err != nil {
			return Draft{}, err
		}
		return Draft{
			ActID: act.ID, Kind: act.Kind, Statement: act.Statement.Bytes, StatementSM3: digest(act.Statement.Bytes),
			Summary: lines, ExpiresAt: act.Expires.UTC(),
		}, nil
	}
}

// summary words a drafted statement; it says nothing that the bytes do not.
func summary(kind string, b []byte, lang string) ([]SummaryLine, error) {
	var lines []statement.Line
	var err error
	switch kind {
	case authz.ActDelegation:
		var d statement.Delegation
		d, err = statement.ParseDelegation(b)
		lines = d.Summary(lang)
	case authz.ActRevocation:
		var r statement.Revocation
		r, err = statement.ParseRevocation(b)
		lines = r.Summary(lang)
	default:
		var r statement.Review
		r, err = statement.ParseReview(b)
		lines = r.Summary(lang)
	}
	if err != nil {
		return nil, fmt.Errorf("read drafted %s: %w", kind, err)
	}
	return wired(lines), nil
}

func wired(lines []statement.Line) []SummaryLine {
	all := make([]SummaryLine, len(lines))
	for i, l := range lines {
		all[i] = SummaryLine(l)
	}
	return all
}
