package httpx

import (
	"bytes"
	"io"
	"mime"
	"net"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
)

type bodyRules []BodyRule

// small is how much of a body may arrive before anybody has looked at its
// request. It needs no budget: connections bound it, 160 MiB at 20,000.
const small = 8 << 10

// bodyIdle ends a body of which nothing more arrives, long before the time for
// the whole of it is over.
const bodyIdle = 10 * time.Second

// pick chooses the rule of a request by its header; the longest prefix wins.
func (rules bodyRules) pick(h *fasthttp.RequestHeader) (best BodyRule) {
	for _, r := range rules {
		if r.covers(h) && len(r.Prefix) >= len(best.Prefix) {
			best = r
		}
	}
	return best
}

// headed is called when a header has been read: no more than the beginning of a
// body is read before the request is looked at.
func (rules bodyRules) headed(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	return fasthttp.RequestConfig{MaxRequestBodySize: small, ReadTimeout: rules.pick(h).Read}
}

// read takes the body in, when there is room for what its header announces; back
// gives the room back. A request that is refused here costs its connection, whose
// next bytes nobody could tell from a request.
func (f *front) read(c *fiber.Ctx) (back func(), err error) {
	back = func() {}
	stream := c.Context().RequestBodyStream()
	if stream == nil {
		return back, nil
	}
	rule := f.bodies.pick(&c.Request().Header)
	limit := or(rule.Max, f.d.Limits.Body)
	size := c.Request().Header.ContentLength()
	if size > limit {
		return back, fault.BodyTooLarge.With("limit", limit)
	}
	room := size
	if size < 0 { // chunked: the end is seen when it is there
		room = limit
	}
	if room > small {
		if back, err = f.d.Budget.Take(Sender(c), room); err != nil {
			return func() {}, err
		}
	}
	in := patient{conn: c.Context().Conn(), in: stream, until: time.Now().Add(or(rule.Read, f.d.Limits.Read))}
	body, err := in.whole(size, limit)
	if err == nil {
		c.Request().SetBodyRaw(body)
	}
	return back, err
}

// patient reads from a connection, and waits for each piece but not for ever.
type patient struct {
	conn  net.Conn
	in    io.Reader
	until time.Time
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	next := time.Now().Add(bodyIdle)
	if next.After(p.until) {
		next = p.until
	}
	if err := p.conn.SetReadDeadline(next); err != nil {
		return 0, err
	}
	return p.in.Read(b)
}

// whole reads a body of a known size, or (negative) to its end.
func (p *patient) whole(size, limit int) ([]byte, error) {
	if size >= 0 {
		body := make([]byte, size)
		if _, err := io.ReadFull(p, body); err != nil {
			return nil, fault.BadRequest.Becausef("body: %w", err)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(p, int64(limit)+1))
	if err != nil {
		return nil, fault.BadRequest.Becausef("body: %w", err)
	}
	if len(body) > limit {
		return nil, fault.BodyTooLarge.With("limit", limit)
	}
	return body, nil
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
