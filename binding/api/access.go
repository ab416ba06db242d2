package api

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/sign"
)

// keyring finds the registered key of one request, and keeps whose it is.
type keyring struct {
	binding *binding.Service
	app     *binding.App
}

// Key implements sign.Keys.
func (k *keyring) Key(ctx context.Context, kid string) (sign.Key, error) {
	app, key, err := k.binding.Key(ctx, kid)
	k.app = app
	return sign.SM2Key{Key: key}, err
}

type callerKey struct{}

// caller is the application that signed a request.
type caller struct {
	app   *binding.App
	nonce sign.Nonce
	spent bool // the nonce is: the request is no replay
}

func callerOf(c *fiber.Ctx) *caller {
	who, _ := c.Locals(callerKey{}).(*caller)
	return who
}

// appOf gives the application of a request, nil before its nonce is spent: a
// route that forgets to spend it serves nobody.
func appOf(c *fiber.Ctx) *binding.App {
	if who := callerOf(c); who.spent {
		return who.app
	}
	return nil
}

// authenticate verifies the request's signature and finds its application. The
// nonce is left to the route: spend, or client.
func (a *API) authenticate(c *fiber.Ctx) error {
	if err := a.addresses.Allow(httpx.Sender(c)); err != nil {
		return err
	}
	r, h := sign.Of(c, httpx.IsHTTPS(c))
	r.BodySM3 = httpx.BodySM3(c)
	ring := &keyring{binding: a.d.Binding}
	nonce, err := sign.Verifier{Keys: ring, Nonces: a.d.Nonces, Now: a.d.Now}.Check(c.UserContext(), r, h)
	if err != nil {
		return err
	}
	if err := a.clients.Allow(ring.app.ID); err != nil {
		return err
	}
	c.Locals(callerKey{}, &caller{app: ring.app, nonce: nonce})
	httpx.Note(c, "app", ring.app.ID)
	return c.Next()
}

// spend uses up the nonce of a request without Idempotency-Key.
func (a *API) spend(c *fiber.Ctx) error {
	who := callerOf(c)
	n := who.nonce
	if err := a.d.Nonces.Spend(c.UserContext(), n.KeyID, n.Value, n.Until); err != nil {
		return err
	}
	who.spent = true
	return c.Next()
}

// client says who asks, for idempotency. The nonce is spent with the claim of
// the key.
func (a *API) client(c *fiber.Ctx) httpx.Client {
	who := callerOf(c)
	return httpx.Client{Name: who.app.ID, Spend: func(tx unit.Tx) error {
		n := who.nonce
		if err := a.d.Nonces.SpendIn(tx, n.KeyID, n.Value, n.Until); err != nil {
			return err
		}
		who.spent = true
		return nil
	}}
}
