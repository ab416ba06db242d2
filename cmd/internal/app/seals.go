package app

import (
	"context"
	"errors"
	"slices"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/mobileapi"
)

// sealShelf shows phones the seals of their organizations.
type sealShelf struct {
	work    unit.Work
	authz   *authz.Service
	seals   *cloudseal.Service
	filings cloudseal.Filings
}

// Of implements mobileapi.Seals.
func (s sealShelf) Of(ctx context.Context, uscc string) (list []mobileapi.SealInfo, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		found, err := s.seals.SealsOf(tx, uscc)
		list = list[:0]
		for _, seal := range found {
			list = append(list, infoOf(tx, seal))
		}
		return err
	})
	return list, err
}

// Seal implements mobileapi.Seals.
func (s sealShelf) Seal(ctx context.Context, code string) (*mobileapi.SealInfo, error) {
	var info mobileapi.SealInfo
	err := s.work.View(ctx, func(tx unit.Tx) error {
		seal, err := s.seals.SealIn(tx, code)
		if err != nil {
			return err
		}
		info = infoOf(tx, seal)
		p, err := seal.Impression()
		info.Picture = &mobileapi.Picture{PNG: p.PNG, Width: p.Width, Height: p.Height}
		return err
	})
	return &info, err
}

func infoOf(tx unit.Tx, seal *cloudseal.Seal) mobileapi.SealInfo {
	now := tx.Now()
	return mobileapi.SealInfo{
		Code: seal.ID, USCC: seal.Org, Kind: string(seal.Kind), KindName: kindWords(seal.Kind), Name: seal.Name,
		State: string(seal.State), StateName: stateWords(seal.State),
		Usable:    seal.State == status.Usable && !now.Before(seal.ValidFrom) && !now.After(seal.ValidTo),
		Delegable: cloudseal.Delegable(seal.Kind), Hash: seal.Hash, ValidFrom: seal.ValidFrom, ValidTo: seal.ValidTo,
	}
}

func kindWords(k impression.Kind) mobileapi.Words {
	return mobileapi.Words{ZH: k.Chinese(), EN: string(k)}
}

func stateWords(s status.State) mobileapi.Words {
	zh := map[status.State]string{status.Usable: "可用", status.Frozen: "已冻结"}[s]
	if zh == "" {
		zh = "不可用"
	}
	return mobileapi.Words{ZH: zh, EN: string(s)}
}

// Impressions implements mobileapi.Seals.
func (s sealShelf) Impressions(ctx context.Context, uscc string) (list []mobileapi.Impression, err error) {
	for _, kind := range s.seals.Kinds {
		one, err := s.impression(ctx, uscc, kind)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (s sealShelf) impression(ctx context.Context, uscc string, kind impression.Kind) (mobileapi.Impression, error) {
	one := mobileapi.Impression{Kind: string(kind), KindName: kindWords(kind), Upload: kind == impression.Statutory}
	err := s.work.View(ctx, func(tx unit.Tx) error {
		seal, err := s.seals.SealOfKind(tx, uscc, kind)
		if err == nil {
			one.Seal = seal.ID
		}
		return err
	})
	if err != nil && !errors.Is(err, fault.SealUnusable) {
		return one, err
	}
	filed, err := s.filings.Impression(ctx, uscc, string(kind))
	switch {
	case errors.Is(err, registry.ErrNotFiled):
		one.Reason = fault.FilingMissing.Code
		return one, nil
	case err != nil:
		return one, fault.RegistrySilent.Because(err)
	}
	one.Filed = true
	one.Picture = &mobileapi.Picture{PNG: filed.PNG, SVG: filed.SVG, Width: filed.Width, Height: filed.Height}
	if err := s.seals.Claimable(ctx, uscc, string(kind)); err != nil {
		one.Reason = fault.CodeOf(err)
		return one, nil
	}
	one.Claimable = true
	return one, nil
}

// Turn implements mobileapi.Seals. Freezing needs no more than the proved
// request; making usable again needs an act that was signed behind the PIN and
// fresh real-person evidence, since a stolen phone must not undo what its owner
// stopped.
func (s sealShelf) Turn(ctx context.Context, who authz.Caller, t mobileapi.SealTurn) error {
	if t.Unfreeze != nil {
		if err := s.work.View(ctx, func(tx unit.Tx) error { return s.authz.Fresh(tx, who) }); err != nil {
			return err
		}
		return s.seals.Unfreeze(ctx, t.Code, t.Unfreeze.ID)
	}
	var org *authz.Organization
	var ref statement.Ref
	err := s.work.View(ctx, func(tx unit.Tx) error {
		seal, err := s.seals.SealIn(tx, t.Code)
		if err != nil {
			return err
		}
		ref = seal.Ref()
		org, err = s.authz.OrganizationByUSCC(tx, seal.Org)
		return err
	})
	if err != nil {
		return err
	}
	ordered, err := s.authz.OrderReview(ctx, who, org, cloudseal.ActFreeze, ref, t.Reason)
	if err != nil {
		return err
	}
	return s.seals.Freeze(ctx, t.Code, ordered.ID)
}

// history is what was done, for those in whose name it was.
type history struct {
	work  unit.Work
	seals *cloudseal.Service
	acted func(tx unit.Tx, q unit.Query) ([]mobileapi.Activity, []any, error)
}

// Activity implements mobileapi.History.
func (h history) Activity(ctx context.Context, person string, p mobileapi.Page) (list []mobileapi.Activity, next string, err error) {
	after, err := readCursor(p.Cursor)
	if err != nil {
		return nil, "", err
	}
	err = h.work.View(ctx, func(tx unit.Tx) error {
		var behind []any
		list, behind, err = h.acted(tx, unit.Query{Index: "actor+at", Key: []any{person}, After: after, Desc: true, Limit: p.Limit})
		if len(list) == p.Limit {
			next = writeCursor(behind)
		}
		return err
	})
	return list, next, err
}

// Uses implements mobileapi.History.
func (h history) Uses(ctx context.Context, uscc string, p mobileapi.Page) (list []mobileapi.Use, next string, err error) {
	after, err := readCursor(p.Cursor)
	if err != nil {
		return nil, "", err
	}
	uses, behind, err := h.seals.Uses(ctx, uscc, after, p.Limit)
	for _, u := range uses {
		list = append(list, mobileapi.Use{
			At: u.At, Seal: u.Seal, App: u.App, Person: u.Person, Owner: u.Delegation == "", Delegation: u.Delegation,
			Slot: u.Slot, Ticket: u.Ticket, Case: u.Case, Title: u.Title, Original: u.Original, Stamped: u.Stamped, State: string(u.State),
		})
	}
	if behind != nil {
		next = writeCursor(behind)
	}
	return slices.Clip(list), next, err
}
