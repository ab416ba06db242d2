package ws

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/web/httpx"
)

// Path is where pages attach.
const Path = "/v1/page"

// subprotocol is the only one that is answered; tokens travel as further
// "subprotocols" because a browser's script can set nothing else, and a URL is
// written into logs.
const (
	subprotocol  = "cseal.v1"
	pagePrefix   = "tkt."
	resumePrefix = "res."
	maxToken     = 200
)

// visitor is who stands behind a socket, in copies that outlive the request.
type visitor struct {
	ip     string // counted by
	lang   string
	header http.Header // what the upgrade needs
}

// Mount adds the route to the socket host's router.
func (h *Hub) Mount(router fiber.Router) { router.All(Path, h.handle) }

// handle is the handshake up to the upgrade.
func (h *Hub) handle(c *fiber.Ctx) error {
	a, status := h.examine(c)
	if status != 0 {
		return bare(c, status)
	}
	who := visitor{ip: httpx.Sender(c), lang: httpx.Lang(c), header: upgradeHeader(c)}
	leave, err := h.enter(who.ip)
	if err != nil {
		return h.refuse(c, err)
	}
	ctx, cancel := context.WithTimeout(c.UserContext(), h.limits.DomainFor)
	defer cancel()
	view, err := h.d.Tickets.Attach(ctx, a)
	if err != nil {
		leave()
		return h.refuse(c, err)
	}
	httpx.Note(c, "ticket", view.Ticket)
	c.Status(fiber.StatusSwitchingProtocols) // for the log; the upgrade writes the answer
	h.takeOver(c.Context(), func(conn conn) { h.serve(conn, who, view, leave) })
	return nil
}

func (h *Hub) refuse(c *fiber.Ctx, err error) error {
	httpx.Note(c, "refused", err.Error())
	return bare(c, httpx.Status(err))
}

// bare answers a failed handshake: a status, no body, nothing to learn from.
func bare(c *fiber.Ctx, status int) error {
	c.Status(status)
	c.Response().ResetBody()
	return nil
}

// examine checks everything that can be checked without the domain, in the order
// of the package doc. status 0 means passed.
func (h *Hub) examine(c *fiber.Ctx) (a Attach, status int) {
	if !h.hosts[httpx.Host(c)] {
		return a, fiber.StatusMisdirectedRequest
	}
	if !websocketRequest(c) {
		return a, fiber.StatusBadRequest
	}
	if strings.Contains(string(c.Request().Header.RequestURI()), "?") {
		return a, fiber.StatusBadRequest // a token must never be in a URL
	}
	origins := c.Request().Header.PeekAll(fiber.HeaderOrigin)
	if len(origins) != 1 || !h.wellFormed(string(origins[0])) {
		return a, fiber.StatusForbidden
	}
	a.Origin = string(origins[0])
	token, resume, ok := offered(c)
	if !ok {
		return a, fiber.StatusUnauthorized
	}
	a.Token, a.Resume = token, resume
	return a, 0
}

// websocketRequest checks the request's form (RFC 6455 §4.2.1).
func websocketRequest(c *fiber.Ctx) bool {
	key, err := base64.StdEncoding.DecodeString(c.Get("Sec-WebSocket-Key"))
	return c.Method() == fiber.MethodGet &&
		strings.EqualFold(c.Get(fiber.HeaderUpgrade), "websocket") &&
		hasToken(c.Get(fiber.HeaderConnection), "upgrade") &&
		c.Get("Sec-WebSocket-Version") == "13" &&
		err == nil && len(key) == 16
}

func hasToken(list, want string) bool {
	for item := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(item), want) {
			return true
		}
	}
	return false
}

// offered reads the subprotocols: ours and one token, nothing else.
func offered(c *fiber.Ctx) (token string, resume, ok bool) {
	var items []string
	for _, line := range c.Request().Header.PeekAll("Sec-WebSocket-Protocol") {
		for item := range strings.SplitSeq(string(line), ",") {
			items = append(items, strings.TrimSpace(item))
		}
	}
	if len(items) != 2 || items[0] != subprotocol {
		return "", false, false
	}
	if token, ok = strings.CutPrefix(items[1], pagePrefix); !ok {
		token, resume = strings.CutPrefix(items[1], resumePrefix)
		ok = resume
	}
	return token, resume, ok && token != "" && len(token) <= maxToken
}

// wellFormed reports an origin as browsers write it: https, lower case, a host,
// perhaps a port, nothing behind it. Whether it is the application's is for the
// domain.
func (h *Hub) wellFormed(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || strings.ToLower(origin) != origin {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && h.d.LoopbackOrigins && loopback(u.Hostname())
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

// upgradeHeader copies what the upgrade reads. The token is not among it.
func upgradeHeader(c *fiber.Ctx) http.Header {
	return http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":      {c.Get("Sec-WebSocket-Key")},
		"Sec-Websocket-Protocol": {subprotocol},
	}
}
