package httpx

import (
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

// ProblemType is the media type of problem documents (RFC 9457 §3).
const ProblemType = "application/problem+json"

// problemsPath is where every code has its page. The type of a problem is a
// relative reference (RFC 9457 §3.1.1), so that it leads to the host that was
// asked, whatever its name is.
const problemsPath = "/problems"

// statuses is the one place where a kind of fault becomes a status.
var statuses = map[fault.Kind]int{
	fault.Internal:        fiber.StatusInternalServerError,
	fault.Invalid:         fiber.StatusBadRequest,
	fault.Unauthenticated: fiber.StatusUnauthorized,
	fault.Forbidden:       fiber.StatusForbidden,
	fault.NotFound:        fiber.StatusNotFound,
	fault.Conflict:        fiber.StatusConflict,
	fault.Gone:            fiber.StatusGone,
	fault.LengthRequired:  fiber.StatusLengthRequired,
	fault.TooLarge:        fiber.StatusRequestEntityTooLarge,
	fault.MediaType:       fiber.StatusUnsupportedMediaType,
	fault.Unprocessable:   fiber.StatusUnprocessableEntity,
	fault.Locked:          fiber.StatusLocked,
	fault.StepUp:          fiber.StatusPreconditionRequired,
	fault.TooMany:         fiber.StatusTooManyRequests,
	fault.Unavailable:     fiber.StatusServiceUnavailable,
}

// retryDefaults are the hints for faults that name none: a client that is told
// "later" without a time comes back at once.
var retryDefaults = map[fault.Kind]time.Duration{
	fault.TooMany:     time.Second,
	fault.Unavailable: 5 * time.Second,
}

// Status gives the HTTP status of an error: that of its fault, 500 for any
// other error, 200 for nil.
func Status(err error) int {
	if err == nil {
		return fiber.StatusOK
	}
	if status, ok := statuses[translate(err).Kind]; ok {
		return status
	}
	return fiber.StatusInternalServerError
}

// ProblemDoc is a problem document (RFC 9457 §3). It is an error with a status,
// which is how huma takes it for its own.
type ProblemDoc struct {
	Type   string `json:"type" doc:"Address of the description of this code" example:"/problems/too-large"`
	Title  string `json:"title" doc:"The problem in words, in the language asked for"`
	Status int    `json:"status" doc:"HTTP status"`
	Detail string `json:"detail,omitempty" doc:"The problem with what can be done about it"`
	// Instance is the request id, by which the operator finds the cause.
	Instance   string `json:"instance,omitempty" doc:"Request id, also in X-Request-Id"`
	Code       string `json:"code" doc:"Stable code; decide on this, never on the words"`
	RetryAfter int    `json:"retry_after,omitempty" doc:"Seconds to wait before the next try"`
	// Fields are extension members (RFC 9457 §3.2), written beside the others.
	Fields map[string]any `json:"-"`
}

// Problem describes err for whoever asked. lang is "zh" or "en". Of an error
// that is no fault it tells nothing but that it happened.
func Problem(err error, lang string) ProblemDoc {
	f := translate(err)
	doc := ProblemDoc{
		Type:   problemsPath + "/" + f.Code,
		Title:  f.ZH,
		Status: Status(f),
		Code:   f.Code,
		Fields: f.Fields,
	}
	if lang == langEN {
		doc.Title = f.EN
	}
	doc.Detail = doc.Title
	if wait := or(f.RetryAfter, retryDefaults[f.Kind]); wait > 0 {
		doc.RetryAfter = int(math.Ceil(wait.Seconds()))
		doc.Detail += retryWords(lang, doc.RetryAfter)
	}
	return doc
}

func retryWords(lang string, seconds int) string {
	if lang == langEN {
		return fmt.Sprintf(" Try again in %d s.", seconds)
	}
	return fmt.Sprintf("（%d 秒后可重试）", seconds)
}

// Error gives the code.
func (p ProblemDoc) Error() string { return p.Code }

// GetStatus gives the status.
func (p ProblemDoc) GetStatus() int { return p.Status }

// ContentType answers ProblemType for JSON, whatever was negotiated.
func (p ProblemDoc) ContentType(string) string { return ProblemType }

// members are written in the order of RFC 9457, extensions behind them sorted.
type members struct {
	Type       string         `json:"type"`
	Title      string         `json:"title"`
	Status     int            `json:"status"`
	Detail     string         `json:"detail,omitzero"`
	Instance   string         `json:"instance,omitzero"`
	Code       string         `json:"code"`
	RetryAfter int            `json:"retry_after,omitzero"`
	Fields     map[string]any `json:",inline"`
}

// MarshalJSON writes the document with its extension members.
func (p ProblemDoc) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(members(p), json.Deterministic(true), jsontext.EscapeForHTML(true))
	if err != nil {
		return nil, fmt.Errorf("write problem %s: %w", p.Code, err)
	}
	return b, nil
}

// encode never fails: fields that cannot be written are left out.
func (p ProblemDoc) encode() []byte {
	b, err := p.MarshalJSON()
	if err != nil {
		p.Fields = nil
		b, _ = p.MarshalJSON()
	}
	return b
}
