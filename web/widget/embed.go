// Package widget is the waiting page in the browser: ES modules without a build
// step, which a page of ours serves and a declaration system may load into its
// own.
//
// It owns how a ticket looks while somebody waits: the code, the number, the end.
// It decides nothing: states, times and words of refusal come from the socket
// (qrflow/ws). Its look stands on web/ui, the encoder of codes is in web/vendor.
package widget

import (
	"embed"
	"fmt"
	"net/url"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/ui"
	vendored "yunzhang.dev/web/vendor"
)

// FS holds the page and its modules.
//
//go:embed *.html *.js *.css
var FS embed.FS

// Settings is what the page must be told.
type Settings struct {
	// Socket is the address pages attach to, "wss://ws.example.gov.cn/v1/page".
	Socket string `json:"socket"`
}

// Mount serves the page under /widget/ and what it loads under /ui/ and /vendor/,
// its siblings. All of it may be loaded by pages of other origins.
func Mount(router fiber.Router, s Settings) error {
	socket, err := url.Parse(s.Socket)
	if err != nil || socket.Host == "" {
		return fmt.Errorf("widget: %q is not the address of a socket", s.Socket)
	}
	router.Get("/widget/settings.json", func(c *fiber.Ctx) error { return httpx.Reply(c, fiber.StatusOK, s) })
	policy := httpx.Policy{Connect: []string{socket.Scheme + "://" + socket.Host}, Opener: true}
	for path, files := range map[string]embed.FS{"/widget/*": FS, "/ui/*": ui.FS, "/vendor/*": vendored.FS} {
		handler, err := httpx.Static(files, httpx.Files{Policy: policy, Shared: true})
		if err != nil {
			return fmt.Errorf("widget: %w", err)
		}
		router.Get(path, handler)
	}
	return nil
}
