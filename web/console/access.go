package console

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/deviceproof"
)

type callerKey struct{}

func callerOf(c *fiber.Ctx) authz.Caller {
	who, _ := c.Locals(callerKey{}).(authz.Caller)
	return who
}

// identify proves the request by its device and lets operators in, nobody else.
// The nonce for the next request is set first, so that a refusal carries one too.
func (con *Console) identify(c *fiber.Ctx) error {
	c.Set(deviceproof.NonceHeader, con.d.Authz.NewNonce())
	proof, err := deviceproof.Parse(c.Get(fiber.HeaderAuthorization))
	if err != nil {
		return err
	}
	r := authz.Request{
		Method: c.Method(), Path: string(c.Request().Header.RequestURI()), Body: gm.SM3(c.Request().Body()),
		Idempotency: c.Get(httpx.IdempotencyKey),
	}
	who, err := con.d.Authz.Identify(c.UserContext(), authz.Proof(proof), r, c.Method() != fiber.MethodGet)
	if err != nil {
		return err
	}
	c.Locals(callerKey{}, who)
	httpx.Note(c, "operator", who.Person.ID)
	return con.need(roles()...)(c)
}

func roles() []string {
	return []string{authz.RoleClerk, authz.RoleReviewer, authz.RoleBusiness, authz.RoleAuditor}
}

// need lets in who holds one of the roles; for everybody else it is
// fault.RoleMissing.
func (con *Console) need(any ...string) fiber.Handler {
	return func(c *fiber.Ctx) error {
		held, err := con.held(c.UserContext(), callerOf(c), any)
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return fault.RoleMissing
		}
		return c.Next()
	}
}

// held gives those of the roles that a person holds.
func (con *Console) held(ctx context.Context, who authz.Caller, of []string) (held []string, err error) {
	for _, role := range of {
		_, err := con.d.Authz.Operator(ctx, who, role)
		switch {
		case err == nil:
			held = append(held, role)
		case !errors.Is(err, fault.RoleMissing):
			return nil, err
		}
	}
	return held, nil
}
