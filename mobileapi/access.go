package mobileapi

import (
	"context"
	"errors"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// represented gives the organization if the caller represents it. To everybody
// else it does not exist.
func (a *API) represented(ctx context.Context, c *call, org string) (o *authz.Organization, err error) {
	err = a.Work.View(ctx, func(tx unit.Tx) error {
		o, err = a.Authz.Represented(tx, c.who, org)
		return err
	})
	return o, hide(err)
}

// hide answers for what is not the caller's as for what is not there.
func hide(err error) error {
	if errors.Is(err, fault.NotLegalRep) {
		return fault.Absent
	}
	return err
}

// ownOrganization is represented for the organization that the path names.
func (a *API) ownOrganization(ctx context.Context, c *call) (*authz.Organization, error) {
	org, err := c.param("org")
	if err != nil {
		return nil, err
	}
	return a.represented(ctx, c, org)
}

// solemn is ownOrganization for what gives power: the registry's word on the
// legal representative is renewed when it is old, and the evidence that he is
// there must be fresh. The domains check both again when the act is signed.
func (a *API) solemn(ctx context.Context, c *call) (*authz.Organization, error) {
	o, err := a.ownOrganization(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := a.Authz.Refresh(ctx, o.ID); err != nil {
		return nil, err
	}
	err = a.Work.View(ctx, func(tx unit.Tx) error {
		if o, err = a.Authz.Represented(tx, c.who, o.ID); err != nil {
			return err
		}
		return a.Authz.Fresh(tx, c.who)
	})
	return o, hide(err)
}

// ownSeal gives a seal, with its picture, of an organization that the caller
// represents; fault.Absent for every other code.
func (a *API) ownSeal(ctx context.Context, c *call) (*SealInfo, error) {
	code, err := c.param("code")
	if err != nil {
		return nil, err
	}
	seal, err := a.Seals.Seal(ctx, code)
	if err != nil {
		return nil, err
	}
	err = a.Work.View(ctx, func(tx unit.Tx) error {
		o, err := a.Authz.OrganizationByUSCC(tx, seal.USCC)
		if err != nil {
			return err
		}
		_, err = a.Authz.Represented(tx, c.who, o.ID)
		return err
	})
	return seal, hide(err)
}
