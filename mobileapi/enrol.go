package mobileapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
)

func (a *API) enrolOperations() []operation {
	return []operation{
		handle(operation{
			method: fiber.MethodPost, path: "/v1/enrolments", id: "begin-enrolment", tag: tagEnrol,
			zh: "开始登记：发送验证码，开始实人认证", en: "Begin a registration: codes are sent, the face check opens",
			note:    "The answer does not tell whether the person or the organization is known.",
			open:    true,
			changes: true,
			status:  fiber.StatusCreated,
			limiter: a.brakes.enrol,
			faults: []*fault.Error{fault.IDNumberBad, fault.NameBad, fault.PhoneBad, fault.USCCBad, fault.Tier, fault.SignatureHW,
				fault.CodeWrong, fault.RealPersonDown},
		}, exampleEnrolmentRequest(), exampleEnrolmentBegun(), a.beginEnrolment),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/enrolments/{id}/finish", id: "finish-enrolment", tag: tagEnrol,
			zh: "完成登记：验证码、签名密码、两个密钥的证明", en: "Finish a registration: codes, PIN, proof of both keys",
			note: "Both keys sign these four lines, each ended by one LF: `yunzhang-enrol/1`, `enrolment: <id>`, " +
				"`key: <SM3 of the statement key's SPKI, hex>`, `request-key: <the same of the request key>`. The answer holds " +
				"the share of the device's key. A further device cools before it may do more than log in, unless it is " +
				"approved on an old one.",
			open:    true,
			changes: true,
			status:  fiber.StatusCreated,
			limiter: a.brakes.enrol,
			faults: []*fault.Error{fault.CodeWrong, fault.PINWeak, fault.Signature, fault.RealPersonFails, fault.RealPersonDown,
				fault.PersonExists, fault.DeviceUnknown, fault.NotLegalRep, fault.RegistrySilent, fault.OrgInactive,
				fault.MemberExists, fault.StateConflict, fault.NameBad, fault.StatementBad},
		}, exampleEnrolmentFinish(), exampleEnrolled(), a.finishEnrolment),
	}
}

func (a *API) beginEnrolment(ctx context.Context, _ *call, in EnrolmentRequest) (EnrolmentBegun, error) {
	begun, err := a.Authz.BeginEnrol(ctx, authz.EnrolRequest{
		Kind: authz.EnrolKind(in.Kind), USCC: in.USCC, Invitation: in.Invitation,
		Applicant: authz.Applicant(in.Applicant),
		Device: authz.NewDevice{
			Name: in.Device.Name, Tier: authz.Tier(in.Device.Tier), Key: in.Device.Key, RequestKey: in.Device.RequestKey,
		},
		Passkey: in.Passkey, Lost: in.Lost,
	})
	if err != nil {
		return EnrolmentBegun{}, err
	}
	return EnrolmentBegun{EnrolmentID: begun.ID, FaceURL: begun.FaceURL}, nil
}

func (a *API) finishEnrolment(ctx context.Context, c *call, in EnrolmentFinish) (Enrolled, error) {
	id, err := c.param("id")
	if err != nil {
		return Enrolled{}, err
	}
	done, err := a.Authz.FinishEnrol(ctx, authz.FinishRequest{
		Enrolment: id, PhoneCode: in.PhoneCode, Authorization: in.Authorization, PIN: in.PIN,
		KeyProof: in.KeyProof, RequestProof: in.RequestProof,
	})
	if err != nil {
		return Enrolled{}, err
	}
	return Enrolled{
		PersonID: done.Person.ID, DeviceID: done.Device.ID, OrganizationID: done.Org, Share: done.Share,
		Enrolment: SignedStatement{Statement: done.Device.Enrolment.Bytes, Signature: done.Device.Enrolment.Sig},
		CoolUntil: moment(done.Device.CoolUntil),
	}, nil
}
