package httpx

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

const (
	// MaxJSONDepth bounds nesting. The deepest request of the API has 5 levels.
	MaxJSONDepth = 16
	// MaxJSONTokens bounds the work of one body: a batch of 500 documents has
	// about 12 000.
	MaxJSONTokens = 50_000
	// MaxJSONNumber is the largest integer that every JSON reader understands
	// alike (RFC 8259 §6); beyond it two readers may see two amounts.
	MaxJSONNumber = 1 << 53
)

// Decode reads the JSON body of a request into v and refuses all that two
// readers could read differently: unknown, doubled and wrong-case members,
// invalid UTF-8, numbers beyond MaxJSONNumber, anything behind the value. The
// fault tells where and why, in its fields pointer and reason.
func Decode(c *fiber.Ctx, v any) error {
	if err := CheckMediaType(c, fiber.MIMEApplicationJSON); err != nil {
		return err
	}
	return DecodeJSON(c.Request().Body(), v)
}

// DecodeJSON is Decode for bytes.
func DecodeJSON(body []byte, v any) error {
	if err := scanJSON(body); err != nil {
		return err
	}
	if err := json.Unmarshal(body, v, json.RejectUnknownMembers(true)); err != nil {
		return describe(err)
	}
	return nil
}

// scanJSON checks the shape before any value is made of it, so that hostile
// bodies cost one pass and no memory.
func scanJSON(body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return badJSON("", "empty")
	}
	d := jsontext.NewDecoder(bytes.NewReader(body))
	for tokens := 0; ; tokens++ {
		token, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return describe(err)
		case tokens >= MaxJSONTokens:
			return fault.BodyTooLarge.With("reason", "tokens")
		case d.StackDepth() > MaxJSONDepth:
			return badJSON("", "depth")
		case token.Kind() == '0' && !safeNumber(token.String()):
			return badJSON(d.StackPointer(), "number")
		case d.StackDepth() == 0 && !atEnd(body, d.InputOffset()):
			return badJSON("", "trailing")
		}
	}
}

func atEnd(body []byte, offset int64) bool { return len(bytes.TrimSpace(body[offset:])) == 0 }

// safeNumber compares digits, because a float64 would round 2⁵³+1 to 2⁵³.
func safeNumber(text string) bool {
	if !strings.ContainsAny(text, ".eE") {
		n, err := strconv.ParseInt(text, 10, 64)
		return err == nil && -MaxJSONNumber <= n && n <= MaxJSONNumber
	}
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && math.Abs(f) < MaxJSONNumber
}

// describe names the place and the sort of an error, not the value: values may
// be personal.
func describe(err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		reason := "syntax"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			reason = "duplicate"
		}
		return badJSON(syntactic.JSONPointer, reason)
	}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		reason := "value"
		if errors.Is(err, json.ErrUnknownName) {
			reason = "unknown"
		}
		return badJSON(semantic.JSONPointer, reason)
	}
	return badJSON("", "value")
}

// maxPointer keeps a sender's own long names out of the answer.
const maxPointer = 120

func badJSON(at jsontext.Pointer, reason string) error {
	f := fault.BadRequest.Becausef("json: %s", reason).With("reason", reason)
	if at != "" && len(at) <= maxPointer {
		f = f.With("pointer", string(at))
	}
	return f
}

// Reply answers with v as JSON.
func Reply(c *fiber.Ctx, status int, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(false))
	if err != nil {
		return err
	}
	c.Status(status)
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Send(b)
}
