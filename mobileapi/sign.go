package mobileapi

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
)

func (a *API) signOperations() []operation {
	return []operation{
		handle(operation{
			method: fiber.MethodPost, path: "/v1/acts/{id}/sign", id: "sign-act", tag: tagAct,
			zh: "签署并执行已起草的事项", en: "Sign a drafted statement and have it performed",
			note: "Only the device it was drafted for can sign it, within its time. Everything that was true at the draft is " +
				"checked again. When the answer comes, what was revoked is ended for the signer too.",
			changes: true,
			faults: []*fault.Error{fault.Signature, fault.SignatureHW, fault.Expired, fault.WrongState, fault.DeviceUnknown,
				fault.StatementBad, fault.StatementChanged, fault.NotLegalRep, fault.AgentNotAllowed, fault.DelegationExpired,
				fault.StateConflict, fault.OrgInactive, fault.AgreementMissing, fault.SealKindBad, fault.SealExists,
				fault.FilingMissing, fault.ImpressionBad, fault.GlyphMissing, fault.RegistrySilent, fault.SamePerson, fault.StepUpNeeded, fault.DeviceCooling,
				fault.DocumentChanged, fault.DocumentBusy, fault.DelegationRevoked, fault.DelegationLimit, fault.DelegationNone,
				fault.DelegationScope, fault.DelegationBad, fault.SealFrozen, fault.SealUnusable, fault.SealExpired,
				fault.SealCertificate, fault.AppInactive, fault.Subject, fault.TicketUnavailable},
		}, ActSignature{SigSM2: exampleBytes(71)}, exampleResult(), a.sign),
	}
}

// sign is the one way a statement takes effect: authz verifies the signatures
// and performs its own acts, what is left is performed here.
func (a *API) sign(ctx context.Context, c *call, in ActSignature) (ActResult, error) {
	id, err := c.param("id")
	if err != nil {
		return ActResult{}, err
	}
	act, err := a.Authz.Sign(ctx, c.who, id, in.SigSM2, in.SigHW)
	if err != nil {
		return ActResult{}, err
	}
	result := ActResult{ActID: act.ID, Kind: act.Kind, Done: act.State == authz.Ended}
	result.SubjectKind, result.SubjectID = subjectOf(act)
	switch act.Kind {
	case ActClaimSeal:
		return a.claim(ctx, c, act, result)
	case ActUnfreezeSeal:
		err = a.Seals.Turn(ctx, c.who, SealTurn{Code: act.Subject, Unfreeze: act})
		result.Done = err == nil
	case statement.SecondApproval:
		result.State, err = a.Seconds.Decide(ctx, c.who, act)
		result.Done = err == nil
	}
	return result, err
}

// claim has a signed claim performed.
func (a *API) claim(ctx context.Context, c *call, act *authz.Act, result ActResult) (ActResult, error) {
	claimed, err := a.Claims.Claim(ctx, act)
	if err != nil {
		return ActResult{}, err
	}
	result.Done, result.SubjectID = true, claimed.Application
	result.Application = &SealApplication{
		ApplicationID: claimed.Application, State: claimed.State, SealCode: claimed.Seal, DecideBy: moment(claimed.DecideBy),
	}
	for _, d := range claimed.Defects {
		result.Application.Defects = append(result.Application.Defects, ClaimDefect{Code: d.Code, Text: d.Text.in(c.lang)})
	}
	return result, nil
}

// subjectOf names what an act is about.
func subjectOf(act *authz.Act) (kind, id string) {
	switch act.Kind {
	case authz.ActRevocation:
		kind, id, _ = strings.Cut(act.Subject, ":")
		return kind, id
	case authz.ActDelegation:
		return "delegation", act.Subject
	case authz.ActApproveAgent:
		return "membership", act.Subject
	case authz.ActApproveDevice:
		return "device", act.Subject
	case ActUnfreezeSeal:
		return "seal", act.Subject
	case statement.SecondApproval:
		return "ticket", act.Subject
	case authz.ActAgreement:
		return "agreement", act.Subject
	}
	return "application", ""
}
