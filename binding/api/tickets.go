package api

import (
	"encoding/base64"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/qrflow"
	"yunzhang.dev/web/httpx"
)

type appView struct {
	ID        string         `json:"app_id"`
	Name      string         `json:"name"`
	Origins   []string       `json:"origins"`
	Actions   []authz.Action `json:"actions"`
	SealKinds []string       `json:"seal_kinds"`
}

// openRequest asks for a ticket.
type openRequest struct {
	Purpose authz.Action `json:"purpose"`
	Subject struct {
		Account string `json:"account"`
		USCC    string `json:"uscc"`
		Person  string `json:"person"`
	} `json:"subject"`
	Case         string     `json:"case"`
	Origin       string     `json:"origin"`
	VerifierHash gm.Digest  `json:"verifier_hash"`
	Context      string     `json:"context"`
	Documents    []stampAsk `json:"documents"`
}

type stampAsk struct {
	Document string          `json:"document_id"`
	Seal     impression.Kind `json:"seal"`
	Page     int             `json:"page"`
	X        float64         `json:"x"` // mm from the left of the displayed page
	Y        float64         `json:"y"` // mm from its top
}

type openReply struct {
	Ticket    string    `json:"ticket_id"`
	PageToken string    `json:"page_token"`
	PageUntil time.Time `json:"page_until"`
	OpenUntil time.Time `json:"open_until"`
	SocketURL string    `json:"ws_url"`
}

func (a *API) open(c *fiber.Ctx) error {
	var r openRequest
	if err := httpx.Decode(c, &r); err != nil {
		return err
	}
	ask := binding.Ask{
		Action: r.Purpose, Account: r.Subject.Account, USCC: r.Subject.USCC, Person: r.Subject.Person, Case: r.Case,
		Origin: r.Origin, Context: r.Context, VerifierHash: r.VerifierHash,
	}
	for _, d := range r.Documents {
		ask.Stamps = append(ask.Stamps, binding.Placement{Document: d.Document, Kind: d.Seal, Page: d.Page, X: d.X, Y: d.Y})
	}
	opened, err := a.d.Binding.Open(c.UserContext(), appOf(c), ask, httpx.Kept(c, func(o qrflow.Opened) error {
		return httpx.Reply(c, fiber.StatusCreated, openReply{
			Ticket: o.Ticket, PageToken: o.PageToken, PageUntil: o.PageUntil, OpenUntil: o.OpenUntil, SocketURL: a.d.SocketURL,
		})
	}))
	if err != nil {
		return err
	}
	httpx.Note(c, "ticket", opened.Ticket)
	return nil
}

type statusReply struct {
	Ticket  string `json:"ticket_id"`
	Purpose string `json:"purpose"`
	State   string `json:"state"`
	LastSeq int64  `json:"last_seq"`
	Reason  string `json:"reason,omitempty"`
	// Revoked: end the session or binding that came of it.
	Revoked bool `json:"revoked"`
}

func (a *API) status(c *fiber.Ctx) error {
	st, err := a.d.Flow.Status(c.UserContext(), appOf(c).ID, c.Params("id"))
	if err != nil {
		return err
	}
	return httpx.Reply(c, fiber.StatusOK, statusReply{
		Ticket: st.Ticket, Purpose: st.Purpose, State: string(st.State), LastSeq: st.LastSeq, Reason: st.Reason, Revoked: st.Killed,
	})
}

func (a *API) cancel(c *fiber.Ctx) error {
	if err := a.d.Flow.Withdraw(c.UserContext(), appOf(c).ID, c.Params("id")); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

type redeemRequest struct {
	ResultCode string `json:"result_code"`
	Verifier   string `json:"verifier"` // base64url
}

// bindingView is a binding on the wire: the certificate identifier is the seal
// code, stable over renewals, with the serial beside it.
type bindingView struct {
	State       authz.State `json:"state"`
	Account     string      `json:"account"`
	USCC        string      `json:"uscc"`
	Certificate string      `json:"certificate_id"`
	Serial      string      `json:"certificate_serial"`
	Agent       string      `json:"agent"`
	Since       time.Time   `json:"since"`
}

type redeemReply struct {
	Ticket    string         `json:"ticket_id"`
	Purpose   authz.Action   `json:"purpose"`
	Account   string         `json:"account,omitempty"`
	USCC      string         `json:"uscc"`
	OrgName   string         `json:"org_name"`
	Person    string         `json:"person"`
	Name      string         `json:"person_name"`
	At        time.Time      `json:"approved_at"`
	Statement gm.Digest      `json:"statement_sm3"`
	Binding   *bindingView   `json:"binding,omitempty"`
	Documents []documentView `json:"documents,omitempty"`
}

func (a *API) redeem(c *fiber.Ctx) error {
	var r redeemRequest
	if err := httpx.Decode(c, &r); err != nil {
		return err
	}
	verifier, err := base64.RawURLEncoding.Strict().DecodeString(r.Verifier)
	if err != nil {
		return fault.BadRequest.With("field", "verifier")
	}
	out, err := a.d.Binding.Redeem(c.UserContext(), appOf(c), c.Params("id"), r.ResultCode, verifier)
	if err != nil {
		return err
	}
	return httpx.Reply(c, fiber.StatusOK, viewResult(out))
}

func viewResult(out *binding.Result) redeemReply {
	v := redeemReply{
		Ticket: out.Ticket, Purpose: out.Action, Account: out.Account, USCC: out.Party.USCC, OrgName: out.Party.Name,
		Person: out.Person.ID, Name: out.Person.Name, At: out.At, Statement: out.Statement, Binding: viewBinding(out.Binding),
	}
	for i := range out.Documents {
		v.Documents = append(v.Documents, viewDocument(&out.Documents[i]))
	}
	return v
}

func viewBinding(b *binding.Binding) *bindingView {
	if b == nil {
		return nil
	}
	return &bindingView{
		State: b.State, Account: b.Account, USCC: b.USCC, Certificate: b.Seal, Serial: b.Serial, Agent: b.Agent, Since: b.Since,
	}
}

func (a *API) evidence(c *fiber.Ctx) error {
	bundle, err := a.d.Binding.Bundle(c.UserContext(), appOf(c), c.Params("id"))
	return sendBundle(c, bundle, err)
}

func (a *API) documentEvidence(c *fiber.Ctx) error {
	bundle, err := a.d.Binding.DocumentBundle(c.UserContext(), appOf(c), c.Params("id"))
	return sendBundle(c, bundle, err)
}

func sendBundle(c *fiber.Ctx, bundle []byte, err error) error {
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(bundle)
}

func (a *API) save(c *fiber.Ctx) error {
	b, err := a.d.Binding.SaveBinding(c.UserContext(), appOf(c).ID, c.Params("id"))
	if err != nil {
		return err
	}
	return httpx.Reply(c, fiber.StatusOK, viewBinding(b))
}

type accountRequest struct {
	Account string `json:"account"`
}

func (a *API) lookup(c *fiber.Ctx) error {
	var r accountRequest
	if err := httpx.Decode(c, &r); err != nil {
		return err
	}
	b, err := a.d.Binding.BindingOf(c.UserContext(), appOf(c).ID, r.Account)
	if err != nil {
		return err
	}
	return httpx.Reply(c, fiber.StatusOK, viewBinding(b))
}

func (a *API) unbind(c *fiber.Ctx) error {
	var r accountRequest
	if err := httpx.Decode(c, &r); err != nil {
		return err
	}
	return a.d.Binding.Unbind(c.UserContext(), appOf(c).ID, r.Account, httpx.Kept(c, func(*binding.Binding) error {
		return c.SendStatus(fiber.StatusNoContent)
	}))
}
