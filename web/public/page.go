package public

import (
	"embed"
	"fmt"
	"io/fs"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/ui"
)

//go:embed page
var pageFiles embed.FS

// page is the page for people: its own files, and the look that all pages share.
type page struct{ own, look fiber.Handler }

// newPage serves the page under the strictest policy: nothing but what lies on
// its own origin, so it also works where there is no network but this host.
func newPage() (page, error) {
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return page{}, fmt.Errorf("verify page: %w", err)
	}
	own, err := httpx.Static(files, httpx.Files{})
	if err != nil {
		return page{}, err
	}
	look, err := httpx.Static(ui.FS, httpx.Files{})
	return page{own, look}, err
}
