package mobileapi

import (
	"context"
	"reflect"
	"strings"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/web/httpx"
)

// operation describes one request: it is the route and its page of the
// document.
type operation struct {
	method string
	path   string // names in braces
	id     string // operationId
	tag    string
	zh, en string // what it does, in one line
	note   string // what one must know to use it
	open   bool   // no device proof
	// changes: a repetition must not do it twice, so an Idempotency-Key is
	// demanded. Every POST has it but those that say why not.
	changes bool
	status  int // of success; 0: 200, or 204 when nothing is answered
	query   []parameter
	limiter *httpx.Limiter // beside those of address and device
	instead *httpx.Limiter // in place of the device's, which is for what a thumb can do
	body    int            // bytes; 0: Limits.Body
	faults  []*fault.Error // beside those that the pipeline itself can answer

	in, out payload
	accept  func(body []byte) (any, error)
	do      func(ctx context.Context, c *call) (any, error)
}

// payload is what goes in or out: its type, and an example of it.
type payload struct {
	of      reflect.Type
	example any
}

// none is a body that is not there.
type none struct{}

func (p payload) none() bool { return p.of == reflect.TypeFor[none]() }

// file is an answer that is not JSON.
type file struct{ Document }

func (p payload) file() bool { return p.of == reflect.TypeFor[file]() }

// parameter is a value of the query.
type parameter struct {
	name, zh, en string
	pattern      string
	example      string
}

// call is a request on its way to its handler.
type call struct {
	who   authz.Caller           // zero for open operations
	spend func(tx unit.Tx) error // uses up the nonce of a request that changes something
	lang  string
	in    any
	args  map[string]string // of the query
	o     *operation
	c     *fiber.Ctx
}

// kept has the answer that of makes of a result kept in the unit of work of that
// result.
func kept[T, O any](c *call, of func(T) (O, error)) unit.Kept[T] {
	return httpx.Kept(c.c, func(result T) error {
		out, err := of(result)
		if err != nil {
			return err
		}
		return answer(c.c, c.o, out)
	})
}

// param gives a name of the path. Ids are letters, digits and . _ -; any other
// text names nothing, so that no store or log meets it.
func (c *call) param(name string) (string, error) {
	v := c.c.Params(name)
	if v == "" || len(v) > maxName || strings.Trim(v, idLetters) != "" {
		return "", fault.Absent
	}
	return v, nil
}

const (
	idLetters = proofLetters + "."
	maxName   = 128 // the longest id is that of a membership, 59
)

// handle completes the description of an operation with its handler and
// examples of what goes in and out.
func handle[I, O any](o operation, in I, out O, do func(context.Context, *call, I) (O, error)) operation {
	o.in, o.out = payload{reflect.TypeFor[I](), in}, payload{reflect.TypeFor[O](), out}
	o.accept = func(body []byte) (any, error) {
		var v I
		return v, httpx.DecodeJSON(body, &v)
	}
	o.do = func(ctx context.Context, c *call) (any, error) {
		v, _ := c.in.(I)
		return do(ctx, c, v)
	}
	return o
}

func (o *operation) success() int {
	switch {
	case o.status != 0:
		return o.status
	case o.out.none():
		return fiber.StatusNoContent
	}
	return fiber.StatusOK
}

// route is the path in fiber's writing.
func (o *operation) route() string {
	return strings.NewReplacer("{", ":", "}", "").Replace(o.path)
}

// names lists the names in the path.
func (o *operation) names() []string {
	var names []string
	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// all lists the faults that the operation may answer, the pipeline's own first.
func (o *operation) all() []*fault.Error {
	list := []*fault.Error{
		fault.BadRequest, fault.BodyTooLarge, fault.SlowDown, fault.InternalError, fault.ShuttingDown, fault.HostUnknown,
		fault.BadMediaType,
	}
	if !o.open {
		list = append(list, fault.Unauthorized, fault.NonceRequired, fault.DeviceRevoked, fault.DeviceLocked)
	}
	if o.changes {
		list = append(list, fault.IdempotencyMissing, fault.IdempotencyRunning, fault.IdempotencyMismatch)
	}
	if len(o.names()) > 0 {
		list = append(list, fault.Absent)
	}
	return append(list, o.faults...)
}
