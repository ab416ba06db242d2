package httpx

import (
	"sync"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"yunzhang.dev/authz/fault"
)

// NewSite makes an app for routes that live under host names of their own. It
// has the settings of NewServer and nothing in front: requests reach it through
// Sites.
func NewSite() *fiber.App {
	app := fiber.New(settings(Deps{}.withDefaults().Limits, nil))
	app.Use(func(c *fiber.Ctx) error {
		own, ev := c.Route(), eventOf(c)
		if ev == nil {
			return fault.InternalError.Becausef("site without a server in front")
		}
		// The error is carried past fiber, whose error handler would answer it here.
		ev.err, ev.route = calmly(c.Next), unmatched
		if c.Route() != own {
			ev.route = c.Route().Path
		}
		return nil
	})
	return app
}

// Sites sends every request that reaches it to the site of its Host. It is the
// last thing added to a server; a host without a site has no routes but the
// server's own. Cookies, policies and scripts of one site do not reach another,
// because a browser sees different origins.
func Sites(server *fiber.App, byHost map[string]*fiber.App) {
	handlers := make(map[string]func() fasthttp.RequestHandler, len(byHost))
	for host, site := range byHost {
		// The first request closes the list of routes.
		handlers[host] = sync.OnceValue(site.Handler)
	}
	server.Use(func(c *fiber.Ctx) error {
		handler, ok := handlers[Host(c)]
		ev := eventOf(c)
		if !ok {
			ev.route = unmatched
			return fault.RouteUnknown
		}
		handler()(c.Context())
		err := ev.err
		ev.err = nil
		return err
	})
}
