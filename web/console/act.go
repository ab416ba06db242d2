package console

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
)

// Bytes is binary data on the wire: base64url without padding.
type Bytes []byte

// MarshalText writes it.
func (b Bytes) MarshalText() ([]byte, error) { return base64.RawURLEncoding.AppendEncode(nil, b), nil }

// UnmarshalText reads its one spelling.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		return errors.New("not base64url")
	}
	*b = v
	return nil
}

// Draft is the statement of an order, for the operator to look at and sign.
type Draft struct {
	ActID        string        `json:"act_id"`
	Kind         string        `json:"kind"`
	Statement    Bytes         `json:"statement"`
	StatementSM3 gm.Digest     `json:"statement_sm3"`
	Summary      []SummaryLine `json:"summary"`
	ExpiresAt    time.Time     `json:"expires_at"`
}

// SummaryLine is one row of a statement in words.
type SummaryLine struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Signature is an order with the signature over its statement.
type Signature struct {
	Order  Order `json:"order"`
	SigSM2 Bytes `json:"sig_sm2"`
	SigHW  Bytes `json:"sig_hw,omitzero"`
}

// Outcome is what an order brought about.
type Outcome struct {
	ActID       string       `json:"act_id"`
	Application *Application `json:"application,omitempty"`
	Invitation  string       `json:"invitation,omitzero"` // one-time enrolment code, told once
	System      *System      `json:"system,omitempty"`
}

// draft answers POST /v1/console/drafts.
func (con *Console) draft(c *fiber.Ctx) error {
	var order Order
	if err := httpx.Decode(c, &order); err != nil {
		return err
	}
	if err := order.check(); err != nil {
		return err
	}
	who := callerOf(c)
	if _, err := con.d.Authz.Operator(c.UserContext(), who, order.role()); err != nil {
		return err
	}
	act, err := con.write(c.UserContext(), who, order)
	if err != nil {
		return err
	}
	r, err := statement.ParseReview(act.Statement.Bytes)
	if err != nil {
		return err
	}
	d := Draft{
		ActID: act.ID, Kind: act.Kind, Statement: act.Statement.Bytes, StatementSM3: act.Statement.Hash(), ExpiresAt: act.Expires.UTC(),
	}
	for _, l := range r.Summary(httpx.Lang(c)) {
		d.Summary = append(d.Summary, SummaryLine(l))
	}
	return httpx.Reply(c, fiber.StatusCreated, d)
}

// write drafts the statement of an order.
func (con *Console) write(ctx context.Context, who authz.Caller, order Order) (*authz.Act, error) {
	subject, err := order.Subject()
	if err != nil {
		return nil, err
	}
	if order.Application == "" {
		return con.d.Authz.DraftReview(ctx, who, nil, order.Act, subject, statement.Approve, order.Note())
	}
	org, err := con.judged(ctx, order)
	if err != nil {
		return nil, err
	}
	return con.d.Authz.DraftReview(ctx, who, org, order.Act, subject, order.Opinion, order.Note())
}

// judged gives the organization of the application that an order is about, which
// must be the one that the operator looked at, in the state for this act.
func (con *Console) judged(ctx context.Context, order Order) (org *authz.Organization, err error) {
	app, err := con.find(ctx, order.Application)
	if err != nil {
		return nil, err
	}
	state := map[string]cloudseal.AppState{cloudseal.ActAccept: cloudseal.Waiting, cloudseal.ActReview: cloudseal.Accepted}[order.Act]
	switch {
	case app.State != state:
		return nil, fault.WrongState.With("state", string(app.State))
	case app.Claim.Hash() != order.Claim:
		return nil, fault.StatementChanged
	}
	err = con.d.Work.View(ctx, func(tx unit.Tx) error {
		org, err = con.d.Authz.OrganizationByUSCC(tx, app.Org)
		return err
	})
	return org, err
}

// sign answers POST /v1/console/acts/{id}/sign: the signature is verified, the
// order held against what was signed, and performed.
func (con *Console) sign(c *fiber.Ctx) error {
	var in Signature
	if err := httpx.Decode(c, &in); err != nil {
		return err
	}
	if err := in.Order.check(); err != nil {
		return err
	}
	who := callerOf(c)
	act, err := con.d.Authz.Sign(c.UserContext(), who, c.Params("id"), in.SigSM2, in.SigHW)
	if err != nil {
		return err
	}
	if err := matches(act, in.Order); err != nil {
		return err
	}
	httpx.Note(c, "act", act.ID)
	out, err := con.perform(c.UserContext(), who, act, in.Order)
	if err != nil {
		return err
	}
	return httpx.Reply(c, fiber.StatusOK, out)
}

// matches: the order is the one that the signed statement is about.
func matches(act *authz.Act, order Order) error {
	r, err := statement.ParseReview(act.Statement.Bytes)
	if err != nil {
		return fault.StatementChanged.Because(err)
	}
	subject, err := order.Subject()
	if err != nil {
		return err
	}
	if r.Act != order.Act || r.Subject != subject {
		return fault.StatementChanged
	}
	return nil
}

func (con *Console) perform(ctx context.Context, who authz.Caller, act *authz.Act, order Order) (Outcome, error) {
	switch order.Act {
	case ActInvite:
		return con.invite(ctx, who, act, order)
	case ActRegister:
		return con.register(ctx, who, act, order)
	case ActStop:
		return con.turn(ctx, con.d.Systems.StopApp, "app:"+order.SystemID, who, act, order)
	case ActRestore:
		return con.turn(ctx, con.d.Systems.RestoreApp, "app:"+order.SystemID, who, act, order)
	case ActUnlock:
		return con.turn(ctx, con.d.Authz.UnlockDevice, "device:"+order.DeviceID, who, act, order)
	case cloudseal.ActAccept:
		return con.opine(ctx, con.d.Applications.Accept, act, order)
	}
	return con.opine(ctx, con.d.Applications.Review, act, order)
}

type opine func(ctx context.Context, application, act string, defects ...cloudseal.Defect) (*cloudseal.Application, error)

// opine performs an opinion. A defect is the operator's own words in both
// languages: nobody translates them.
func (con *Console) opine(ctx context.Context, give opine, act *authz.Act, order Order) (Outcome, error) {
	defects := make([]cloudseal.Defect, len(order.Defects))
	for i, d := range order.Defects {
		defects[i] = cloudseal.Defect{Code: "operator", ZH: d, EN: d}
	}
	app, err := give(ctx, order.Application, act.ID, defects...)
	if err != nil {
		return Outcome{}, err
	}
	v := viewApplication(app)
	return Outcome{ActID: act.ID, Application: &v}, nil
}

// take uses the signed act up, so that it is performed once. What follows is
// another transaction: if that fails, the order is given anew.
func (con *Console) take(ctx context.Context, act *authz.Act, order Order, object string) error {
	return con.d.Work.Update(ctx, func(tx unit.Tx) error {
		_, err := con.d.Authz.Take(tx, act.ID, order.role(), object)
		return err
	})
}

func (con *Console) invite(ctx context.Context, who authz.Caller, act *authz.Act, order Order) (Outcome, error) {
	if err := con.take(ctx, act, order, "invitation"); err != nil {
		return Outcome{}, err
	}
	code, err := con.d.Authz.Invite(ctx, who.Person.ID, order.Roles)
	return Outcome{ActID: act.ID, Invitation: code}, err
}

type turn func(ctx context.Context, by, id, reason string) error

// turn stops something or lets it go on: a declaration system, a device.
func (con *Console) turn(ctx context.Context, do turn, object string, who authz.Caller, act *authz.Act, order Order) (Outcome, error) {
	if err := con.take(ctx, act, order, object); err != nil {
		return Outcome{}, err
	}
	_, id, _ := strings.Cut(object, ":")
	return Outcome{ActID: act.ID}, do(ctx, who.Person.ID, id, order.Reason)
}

func (con *Console) register(ctx context.Context, who authz.Caller, act *authz.Act, order Order) (Outcome, error) {
	n, err := order.System.app()
	if err != nil {
		return Outcome{}, err
	}
	if err := con.take(ctx, act, order, "app"); err != nil {
		return Outcome{}, err
	}
	app, key, err := con.d.Systems.Register(ctx, who.Person.ID, n)
	if err != nil {
		return Outcome{}, err
	}
	v := viewSystem(app)
	v.Key = key.ID
	return Outcome{ActID: act.ID, System: &v}, nil
}
