package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Me gives the owner of the device.
func (p *Phone) Me(ctx context.Context) (*Me, error) {
	me := &Me{}
	return me, p.get(ctx, "/v1/me", me)
}

// Place gives the person's place in an organization, by its USCC.
func (p *Phone) Place(ctx context.Context, uscc string) (Place, error) {
	me, err := p.Me(ctx)
	if err != nil {
		return Place{}, err
	}
	i := slices.IndexFunc(me.Places, func(pl Place) bool { return pl.USCC == uscc })
	if i < 0 {
		return Place{}, fmt.Errorf("phone: no place in %s", uscc)
	}
	return me.Places[i], nil
}

// Devices lists the person's devices.
func (p *Phone) Devices(ctx context.Context) ([]Device, error) {
	return items[Device](ctx, p, "/v1/me/devices")
}

// Delegations lists those the person holds.
func (p *Phone) Delegations(ctx context.Context) ([]Delegation, error) {
	return items[Delegation](ctx, p, "/v1/me/delegations")
}

// Members lists the people of an organization that the person represents.
func (p *Phone) Members(ctx context.Context, organization string) ([]Place, error) {
	return items[Place](ctx, p, "/v1/organizations/"+escape(organization)+"/members")
}

// DelegationsOf lists those an organization has given.
func (p *Phone) DelegationsOf(ctx context.Context, organization string) ([]Delegation, error) {
	return items[Delegation](ctx, p, "/v1/organizations/"+escape(organization)+"/delegations")
}

// Seals lists the seals of an organization.
func (p *Phone) Seals(ctx context.Context, organization string) ([]Seal, error) {
	return items[Seal](ctx, p, "/v1/organizations/"+escape(organization)+"/seals")
}

// Seal gives a seal with its picture.
func (p *Phone) Seal(ctx context.Context, code string) (*Seal, error) {
	s := &Seal{}
	return s, p.get(ctx, "/v1/seals/"+escape(code), s)
}

// Impressions lists the kinds of seals of an organization: filed, claimable.
func (p *Phone) Impressions(ctx context.Context, organization string) ([]Impression, error) {
	return items[Impression](ctx, p, "/v1/organizations/"+escape(organization)+"/impressions")
}

// Apps lists the declaration systems one can delegate for.
func (p *Phone) Apps(ctx context.Context) ([]App, error) { return items[App](ctx, p, "/v1/apps") }

// Agreement gives the service agreement.
func (p *Phone) Agreement(ctx context.Context) (Agreement, error) {
	var a Agreement
	err := p.exchange(ctx, &message{method: http.MethodGet, path: "/v1/agreement", open: true}, &a)
	return a, err
}

// Activity lists what was done in the person's name, newest first: one part of
// at most limit entries behind cursor, and the cursor of the next part.
func (p *Phone) Activity(ctx context.Context, cursor string, limit int) ([]Activity, string, error) {
	return part[Activity](ctx, p, "/v1/me/activity", cursor, limit)
}

// Register lists the use register of an organization, in parts like Activity.
func (p *Phone) Register(ctx context.Context, organization, cursor string, limit int) ([]Use, string, error) {
	return part[Use](ctx, p, "/v1/organizations/"+escape(organization)+"/register", cursor, limit)
}

func items[T any](ctx context.Context, p *Phone, path string) ([]T, error) {
	var l list[T]
	err := p.get(ctx, path, &l)
	return l.Items, err
}

func part[T any](ctx context.Context, p *Phone, path, cursor string, limit int) ([]T, string, error) {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit > 0 {
		q.Set("limit", fmt.Sprint(limit))
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	var l list[T]
	err := p.get(ctx, path, &l)
	return l.Items, l.Next, err
}
