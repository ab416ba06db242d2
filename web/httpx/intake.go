package httpx

import (
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"yunzhang.dev/authz/fault"
)

const (
	// small is how much of a body may arrive before anybody has looked at its
	// request. It needs no budget: connections bound it, 160 MiB at 20,000.
	small = 8 << 10
	// bodyStep is what must arrive in each Limits.Stall.
	bodyStep = 64 << 10
)

// headed is called when a header has been read: no more than the beginning of a
// body is read before the request is looked at, and it has the time of a step.
func (f *front) headed(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	patience := or(f.bodies.pick(h).Read, f.d.Limits.Read)
	return fasthttp.RequestConfig{MaxRequestBodySize: small, ReadTimeout: min(patience, f.d.Limits.Stall)}
}

// read takes the body in, when there is room for what its header announces; back
// forgets it and gives the room back. A request that is refused here costs its
// connection, whose next bytes nobody could tell from a request.
func (f *front) read(c *fiber.Ctx) (back func(), err error) {
	back = func() {}
	req := c.Request()
	if !req.IsBodyStream() {
		return back, nil
	}
	rule := f.bodies.pick(&req.Header)
	size, limit := req.Header.ContentLength(), or(rule.Max, f.d.Limits.Body)
	switch {
	case size < 0:
		// Chunked. fasthttp does not tell the end of such a stream from one that
		// broke off between two chunks, and no room can be taken for it.
		return back, fault.BodyLength
	case size > limit:
		return back, fault.BodyTooLarge.With("limit", limit)
	}
	give := back
	if size > small {
		if give, err = f.d.Budget.Take(Sender(c), size); err != nil {
			return back, err
		}
	}
	in := patient{c: c.Context(), until: time.Now().Add(or(rule.Read, f.d.Limits.Read)), stall: f.d.Limits.Stall}
	body, err := in.whole(size)
	if err != nil {
		give()
		return back, err
	}
	// A buffer of our own, for the collector: fasthttp's pool would keep it.
	req.SetBodyRaw(body)
	// It goes before the answer is sent, which may take its reader a minute.
	return func() { req.ResetBody(); give() }, nil
}

// patient reads a body from its connection, and waits for each step of it but not
// for ever.
type patient struct {
	c     *fasthttp.RequestCtx
	until time.Time
	stall time.Duration
}

// whole reads size bytes. Memory is taken as they arrive, so that an announcement
// alone costs nothing.
func (p *patient) whole(size int) ([]byte, error) {
	body := make([]byte, 0, min(size, bodyStep))
	for len(body) < size {
		if len(body) == cap(body) {
			body = slices.Grow(body, more(len(body), size))
		}
		next := body[len(body):min(len(body)+bodyStep, cap(body), size)]
		if err := p.step(next); err != nil {
			return nil, err
		}
		body = body[:len(body)+len(next)]
	}
	return body, nil
}

// more says how much memory to add for the rest of size bytes: what is left behind
// by growing is a third of the body at most.
func more(have, size int) int {
	if 8*have >= size {
		return size - have
	}
	return 3 * have
}

// step fills b. What went wrong is told without the words of the connection,
// which name the sender's address.
func (p *patient) step(b []byte) error {
	deadline := time.Now().Add(p.stall)
	if deadline.After(p.until) {
		deadline = p.until
	}
	err := p.c.Conn().SetReadDeadline(deadline)
	if err == nil {
		_, err = io.ReadFull(p.c.RequestBodyStream(), b)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fault.BadRequest.Becausef("the body did not arrive in time")
	default:
		return fault.BadRequest.Becausef("the body broke off")
	}
}
