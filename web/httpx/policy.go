package httpx

import (
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Policy is the content security policy of a page (CSP Level 3). Its zero value
// allows what lies on the page's own origin and nothing inline, evaluated,
// framed or submitted. Fields only add named exceptions.
type Policy struct {
	// Connect are further origins for fetch and websockets, such as
	// "wss://ws.example.gov.cn".
	Connect []string
	// DataImages allows pictures made in the page (data: and blob:).
	DataImages bool
	// Camera allows the page to ask for the camera.
	Camera bool
	// FramedBy are origins that may put the page in a frame.
	FramedBy []string
	// WASM allows compiling WebAssembly, which is not eval.
	WASM bool
	// Opener keeps the tie to a page of another origin that opened this one, so
	// that the two can exchange messages. Without it the tie is cut.
	Opener bool
}

// String gives the header's value.
func (p Policy) String() string {
	script := []string{"'self'"}
	if p.WASM {
		script = append(script, "'wasm-unsafe-eval'")
	}
	img := []string{"'self'"}
	if p.DataImages {
		img = append(img, "data:", "blob:")
	}
	frames := []string{"'none'"}
	if len(p.FramedBy) > 0 {
		frames = p.FramedBy
	}
	return strings.Join([]string{
		"default-src 'none'",
		directive("script-src", script),
		"style-src 'self'",
		"font-src 'self'",
		directive("img-src", img),
		directive("connect-src", append([]string{"'self'"}, p.Connect...)),
		"manifest-src 'self'",
		"worker-src 'self'",
		"media-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		directive("frame-ancestors", frames),
		// No string can become markup or script in the page, whoever wrote it.
		"require-trusted-types-for 'script'",
		"trusted-types 'none'",
	}, "; ")
}

func directive(name string, sources []string) string {
	return name + " " + strings.Join(sources, " ")
}

// pageHeaders sets what belongs to a page on top of what every answer carries.
func pageHeaders(c *fiber.Ctx, p Policy) {
	c.Set(fiber.HeaderContentSecurityPolicy, p.String())
	camera := "()"
	if p.Camera {
		camera = "(self)"
	}
	c.Set(fiber.HeaderPermissionsPolicy, "camera="+camera+", microphone=(), geolocation=(), payment=(), usb=()")
	if p.Opener {
		c.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	}
	if len(p.FramedBy) > 0 {
		c.Response().Header.Del(fiber.HeaderXFrameOptions)
	}
}

// Page is a handler in front of pages that sets their policy.
func Page(p Policy) fiber.Handler {
	return func(c *fiber.Ctx) error {
		pageHeaders(c, p)
		return c.Next()
	}
}

// headers sets what every answer carries. API answers are never stored, never
// framed, never guessed at; handlers of pages and files replace what they must.
func (f *front) headers(c *fiber.Ctx, ev *event) {
	c.Set(fiber.HeaderXRequestID, ev.id)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	c.Set(fiber.HeaderReferrerPolicy, "no-referrer")
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'")
	if f.d.HTTPS {
		c.Set(fiber.HeaderStrictTransportSecurity, "max-age=63072000")
	}
}

// IsHTTPS reports whether the client reached us by TLS, here or at a trusted proxy.
func IsHTTPS(c *fiber.Ctx) bool {
	ev := eventOf(c)
	return c.Context().IsTLS() || ev != nil && ev.tls
}
