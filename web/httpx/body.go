package httpx

import (
	"bytes"
	"mime"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
)

type bodyRules []BodyRule

// pick chooses the rule of a request by its header; the longest prefix wins.
func (rules bodyRules) pick(h *fasthttp.RequestHeader) (best BodyRule) {
	for _, r := range rules {
		if r.covers(h) && len(r.Prefix) >= len(best.Prefix) {
			best = r
		}
	}
	return best
}

func (r BodyRule) covers(h *fasthttp.RequestHeader) bool {
	if r.Method != "" && r.Method != string(h.Method()) {
		return false
	}
	path, _, _ := bytes.Cut(h.RequestURI(), []byte{'?'})
	rest, ok := strings.CutPrefix(string(path), r.Prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(r.Prefix, "/"))
}

// Body is a handler in front of another that wants a body of one of the media
// types and of at most limit bytes.
func Body(limit int, types ...string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if len(c.Request().Body()) > limit {
			return fault.BodyTooLarge.With("limit", limit)
		}
		if err := CheckMediaType(c, types...); err != nil {
			return err
		}
		return c.Next()
	}
}

type bodySM3Key struct{}

// BodySM3 is the SM3 of the request's body as received. Whoever asks first has
// it computed, once for the request.
func BodySM3(c *fiber.Ctx) gm.Digest {
	if d, ok := c.Locals(bodySM3Key{}).(gm.Digest); ok {
		return d
	}
	d := gm.SM3(c.Request().Body())
	c.Locals(bodySM3Key{}, d)
	return d
}

// CheckMediaType refuses a body that is not of one of the types. The only
// parameter that may be given is charset=utf-8, and a coded body (gzip) is never
// accepted: what is small on the wire stays small in memory.
func CheckMediaType(c *fiber.Ctx, types ...string) error {
	got, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	if err != nil {
		return fault.BadMediaType.Because(err)
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return fault.BadMediaType.Becausef("parameter %s", name)
		}
	}
	for _, t := range types {
		if got == t {
			return nil
		}
	}
	return fault.BadMediaType.With("accepts", types)
}

// plain refuses coded request bodies. fiber would decode them in Body() without
// a bound.
func plain(c *fiber.Ctx) error {
	if enc := c.Get(fiber.HeaderContentEncoding); enc != "" && enc != "identity" {
		return fault.BadMediaType.Becausef("content encoding")
	}
	return nil
}
