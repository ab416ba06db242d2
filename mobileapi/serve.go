package mobileapi

import (
	"net/url"
	"slices"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/web/httpx"
)

type callKey struct{}

func callOf(c *fiber.Ctx) *call {
	x, _ := c.Locals(callKey{}).(*call)
	return x
}

// chain gives the handlers of an operation in their order.
func (a *API) chain(o *operation) []fiber.Handler {
	steps := []fiber.Handler{a.receive(o)}
	if !o.open {
		steps = append(steps, a.identify(o))
	}
	steps = append(steps, a.brake(o))
	if o.changes {
		steps = append(steps, httpx.Idempotent(veil{a.Idempotency}, client))
	}
	return append(steps, a.run(o))
}

// receive is checks 1 and 2 of protocol.md §2.7: everything that can be said of
// the request without knowing who sends it. The nonce is set first, so that a
// refusal carries one too.
func (a *API) receive(o *operation) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(NonceHeader, a.Authz.NewNonce())
		x := &call{lang: httpx.Lang(c), o: o, c: c}
		c.Set(fiber.HeaderContentLanguage, x.lang)
		c.Locals(callKey{}, x)
		var err error
		if x.in, err = a.body(c, o); err != nil {
			return err
		}
		if x.args, err = a.arguments(c, o); err != nil {
			return err
		}
		if err := a.brakes.address.Allow(httpx.Sender(c)); err != nil {
			return err
		}
		return o.told(c, c.Next())
	}
}

// told marks a refusal that the document does not promise, so that the log
// shows what it lacks.
func (o *operation) told(c *fiber.Ctx, err error) error {
	if err == nil {
		return nil
	}
	refusal := fault.From(err)
	if !slices.ContainsFunc(o.all(), func(f *fault.Error) bool { return f.Code == refusal.Code }) {
		httpx.Note(c, "undeclared", refusal.Code)
	}
	return err
}

// body reads and checks the body.
func (a *API) body(c *fiber.Ctx, o *operation) (any, error) {
	raw, limit := c.Request().Body(), o.body
	if limit == 0 {
		limit = a.Limits.Body
	}
	if len(raw) > limit {
		return nil, fault.BodyTooLarge.With("limit", limit)
	}
	if o.in.none() {
		if len(raw) > 0 {
			return nil, refuse("", "no body is expected")
		}
		return none{}, nil
	}
	if err := httpx.CheckMediaType(c, fiber.MIMEApplicationJSON); err != nil {
		return nil, err
	}
	in, err := o.accept(raw)
	if err != nil {
		return nil, listed(err)
	}
	return in, a.schemas.check(o.in.of, raw)
}

// arguments reads the query: declared names only, each once, each of its form.
func (a *API) arguments(c *fiber.Ctx, o *operation) (map[string]string, error) {
	given, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		return nil, refuse("", "the query is not of its form")
	}
	args := make(map[string]string, len(given))
	for name, values := range given {
		i := slices.IndexFunc(o.query, func(p parameter) bool { return p.name == name })
		if i < 0 || len(values) != 1 || !a.schemas.matches(o.query[i].pattern, values[0]) {
			return nil, refuse("", "the query has a parameter that is unknown, doubled or not of its form")
		}
		args[name] = values[0]
	}
	return args, nil
}

// identify is check 3: the device proves the request, and what changes
// something uses its nonce up, with its Idempotency-Key where it needs one.
func (a *API) identify(o *operation) fiber.Handler {
	return func(c *fiber.Ctx) error {
		proof, err := ParseProof(c.Get(fiber.HeaderAuthorization))
		if err != nil {
			return err
		}
		r := authz.Request{
			Method: c.Method(), Path: string(c.Request().Header.RequestURI()), Body: httpx.BodySM3(c),
			Idempotency: c.Get(httpx.IdempotencyKey),
		}
		x := callOf(c)
		x.who, err = a.Authz.Identify(c.UserContext(), proof, r, !o.changes && c.Method() != fiber.MethodGet)
		if err != nil {
			return err
		}
		x.who.From = httpx.ClientIP(c)
		if o.changes {
			x.spend = func(tx unit.Tx) error { return a.Authz.Burn(tx, proof) }
		}
		httpx.Note(c, "device", x.who.Device.ID)
		return c.Next()
	}
}

// brake is the second half of check 2: what one device and the person who holds
// it, or for open operations one address, may ask for.
func (a *API) brake(o *operation) fiber.Handler {
	return func(c *fiber.Ctx) error {
		key := httpx.Sender(c)
		if !o.open {
			key = callOf(c).who.Device.ID
			if err := a.thumb(o, callOf(c).who); err != nil {
				return err
			}
		}
		if o.limiter != nil {
			if err := o.limiter.Allow(key); err != nil {
				return err
			}
		}
		return c.Next()
	}
}

// thumb bounds the ordinary requests of a device, and those of a person's devices
// together; a phone that fetches documents by itself has an allowance for them.
func (a *API) thumb(o *operation, who authz.Caller) error {
	if o.instead != nil {
		return o.instead.Allow(who.Device.ID)
	}
	if err := a.brakes.device.Allow(who.Device.ID); err != nil {
		return err
	}
	return a.brakes.person.Allow(who.Person.ID)
}

// client says who asks, for idempotency: the device, or everybody together
// where there is none yet. Keys have 128 bits, so strangers do not meet.
func client(c *fiber.Ctx) httpx.Client {
	x := callOf(c)
	if id := x.who.Device.ID; id != "" {
		return httpx.Client{Name: id, Spend: x.spend}
	}
	return httpx.Client{Name: "open"}
}

func (a *API) run(o *operation) fiber.Handler {
	return func(c *fiber.Ctx) error {
		out, err := o.do(c.UserContext(), callOf(c))
		if err != nil {
			return err
		}
		return answer(c, o, out)
	}
}

func answer(c *fiber.Ctx, o *operation, out any) error {
	switch v := out.(type) {
	case none:
		return c.SendStatus(fiber.StatusNoContent)
	case file:
		c.Set(fiber.HeaderContentType, v.MediaType)
		c.Set(fiber.HeaderContentDisposition, "attachment")
		return c.Send(v.Bytes)
	}
	return httpx.Reply(c, o.success(), out)
}
