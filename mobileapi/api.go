package mobileapi

import (
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/web/httpx"
)

// Deps is what an API is made of.
type Deps struct {
	Authz        *authz.Service
	Work         unit.Work // for questions to authz that need a unit of work; nothing is written through it
	Seals        Seals
	Claims       Claims
	Scans        Scans
	Seconds      Seconds
	Applications Applications
	History      History
	Idempotency  httpx.Idempotency
	Agreement    Agreement
	Limits       Limits // zero: DefaultLimits
	Now          func() time.Time
}

// Agreement is the service agreement in force.
type Agreement struct {
	ID   string // its version, a name that a statement can hold
	Text string
}

// API is the phone's HTTP. It is safe for concurrent use.
type API struct {
	Deps
	brakes     brakes
	operations []operation
	schemas    *schemas
	openAPI    func() ([]byte, error) // made at the first look
}

var (
	// encoding is how binary values are written on the wire.
	encoding = base64.RawURLEncoding.Strict()

	errEncoding = errors.New("not base64url in its one spelling")
)

// New makes an API.
func New(d Deps) (*API, error) {
	switch {
	case d.Authz == nil || d.Work == nil || d.Idempotency == nil || d.Now == nil:
		return nil, errors.New("mobileapi: a dependency is missing")
	case d.Seals == nil || d.Claims == nil || d.Scans == nil || d.Seconds == nil || d.Applications == nil || d.History == nil:
		return nil, errors.New("mobileapi: a port is missing")
	case d.Agreement.Text == "" || statement.CheckText(d.Agreement.ID) != nil:
		return nil, errors.New("mobileapi: the service agreement has no text or no usable version")
	}
	if d.Limits == (Limits{}) {
		d.Limits = DefaultLimits()
	}
	a := &API{Deps: d, brakes: newBrakes(d.Limits, d.Now)}
	for _, step := range []func() []operation{
		a.enrolOperations, a.deviceOperations, a.meOperations, a.organizationOperations, a.sealOperations,
		a.actOperations, a.delegateOperations, a.signOperations, a.scanOperations, a.secondOperations,
	} {
		a.operations = append(a.operations, step()...)
	}
	a.schemas = newSchemas(a.operations)
	a.openAPI = sync.OnceValues(func() ([]byte, error) { return describe(a.operations, a.schemas) })
	return a, nil
}

// Mount adds the routes to a server or site of web/httpx.
func (a *API) Mount(app *fiber.App) {
	for i := range a.operations {
		o := &a.operations[i]
		app.Add(o.method, o.route(), a.chain(o)...)
	}
	app.Get("/openapi.json", a.describeItself)
}

// describeItself serves the OpenAPI document.
func (a *API) describeItself(c *fiber.Ctx) error {
	doc, err := a.openAPI()
	if err != nil {
		return fmt.Errorf("mobileapi: describe: %w", err)
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return c.Send(doc)
}
