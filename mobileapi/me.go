package mobileapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

func (a *API) meOperations() []operation {
	return []operation{
		handle(operation{
			method: fiber.MethodGet, path: "/v1/me", id: "me", tag: tagMe,
			zh: "本人：所在单位、设备、岗位", en: "The caller: places, devices, operator roles",
		}, none{}, exampleMe(), a.me),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/me/devices", id: "my-devices", tag: tagMe,
			zh: "本人的设备", en: "The caller's devices",
		}, none{}, list(exampleDevice()), a.myDevices),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/me/delegations", id: "my-delegations", tag: tagMe,
			zh: "本人持有的授权", en: "The delegations the caller holds",
		}, none{}, list(exampleDelegation()), a.myDelegations),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/me/activity", id: "my-activity", tag: tagMe,
			zh: "以本人名义办理的事项，最近的在前", en: "What was done in the caller's name, newest first",
			query: paging(),
		}, none{}, List[ActivityEntry]{Items: []ActivityEntry{exampleActivity()}, Next: exampleCursor}, a.myActivity),
	}
}

// operatorRoles are those a person may hold in the issuing or operating body.
var operatorRoles = []string{authz.RoleClerk, authz.RoleReviewer, authz.RoleBusiness, authz.RoleAuditor}

func (a *API) me(ctx context.Context, c *call, _ none) (Me, error) {
	p := c.who.Person
	me := Me{
		PersonID: p.ID, Name: p.Name, IDNumber: codes.MaskID(p.IDNumber), Phone: codes.MaskPhone(p.Phone),
		RealAt: p.RealAt.UTC(), DeviceID: c.who.Device.ID,
	}
	places, err := a.Authz.Places(ctx, p.ID)
	if err != nil {
		return Me{}, err
	}
	for _, place := range places {
		me.Places = append(me.Places, placeOf(place))
	}
	if me.Devices, err = a.devices(ctx, c.who); err != nil {
		return Me{}, err
	}
	me.Roles, err = a.roles(ctx, c.who)
	return me, err
}

func (a *API) roles(ctx context.Context, who authz.Caller) ([]string, error) {
	var held []string
	for _, role := range operatorRoles {
		_, err := a.Authz.Operator(ctx, who, role)
		switch {
		case err == nil:
			held = append(held, role)
		case !errors.Is(err, fault.RoleMissing):
			return nil, err
		}
	}
	return held, nil
}

func placeOf(p authz.Place) Place {
	return Place{
		MembershipID: p.ID, OrganizationID: p.Org, USCC: p.USCC, Organization: p.OrgName, PersonID: p.Person,
		Person: p.PersonName, Role: string(p.Role), State: string(p.State), Since: p.Since.UTC(),
	}
}

func (a *API) devices(ctx context.Context, who authz.Caller) ([]Device, error) {
	found, err := a.Authz.Devices(ctx, who)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, 0, len(found))
	for _, d := range found {
		devices = append(devices, Device{
			DeviceID: d.ID, Name: d.Name, Tier: string(d.Tier), State: string(d.State), KeyHash: d.KeyHash,
			Passkey: d.Passkey.Credential != "", Current: d.ID == who.Device.ID, CoolUntil: moment(d.CoolUntil),
			CreatedAt: d.CreatedAt.UTC(),
		})
	}
	slices.SortFunc(devices, func(x, y Device) int { return y.CreatedAt.Compare(x.CreatedAt) })
	return devices, nil
}

func (a *API) myDevices(ctx context.Context, c *call, _ none) (List[Device], error) {
	devices, err := a.devices(ctx, c.who)
	return List[Device]{Items: devices}, err
}

func (a *API) myDelegations(ctx context.Context, c *call, _ none) (List[Delegation], error) {
	found, err := a.Authz.DelegationsOf(ctx, c.who.Person.ID)
	if err != nil {
		return List[Delegation]{}, err
	}
	return delegations(found)
}

// delegations words rows by the statements they stand on.
func delegations(rows []*authz.Delegation) (List[Delegation], error) {
	all := List[Delegation]{Items: make([]Delegation, 0, len(rows))}
	for _, row := range rows {
		d, err := statement.ParseDelegation(row.Statement.Bytes)
		if err != nil {
			return List[Delegation]{}, fmt.Errorf("statement of delegation %s: %w", row.ID, err)
		}
		w := Delegation{
			DelegationID: row.ID, OrganizationID: row.Org, USCC: d.Org.USCC, Organization: d.Org.Name, AgentID: d.Agent.ID,
			Agent: d.Agent.Name, Grantor: d.Grantor.Name, AppID: d.App.ID, App: d.App.Name, Actions: d.Actions,
			NotBefore: d.NotBefore, NotAfter: d.NotAfter, Max: d.Max, Left: row.Left(), State: string(row.State),
			StatementSM3: Hash(row.Statement.Hash()), CreatedAt: row.CreatedAt.UTC(),
		}
		for _, s := range d.Seals {
			w.Seals = append(w.Seals, s.ID)
		}
		all.Items = append(all.Items, w)
	}
	slices.SortFunc(all.Items, func(x, y Delegation) int { return y.CreatedAt.Compare(x.CreatedAt) })
	return all, nil
}

func (a *API) myActivity(ctx context.Context, c *call, _ none) (List[ActivityEntry], error) {
	found, next, err := a.History.Activity(ctx, c.who.Person.ID, c.page())
	if err != nil {
		return List[ActivityEntry]{}, err
	}
	all := List[ActivityEntry]{Next: next}
	for _, e := range found {
		e.At = e.At.UTC()
		all.Items = append(all.Items, ActivityEntry(e))
	}
	return all, nil
}

const (
	pageDefault = 50  // a few screens of a phone
	pageMost    = 200 // what still draws without a wait
)

// paging are the parameters of a list that comes in parts.
func paging() []parameter {
	return []parameter{
		{"limit", "每次条数，默认 50，最多 200", "Entries a part: 50 unless told, 200 at most", `^[1-9][0-9]{0,2}$`, "50"},
		{"cursor", "上一部分给出的位置", "Where the part before ended", `^[A-Za-z0-9_.-]{1,200}$`, exampleCursor},
	}
}

func (c *call) page() Page {
	limit, err := strconv.Atoi(c.args["limit"])
	if err != nil {
		limit = pageDefault
	}
	return Page{Cursor: c.args["cursor"], Limit: min(limit, pageMost)}
}

// moment gives a time that may not be set.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func list[T any](items ...T) List[T] { return List[T]{Items: items} }

// digest is the hash of bytes on the wire.
func digest(b []byte) Hash { return Hash(gm.SM3(b)) }
