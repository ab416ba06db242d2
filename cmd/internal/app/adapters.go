package app

import (
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/impression"
)

// holders answers cloudseal's questions about organizations from authz.
type holders struct{ authz *authz.Service }

// Holder implements cloudseal.Holders.
func (h holders) Holder(tx unit.Tx, uscc string) (cloudseal.Holder, error) {
	o, err := h.authz.OrganizationByUSCC(tx, uscc)
	if err != nil {
		return cloudseal.Holder{}, err
	}
	holder := cloudseal.Holder{
		USCC: o.USCC, Name: o.Name, Region: o.Region, Active: o.State == authz.Active, Agreement: o.Agreement != "",
	}
	if o.Legal == "" {
		return holder, nil
	}
	p, err := h.authz.Person(tx, o.Legal)
	if err != nil {
		return cloudseal.Holder{}, err
	}
	holder.Legal = statement.Person{ID: p.ID, Name: p.Name}
	return holder, nil
}

// acts hands signed statements from authz to cloudseal.
type acts struct{ authz *authz.Service }

// Take implements cloudseal.Acts. Offices and operator roles have the same
// names.
func (a acts) Take(tx unit.Tx, act, office, object string) (cloudseal.SignedAct, error) {
	taken, err := a.authz.Take(tx, act, office, object)
	if err != nil {
		return cloudseal.SignedAct{}, err
	}
	r, err := statement.ParseReview(taken.Statement.Bytes)
	if err != nil {
		return cloudseal.SignedAct{}, fault.StatementBad.Because(err)
	}
	return cloudseal.SignedAct{Review: r, Signed: taken.Statement}, nil
}

// drawer draws the sandbox filing's impressions.
type drawer struct{ *impression.Drawer }

// Draw implements registry.Drawer.
func (d drawer) Draw(kind, name, number string) (png, svg []byte, width, height float64, err error) {
	p, err := d.Drawer.Draw(impression.Spec{Kind: impression.Kind(kind), Name: name, Number: number})
	return p.PNG, p.SVG, p.Width, p.Height, err
}

// millis is a clock as stores keep time.
func millis(now func() time.Time) func() time.Time {
	return func() time.Time { return now().UTC().Truncate(time.Millisecond) }
}
