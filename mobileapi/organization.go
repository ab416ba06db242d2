package mobileapi

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
)

func (a *API) organizationOperations() []operation {
	return []operation{
		handle(operation{
			method: fiber.MethodPost, path: "/v1/organizations/join", id: "join-organization", tag: tagOrganization,
			zh: "加入单位：法定代表人或经办人", en: "Join an organization as legal representative or agent",
			note: "A legal representative needs fresh real-person evidence and the business registry's word; an agent the " +
				"authorization code, and then the legal representative's approval.",
			changes: true,
			limiter: a.brakes.codes,
			faults: []*fault.Error{fault.USCCBad, fault.CodeWrong, fault.StepUpNeeded, fault.DeviceCooling, fault.NotLegalRep,
				fault.RegistrySilent, fault.OrgInactive, fault.MemberExists, fault.StateConflict, fault.Absent, fault.NameBad},
		}, JoinRequest{Role: "agent", USCC: exampleUSCC, Authorization: "482913"}, exampleJoined(), a.join),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/organizations/authorization-code", id: "ask-authorization-code", tag: tagOrganization,
			zh: "请法定代表人提供授权码", en: "Have an authorization code sent to the legal representative",
			note:    "The answer does not tell whether the organization is known here.",
			changes: true,
			limiter: a.brakes.codes,
			faults:  []*fault.Error{fault.USCCBad},
		}, AuthorizationAsk{USCC: exampleUSCC}, none{}, a.askAuthorization),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/organizations/{org}/members", id: "members", tag: tagOrganization,
			zh: "单位的法定代表人和经办人", en: "The people of an organization",
		}, none{}, list(examplePlace("agent")), a.members),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/organizations/{org}/delegations", id: "organization-delegations", tag: tagOrganization,
			zh: "单位给出的授权", en: "The delegations an organization has given",
		}, none{}, list(exampleDelegation()), a.organizationDelegations),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/organizations/{org}/register", id: "use-register", tag: tagOrganization,
			zh: "用印台账，最近的在前", en: "The use register, newest first",
			query: paging(),
		}, none{}, List[RegisterEntry]{Items: []RegisterEntry{exampleUse()}, Next: exampleCursor}, a.register),
	}
}

func (a *API) join(ctx context.Context, c *call, in JoinRequest) (Joined, error) {
	joined := Joined{State: string(authz.Active)}
	var err error
	if in.Role == string(authz.Legal) {
		joined.OrganizationID, err = a.Authz.JoinAsLegal(ctx, c.who, in.USCC)
	} else {
		joined.State = string(authz.Pending)
		joined.OrganizationID, err = a.Authz.JoinAsAgent(ctx, c.who, in.USCC, in.Authorization)
	}
	joined.MembershipID = authz.MembershipID(joined.OrganizationID, c.who.Person.ID)
	return joined, err
}

func (a *API) askAuthorization(ctx context.Context, c *call, in AuthorizationAsk) (none, error) {
	return none{}, a.Authz.AskAuthorization(ctx, c.who, in.USCC)
}

func (a *API) members(ctx context.Context, c *call, _ none) (List[Place], error) {
	org, err := c.param("org")
	if err != nil {
		return List[Place]{}, err
	}
	found, err := a.Authz.Members(ctx, c.who, org)
	if err != nil {
		return List[Place]{}, err
	}
	all := List[Place]{}
	for _, p := range found {
		all.Items = append(all.Items, placeOf(p))
	}
	return all, nil
}

func (a *API) organizationDelegations(ctx context.Context, c *call, _ none) (List[Delegation], error) {
	org, err := c.param("org")
	if err != nil {
		return List[Delegation]{}, err
	}
	found, err := a.Authz.DelegationsIn(ctx, c.who, org)
	if err != nil {
		return List[Delegation]{}, err
	}
	return delegations(found)
}

func (a *API) register(ctx context.Context, c *call, _ none) (List[RegisterEntry], error) {
	o, err := a.ownOrganization(ctx, c)
	if err != nil {
		return List[RegisterEntry]{}, err
	}
	found, next, err := a.History.Uses(ctx, o.USCC, c.page())
	if err != nil {
		return List[RegisterEntry]{}, err
	}
	all := List[RegisterEntry]{Next: next}
	for _, u := range found {
		all.Items = append(all.Items, entryOf(u))
	}
	return all, nil
}

func entryOf(u Use) RegisterEntry {
	e := RegisterEntry{
		At: u.At.UTC(), SealCode: u.Seal, AppID: u.App.ID, App: u.App.Name, PersonID: u.Person.ID, Person: u.Person.Name,
		Owner: u.Owner, Delegation: u.Delegation, Slot: u.Slot, Ticket: u.Ticket, Case: u.Case, Title: u.Title,
		Original: Hash(u.Original), State: u.State,
	}
	if !u.Stamped.IsZero() {
		stamped := Hash(u.Stamped)
		e.Stamped = &stamped
	}
	return e
}
