package public

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/web/httpx"
)

// maxCode is the longest seal code (esID) that is looked for.
const maxCode = 32

// statusReply is the state of a seal at a time. Why it changed is its owner's
// affair and not told.
type statusReply struct {
	Code      string       `json:"code"`
	At        time.Time    `json:"at"`
	Known     bool         `json:"known"` // false before the seal was there
	State     status.State `json:"state,omitzero"`
	StateName string       `json:"state_name,omitzero"`
	// Usable: the state is usable and the time within the seal's validity.
	Usable    bool      `json:"usable"`
	ValidFrom time.Time `json:"valid_from"`
	ValidTo   time.Time `json:"valid_to"`
}

// status answers GET /v1/seals/{code}/status: the state now, or at a past time
// (电子印章管理办法: a verifier can learn the state at the time of stamping).
func (p *Public) status(c *fiber.Ctx) error {
	at, err := p.moment(c)
	if err != nil {
		return err
	}
	code := c.Params("code")
	if len(code) > maxCode || strings.Trim(code, "0123456789") != "" {
		return fault.Absent
	}
	seal, err := p.seals.Seal(c.UserContext(), code)
	if err != nil {
		return err
	}
	events, err := p.seals.History(c.UserContext(), code)
	if err != nil {
		return err
	}
	httpx.Note(c, "seal", code)
	return httpx.Reply(c, fiber.StatusOK, stateAt(seal, events, at, httpx.Lang(c)))
}

// moment reads at=, RFC 3339; the present without it. Nothing is known of the
// future.
func (p *Public) moment(c *fiber.Ctx) (time.Time, error) {
	now := p.now().UTC()
	given := c.Query("at")
	if given == "" {
		return now, nil
	}
	at, err := time.Parse(time.RFC3339, given)
	if err != nil || at.After(now) {
		return time.Time{}, fault.BadRequest.With("field", "at")
	}
	return at.UTC(), nil
}

func stateAt(seal *cloudseal.Seal, events []*cloudseal.Event, at time.Time, lang string) statusReply {
	history := make(status.History, len(events))
	for i, e := range events {
		history[i] = status.Event{State: e.State, From: e.From}
	}
	r := statusReply{Code: seal.ID, At: at, ValidFrom: seal.ValidFrom.UTC(), ValidTo: seal.ValidTo.UTC()}
	if r.State, r.Known = history.At(at); !r.Known {
		return r
	}
	zh, en := r.State.Name()
	if r.StateName = zh; lang == "en" {
		r.StateName = en
	}
	r.Usable = r.State == status.Usable && !at.Before(r.ValidFrom) && !at.After(r.ValidTo)
	return r
}
