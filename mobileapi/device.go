package mobileapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

func (a *API) deviceOperations() []operation {
	return []operation{
		handle(operation{
			method: fiber.MethodPost, path: "/v1/device/nonce", id: "device-nonce", tag: tagDevice,
			zh: "领取第一个服务器随机数", en: "Get the first server nonce",
			note: "Every later answer brings the next one in its Device-Nonce header. Nothing is stored, so no Idempotency-Key.",
			open: true,
		}, none{}, exampleNonce(), a.nonce),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/device/unlock", id: "unlock-device", tag: tagDevice,
			zh: "凭签名密码领取密钥份额", en: "Release the key share against the PIN",
			note: "Five wrong PINs in a row lock it, and each request counts: do not repeat one by itself after a lost " +
				"answer. No Idempotency-Key: the share is kept nowhere else.",
			faults: []*fault.Error{fault.PINWrong, fault.PINLocked, fault.DeviceUnknown},
		}, PIN{PIN: examplePIN}, Share{Share: exampleBytes(32)}, a.unlock),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/device/pin", id: "reset-pin", tag: tagDevice,
			zh: "实人认证后重设签名密码并解锁", en: "Set a new PIN after real-person authentication, which also unlocks it",
			changes: true,
			faults:  []*fault.Error{fault.Absent, fault.PINWeak, fault.RealPersonFails, fault.RealPersonDown, fault.DeviceUnknown},
		}, PINReset{SessionID: exampleID("en"), PIN: examplePIN}, none{}, a.resetPIN),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/me/real-person", id: "begin-real-person", tag: tagDevice,
			zh: "开始实人认证", en: "Begin a real-person authentication",
			note: "Claiming, delegating and approving an agent need fresh evidence; the fault step-up asks for it. For a claim it is " +
				"good for that claim alone.",
			changes: true,
			limiter: a.brakes.codes,
			faults:  []*fault.Error{fault.RealPersonDown},
		}, RealPersonRequest{Purpose: "delegate"}, RealPersonSession{SessionID: exampleID("en"), FaceURL: exampleFace}, a.beginRealPerson),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/me/real-person/finish", id: "finish-real-person", tag: tagDevice,
			zh: "提交实人认证结果", en: "Take the result of a real-person authentication",
			note:    "The fault real-person with pending: true means that the person has not finished yet: ask again later, with a new Idempotency-Key.",
			changes: true,
			faults:  []*fault.Error{fault.Absent, fault.RealPersonFails, fault.RealPersonDown},
		}, RealPersonFinish{SessionID: exampleID("en")}, none{}, a.finishRealPerson),
	}
}

func (a *API) nonce(context.Context, *call, none) (Nonce, error) {
	return Nonce{Nonce: a.Authz.NewNonce()}, nil
}

func (a *API) unlock(ctx context.Context, c *call, in PIN) (Share, error) {
	share, err := a.Authz.Unlock(ctx, c.who, in.PIN)
	return Share{Share: share}, err
}

func (a *API) resetPIN(ctx context.Context, c *call, in PINReset) (none, error) {
	return none{}, a.Authz.ResetPIN(ctx, c.who, in.SessionID, in.PIN)
}

func (a *API) beginRealPerson(ctx context.Context, c *call, in RealPersonRequest) (RealPersonSession, error) {
	begun, err := a.Authz.BeginRealPerson(ctx, c.who, in.Purpose, in.ClaimID)
	if err != nil {
		return RealPersonSession{}, err
	}
	return RealPersonSession{SessionID: begun.ID, FaceURL: begun.FaceURL}, nil
}

func (a *API) finishRealPerson(ctx context.Context, c *call, in RealPersonFinish) (none, error) {
	return none{}, a.Authz.ProveAgain(ctx, c.who, in.SessionID)
}
