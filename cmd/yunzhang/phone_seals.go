package main

import (
	"errors"
	"os"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/mobileapi/client"
)

type sealsCmd struct{ orgFlag }

// Run lists the seals, and what can be claimed.
func (c sealsCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	place, err := h.place(c.Org, "legal")
	if err != nil {
		return err
	}
	seals, err := h.Phone.Seals(h.ctx, place.OrganizationID)
	if err != nil {
		return err
	}
	for _, s := range seals {
		e.printf("%s  %s  %s  %s  – %s\n", s.Code, s.KindName, s.Name, s.StateName, e.when(s.ValidTo))
	}
	filed, err := h.Impressions(h.ctx, place.OrganizationID)
	if err != nil {
		return err
	}
	for _, f := range filed {
		if f.Claimable {
			e.printf("%s  %s  %s\n", e.say("可领取", "claimable"), f.Kind, f.KindName)
		}
	}
	return nil
}

type claimSealCmd struct {
	Kind    string `arg:"" help:"类型：statutory 单位公章、finance 财务章等，见 seals。· Kind, as seals lists it."`
	Picture string `help:"印模图片，仅单位公章。· Picture of the impression; statutory seal only." type:"path" placeholder:"FILE"`
	orgFlag
}

// Run claims a seal; before the first one the service agreement is shown and
// signed.
func (c claimSealCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	place, err := h.place(c.Org, "legal")
	if err != nil {
		return err
	}
	var picture []byte
	if c.Picture != "" {
		if picture, err = os.ReadFile(c.Picture); err != nil {
			return err
		}
	}
	claim := func() (*client.Draft, error) { return h.DraftClaim(h.ctx, place, c.Kind, picture) }
	r, err := h.sign("claim", claim)
	if errors.Is(err, fault.AgreementMissing) {
		if err := h.agree(place); err != nil {
			return err
		}
		r, err = h.sign("claim", claim)
	}
	if err != nil {
		return err
	}
	h.tellApplication(r.Application)
	return nil
}

func (h *handset) agree(place client.Place) error {
	text, err := h.Agreement(h.ctx)
	if err != nil {
		return err
	}
	h.printf("%s\n", text.Text)
	_, err = h.sign("claim", func() (*client.Draft, error) { return h.DraftAgreement(h.ctx, place, text) })
	return err
}

func (h *handset) tellApplication(a *client.Application) {
	if a == nil {
		return
	}
	if a.SealCode != "" {
		h.printf(h.say("印章已制发：%s\n", "the seal is issued: %s\n"), a.SealCode)
		return
	}
	h.printf(h.say("申请 %s：%s，办理期限 %s\n", "application %s: %s, decided by %s\n"), a.ApplicationID, a.State, h.when(a.DecideBy))
	for _, d := range a.Defects {
		h.printf("  – %s\n", d.Text)
	}
}

type freezeCmd struct {
	Code   string `arg:"" help:"印章编码。· Code of the seal."`
	Reason string `help:"原因。· Reason." placeholder:"TEXT"`
}

// Run stops a seal; no PIN is asked for, because it must be quick.
func (c freezeCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	s, err := h.Phone.Freeze(h.ctx, c.Code, c.Reason)
	if err == nil {
		e.printf("%s  %s\n", s.Code, s.StateName)
	}
	return err
}

type unfreezeCmd struct {
	Code   string `arg:"" help:"印章编码。· Code of the seal."`
	Reason string `help:"原因。· Reason." placeholder:"TEXT"`
}

// Run makes a frozen seal usable again, which is signed behind the PIN and needs
// fresh evidence.
func (c unfreezeCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	s, err := h.Phone.Seal(h.ctx, c.Code)
	if err != nil {
		return err
	}
	if _, err := h.sign("seals", func() (*client.Draft, error) { return h.DraftUnfreeze(h.ctx, *s, c.Reason) }); err != nil {
		return err
	}
	if s, err = h.Phone.Seal(h.ctx, c.Code); err == nil {
		e.printf("%s  %s\n", s.Code, s.StateName)
	}
	return err
}
