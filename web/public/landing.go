package public

import (
	_ "embed"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/web/httpx"
)

//go:embed landing.html
var landing []byte

// Landing serves the page behind the address in QR codes. The code itself is in
// the fragment, which no browser sends: a generic scanner that opens the address
// ends here and is told what to do.
func Landing(site fiber.Router) {
	site.Get("/q", httpx.Page(httpx.Policy{}), func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
		c.Set(fiber.HeaderCacheControl, "public, max-age=3600")
		return c.Send(landing)
	})
}
