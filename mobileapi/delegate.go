package mobileapi

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
)

func (a *API) delegateOperations() []operation {
	return []operation{
		handle(operation{
			method: fiber.MethodPost, path: "/v1/organizations/{org}/delegations/draft", id: "draft-delegation", tag: tagAct,
			zh: "起草：授权经办人", en: "Draft a delegation to an agent",
			note: "The agent must be an approved one of the organization, the application must ask for such actions, and the " +
				"seals must be usable. Once signed it is in force at once.",
			changes: true,
			faults: []*fault.Error{fault.StepUpNeeded, fault.DeviceCooling, fault.RegistrySilent, fault.OrgInactive, fault.AgentNotAllowed,
				fault.AppInactive, fault.SealUnusable, fault.SealNotForAction, fault.DelegationBad},
		}, exampleDelegationRequest(), exampleDraft(authz.ActDelegation), a.draftDelegation),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/apps", id: "apps", tag: tagOrganization,
			zh: "可授权的申报系统", en: "The applications one can delegate for",
		}, none{}, list(exampleApp()), a.apps),
	}
}

func (a *API) apps(ctx context.Context, _ *call, _ none) (List[AppEntry], error) {
	found, err := a.Applications.Apps(ctx)
	if err != nil {
		return List[AppEntry]{}, err
	}
	all := List[AppEntry]{}
	for _, app := range found {
		e := AppEntry{AppID: app.ID, Name: app.Name, Origins: app.Origins, SealKinds: app.SealKinds}
		for _, action := range app.Actions {
			e.Actions = append(e.Actions, string(action))
		}
		all.Items = append(all.Items, e)
	}
	return all, nil
}

func (a *API) draftDelegation(ctx context.Context, c *call, in DelegationRequest) (Draft, error) {
	o, err := a.solemn(ctx, c)
	if err != nil {
		return Draft{}, err
	}
	g, err := a.grant(ctx, o, in)
	if err != nil {
		return Draft{}, err
	}
	return drafted(c)(a.Authz.DraftGrant(ctx, c.who, g))
}

// grant finds what a delegation names: the application as it is registered, the
// seals in their present version.
func (a *API) grant(ctx context.Context, o *authz.Organization, in DelegationRequest) (authz.Grant, error) {
	app, err := a.Applications.App(ctx, in.AppID)
	if err != nil {
		return authz.Grant{}, err
	}
	g := authz.Grant{
		Org: o.ID, Agent: in.AgentID, App: statement.App{ID: app.ID, Name: app.Name},
		NotBefore: a.start(in.NotBefore), NotAfter: in.NotAfter, Max: max(in.Max, 1), SecondFrom: in.SecondFrom,
	}
	for _, action := range in.Actions {
		if authz.Action(action) != authz.Second && !slices.Contains(app.Actions, authz.Action(action)) {
			return authz.Grant{}, fault.DelegationBad.With("field", "actions")
		}
		g.Actions = append(g.Actions, authz.Action(action))
	}
	if in.Max == 0 && slices.Contains(g.Actions, authz.Stamp) {
		return authz.Grant{}, fault.DelegationBad.With("field", "max")
	}
	g.Seals, err = a.sealRefs(ctx, o.USCC, app, in.Seals)
	return g, err
}

func (a *API) start(given *time.Time) time.Time {
	if given != nil {
		return *given
	}
	return a.Now()
}

// sealRefs gives the versions of the seals as they are now. A code that is not
// one of this organization's is unusable, like one that does not exist.
func (a *API) sealRefs(ctx context.Context, uscc string, app App, wanted []string) ([]statement.Ref, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	owned, err := a.Seals.Of(ctx, uscc)
	if err != nil {
		return nil, err
	}
	refs := make([]statement.Ref, 0, len(wanted))
	for _, code := range wanted {
		i := slices.IndexFunc(owned, func(s SealInfo) bool { return s.Code == code })
		switch {
		case i < 0 || !owned[i].Usable:
			return nil, fault.SealUnusable
		case !owned[i].Delegable, len(app.SealKinds) > 0 && !slices.Contains(app.SealKinds, owned[i].Kind):
			return nil, fault.SealNotForAction
		case slices.Contains(refs, owned[i].Ref()):
			return nil, fault.DelegationBad.With("field", "seals")
		}
		refs = append(refs, owned[i].Ref())
	}
	return refs, nil
}
