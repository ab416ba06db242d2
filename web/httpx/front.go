package httpx

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
)

// front is the first handler of every request and the last to touch its answer.
type front struct {
	d      Deps
	bodies bodyRules
	hosts  map[string]bool
}

func newFront(d Deps) *front {
	f := &front{d: d, bodies: d.Bodies, hosts: make(map[string]bool, len(d.Hosts))}
	for _, h := range d.Hosts {
		f.hosts[strings.ToLower(h)] = true
	}
	return f
}

// handle runs a request from the outside in and its answer from the inside out.
func (f *front) handle(c *fiber.Ctx) error {
	ev := f.begin(c)
	f.headers(c, ev)
	back, err := f.take(c)
	defer back()
	ev.start = f.d.Now()
	ctx, cancel := context.WithTimeout(context.Background(), f.d.Limits.Handle)
	defer cancel()
	c.SetUserContext(ctx)
	if err == nil {
		err = f.run(c, ev)
	}
	if err != nil {
		ev.fail(c, err)
	}
	f.finish(c, ev)
	return nil
}

// take admits a request and reads its body. One whose body is left unread is the
// last of its connection.
func (f *front) take(c *fiber.Ctx) (back func(), err error) {
	back = func() {}
	if err = f.admit(c); err == nil {
		back, err = f.read(c)
	}
	if err != nil && c.Request().IsBodyStream() {
		c.Context().SetConnectionClose()
	}
	return back, err
}

// run calls the handlers. Work is counted until the answer is made, so that a
// shutdown lets it end.
func (f *front) run(c *fiber.Ctx, ev *event) error {
	if probe(c) {
		return c.Next()
	}
	if f.d.Gate != nil {
		leave, err := f.d.Gate.Enter()
		if err != nil {
			return err
		}
		defer leave()
	}
	own := c.Route()
	err := calmly(c.Next)
	if ev.route == "" && c.Route() != own {
		ev.route = c.Route().Path
	}
	return err
}

// calmly turns a panic into an error, so that one request or probe cannot take
// the process down with all stamps under way.
func calmly(next func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicked{value: r, stack: debug.Stack()}
		}
	}()
	return next()
}

// panicked carries where it happened to the log.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// admit checks what holds for every request, whatever its route.
func (f *front) admit(c *fiber.Ctx) error {
	if !strings.HasPrefix(string(c.Request().Header.RequestURI()), "/") {
		// The absolute form would let the target name another host than Host.
		return fault.BadRequest.Becausef("request target is not a path")
	}
	if len(f.hosts) > 0 && !f.hosts[Host(c)] && !probe(c) && !slices.Contains(f.d.ByAddress, c.Path()) {
		return fault.HostUnknown
	}
	return plain(c)
}

// probe reports a health check, which comes by address and not by name.
func probe(c *fiber.Ctx) bool { return c.Path() == healthPath || c.Path() == readyPath }

// Host is the Host of the request in lower case, with its port when one was given.
func Host(c *fiber.Ctx) string { return strings.ToLower(string(c.Request().Header.Host())) }

// reject answers requests that were refused before any handler ran: too large,
// too slow, not HTTP.
func (f *front) reject(c *fiber.Ctx, err error) error {
	ev := eventOf(c)
	if ev == nil {
		ev = f.begin(c)
		f.headers(c, ev)
		defer f.finish(c, ev)
	}
	ev.fail(c, err)
	return nil
}

// translate gives the fault of an error, also of those fiber makes itself.
func translate(err error) *fault.Error {
	var fe *fiber.Error
	if !errors.As(err, &fe) {
		return fault.From(err)
	}
	switch {
	case fe.Code == fiber.StatusNotFound, fe.Code == fiber.StatusMethodNotAllowed:
		return fault.RouteUnknown
	case fe.Code == fiber.StatusRequestEntityTooLarge, fe.Code == fiber.StatusRequestHeaderFieldsTooLarge:
		return fault.BodyTooLarge
	case fe.Code < 500:
		return fault.BadRequest.Becausef("fiber: status %d", fe.Code)
	default:
		return fault.InternalError.Becausef("fiber: status %d", fe.Code)
	}
}

// fail answers with err. What is kept for the log is the fault, not fiber's
// words: those repeat the path.
func (ev *event) fail(c *fiber.Ctx, err error) {
	f := translate(err)
	doc := Problem(f, Lang(c))
	doc.Instance = ev.id
	ev.err, ev.code = f, doc.Code
	if doc.RetryAfter > 0 {
		c.Set(fiber.HeaderRetryAfter, strconv.Itoa(doc.RetryAfter))
	}
	c.Response().ResetBody()
	c.Response().Header.Del(fiber.HeaderContentEncoding)
	c.Response().Header.Del(fiber.HeaderETag)
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Status(doc.Status)
	if wantsPage(c) {
		writeProblemPage(c, doc)
		return
	}
	c.Set(fiber.HeaderContentType, ProblemType)
	c.Response().SetBodyRaw(doc.encode())
}

// wantsPage reports a person in front of a browser, who gets words instead of JSON.
func wantsPage(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet && strings.Contains(c.Get(fiber.HeaderAccept), "text/html")
}
