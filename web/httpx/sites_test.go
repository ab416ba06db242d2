package httpx_test

import (
	"errors"
	"testing"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

func TestSitesAreToldApartByHost(t *testing.T) {
	t.Parallel()
	log := &logbook{}
	portal, public := httpx.NewSite(), httpx.NewSite()
	portal.Get("/items/:id", func(c *fiber.Ctx) error { return c.SendString("portal " + c.Params("id")) })
	portal.Get("/fails", func(*fiber.Ctx) error { return fault.Absent.Because(errors.New("row")) })
	portal.Get("/panics", func(*fiber.Ctx) error { panic("x") })
	public.Get("/items/:id", func(c *fiber.Ctx) error {
		if _, ok := c.UserContext().Deadline(); !ok {
			return errors.New("the server's context did not come along")
		}
		return c.SendString("public " + c.Params("id"))
	})
	server := httpx.NewServer(httpx.Deps{Log: log.logger()})
	httpx.Sites(server, map[string]*fiber.App{"portal.localhost:80": portal, "verify.localhost": public})

	for _, tc := range []struct {
		host, path, body, route string
		status                  int
	}{
		{"portal.localhost:80", "/items/1", "portal 1", "/items/:id", 200},
		{"verify.localhost", "/items/2", "public 2", "/items/:id", 200},
		{"portal.localhost:80", "/fails", "", "/fails", 404},
		{"portal.localhost:80", "/panics", "", "/panics", 500},
		{"portal.localhost:80", "/none", "", "unmatched", 404},
		{"verify.localhost", "/fails", "", "unmatched", 404},
		{"other", "/items/1", "", "unmatched", 404},
		{"portal.localhost:80", "/problems/host", "", "/problems/:code", 200},
	} {
		a := call(t, server, "GET", tc.path, "", "Host", tc.host)
		line := log.last(t)
		if a.status != tc.status || tc.body != "" && a.body != tc.body || line["route"] != tc.route {
			t.Errorf("%+v: %d %s, log %v", tc, a.status, a.body, line)
		}
		if a.status >= 400 && a.problem(t)["instance"] != line["id"] {
			t.Errorf("%+v: %s", tc, a.body)
		}
	}
}

func TestSiteAloneAnswersNothing(t *testing.T) {
	t.Parallel()
	site := httpx.NewSite()
	site.Get("/", func(c *fiber.Ctx) error { return c.SendString("unguarded") })
	if a := call(t, site, "GET", "/", ""); a.status != 500 {
		t.Errorf("%d %s", a.status, a.body)
	}
}
