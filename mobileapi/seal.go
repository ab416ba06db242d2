package mobileapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
)

func (a *API) sealOperations() []operation {
	turning := []*fault.Error{fault.SealUnusable, fault.WrongState, fault.StateConflict, fault.StatementBad}
	return []operation{
		handle(operation{
			method: fiber.MethodGet, path: "/v1/organizations/{org}/seals", id: "seals", tag: tagSeal,
			zh: "单位的印章", en: "The seals of an organization",
		}, none{}, list(exampleSeal(false)), a.seals),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/organizations/{org}/impressions", id: "impressions", tag: tagSeal,
			zh: "可领取的印章种类和备案印模", en: "The kinds of seals, what is filed and what can be claimed",
			faults: []*fault.Error{fault.RegistrySilent},
		}, none{}, list(exampleImpression()), a.impressions),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/seals/{code}", id: "seal", tag: tagSeal,
			zh: "一枚印章：状态和印模", en: "A seal: its state and picture",
		}, none{}, exampleSeal(true), a.seal),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/seals/{code}/freeze", id: "freeze-seal", tag: tagSeal,
			zh: "冻结印章，立即生效，不需签名密码", en: "Freeze a seal: at once, without the PIN",
			note:    "When the answer comes, nothing more is stamped with the seal. Freezing a frozen seal is no error.",
			changes: true,
			faults:  turning,
		}, Turn{Reason: "手机丢失"}, exampleSeal(false), a.freeze),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/seals/{code}/unfreeze/draft", id: "draft-unfreeze", tag: tagAct,
			zh: "起草：解除冻结", en: "Draft that a frozen seal is usable again",
			note: "It is signed behind the PIN and needs fresh real-person evidence: a stolen phone must not undo what its " +
				"owner stopped.",
			changes: true,
			faults:  append([]*fault.Error{fault.StepUpNeeded, fault.DeviceCooling}, turning...),
		}, Turn{Reason: "手机已找回"}, exampleDraft(ActUnfreezeSeal), a.draftUnfreeze),
	}
}

func (a *API) seals(ctx context.Context, c *call, _ none) (List[Seal], error) {
	o, err := a.ownOrganization(ctx, c)
	if err != nil {
		return List[Seal]{}, err
	}
	found, err := a.Seals.Of(ctx, o.USCC)
	if err != nil {
		return List[Seal]{}, err
	}
	all := List[Seal]{}
	for _, s := range found {
		all.Items = append(all.Items, sealOf(s, c.lang))
	}
	return all, nil
}

func (a *API) seal(ctx context.Context, c *call, _ none) (Seal, error) {
	s, err := a.ownSeal(ctx, c)
	if err != nil {
		return Seal{}, err
	}
	return sealOf(*s, c.lang), nil
}

func (a *API) impressions(ctx context.Context, c *call, _ none) (List[FiledImpression], error) {
	o, err := a.ownOrganization(ctx, c)
	if err != nil {
		return List[FiledImpression]{}, err
	}
	found, err := a.Seals.Impressions(ctx, o.USCC)
	if err != nil {
		return List[FiledImpression]{}, err
	}
	all := List[FiledImpression]{}
	for _, i := range found {
		all.Items = append(all.Items, FiledImpression{
			Kind: i.Kind, KindName: i.KindName.in(c.lang), Filed: i.Filed, Claimable: i.Claimable, Upload: i.Upload,
			Reason: i.Reason, SealCode: i.Seal, Picture: pictureOf(i.Picture),
		})
	}
	return all, nil
}

// freeze is the one-touch stop. The answer is the seal as it is then.
func (a *API) freeze(ctx context.Context, c *call, in Turn) (Seal, error) {
	s, err := a.ownSeal(ctx, c)
	if err != nil {
		return Seal{}, err
	}
	if err := a.Seals.Turn(ctx, c.who, SealTurn{Code: s.Code, Reason: in.Reason}); err != nil {
		return Seal{}, err
	}
	if s, err = a.Seals.Seal(ctx, s.Code); err != nil {
		return Seal{}, err
	}
	now := *s
	now.Picture = nil
	return sealOf(now, c.lang), nil
}

// draftUnfreeze drafts the undoing, which gives power and is signed like whatever
// does.
func (a *API) draftUnfreeze(ctx context.Context, c *call, in Turn) (Draft, error) {
	s, err := a.ownSeal(ctx, c)
	if err != nil {
		return Draft{}, err
	}
	var o *authz.Organization
	err = a.Work.View(ctx, func(tx unit.Tx) error {
		if o, err = a.Authz.OrganizationByUSCC(tx, s.USCC); err != nil {
			return err
		}
		return a.Authz.Fresh(tx, c.who)
	})
	if err != nil {
		return Draft{}, err
	}
	return drafted(c)(a.Authz.DraftReview(ctx, c.who, o, ActUnfreezeSeal, s.Ref(), statement.Approve, in.Reason))
}

func sealOf(s SealInfo, lang string) Seal {
	return Seal{
		Code: s.Code, USCC: s.USCC, Kind: s.Kind, KindName: s.KindName.in(lang), Name: s.Name, State: s.State,
		StateName: s.StateName.in(lang), Usable: s.Usable, Delegable: s.Delegable, SM3: Hash(s.Hash),
		ValidFrom: s.ValidFrom.UTC(), ValidTo: s.ValidTo.UTC(), Picture: pictureOf(s.Picture),
	}
}

func pictureOf(p *Picture) *SealPicture {
	if p == nil {
		return nil
	}
	return &SealPicture{PNG: p.PNG, SVG: p.SVG, Width: p.Width, Height: p.Height}
}
