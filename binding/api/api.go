// Package api is the HTTP that declaration systems call from their servers.
// Every request is signed (RFC 9421 as web/httpx/sign has it) with a key that
// was registered for the application; every POST carries an Idempotency-Key.
//
//	POST /v1/documents                  upload (application/pdf; name*=…)
//	GET  /v1/documents/{id}             state
//	GET  /v1/documents/{id}/stamped     the stamped file
//	GET  /v1/documents/{id}/evidence    what a verifier needs offline for it alone
//	POST /v1/tickets                    ask for bind, login or stamp; a stamp needs a bound account
//	GET  /v1/tickets/{id}               state
//	POST /v1/tickets/{id}/cancel
//	POST /v1/tickets/{id}/redeem        result code and verifier → result
//	GET  /v1/tickets/{id}/evidence      what a verifier needs offline for all its documents
//	POST /v1/tickets/{id}/save          completes a binding
//	POST /v1/bindings/lookup            binding of an account
//	POST /v1/bindings/end               unbinding
//	GET  /v1/me                         the application as registered
//
// It owns the wire and nothing else.
package api

import (
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/qrflow"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/sign"
)

// MaxRequest bounds JSON requests: five hundred stamps stay below half of it.
const MaxRequest = 128 << 10

// Deps is what an API is made of.
type Deps struct {
	Binding     *binding.Service
	Seals       *cloudseal.Service
	Flow        *qrflow.Service
	Idempotency httpx.Idempotency
	Nonces      Nonces
	// PerAddress limits the requests of one address before their signature is
	// looked at. Zero: no limit; AddressRate is what a node should start with.
	PerAddress httpx.Rate
	// PerClient limits the requests of one application a second.
	PerClient httpx.Rate
	// AtOnce is how many uploads and requests for stamps, which read whole
	// documents, are at work at once, and Waiting how many more may wait.
	// Defaults 4 and 28: an application sends a batch over a few connections.
	AtOnce, Waiting int
	// SocketURL is where pages attach, told with each ticket.
	SocketURL   string
	MaxDocument int
	Now         func() time.Time
}

// Nonces remembers the nonces of signatures.
type Nonces interface {
	sign.Nonces
	// SpendIn is Spend inside a transaction.
	SpendIn(tx unit.Tx, keyID, nonce string, until time.Time) error
}

// AddressRate is the default of Deps.PerAddress: a server of a declaration
// system stays below it in its busiest hour, and a flood of forged requests, each
// of which costs a hash of its body and a look at a key, does not.
func AddressRate() httpx.Rate {
	return httpx.Rate{Name: "address", Count: 50, Per: time.Second, Burst: 200}
}

// API serves declaration systems.
type API struct {
	d         Deps
	addresses *httpx.Limiter
	clients   *httpx.Limiter
	room      *httpx.Pool
}

// New makes an API.
func New(d Deps) (*API, error) {
	if d.Binding == nil || d.Seals == nil || d.Flow == nil || d.Idempotency == nil || d.Nonces == nil || d.Now == nil {
		return nil, errors.New("binding/api: a dependency is missing")
	}
	if d.AtOnce == 0 {
		d.AtOnce, d.Waiting = 4, 28
	}
	return &API{
		room:      httpx.NewPool(d.AtOnce, d.Waiting, crowded),
		d:         d,
		addresses: httpx.NewLimiter(d.PerAddress, d.Now),
		clients:   httpx.NewLimiter(d.PerClient, d.Now),
	}, nil
}

// crowded is when to come back after being sent away: a document takes less.
const crowded = 2 * time.Second

// Mount adds the routes to a site.
func (a *API) Mount(site fiber.Router) {
	v1 := site.Group("/v1", a.authenticate)
	once, now, dear := httpx.Idempotent(a.d.Idempotency, a.client), a.spend, a.room.Handler()
	v1.Get("/me", now, a.me)
	v1.Post("/documents", dear, once, a.upload)
	v1.Get("/documents/:id", now, a.document)
	v1.Get("/documents/:id/stamped", now, a.stamped)
	v1.Get("/documents/:id/evidence", now, a.documentEvidence)
	json := httpx.Body(MaxRequest, fiber.MIMEApplicationJSON)
	v1.Post("/tickets", json, dear, once, a.open)
	v1.Get("/tickets/:id", now, a.status)
	v1.Post("/tickets/:id/cancel", once, a.cancel)
	v1.Post("/tickets/:id/redeem", now, json, a.redeem)
	v1.Get("/tickets/:id/evidence", now, a.evidence)
	v1.Post("/tickets/:id/save", once, a.save)
	v1.Post("/bindings/lookup", now, json, a.lookup)
	v1.Post("/bindings/end", json, once, a.unbind)
}

func (a *API) me(c *fiber.Ctx) error {
	app := appOf(c)
	return httpx.Reply(c, fiber.StatusOK, appView{ID: app.ID, Name: app.Name, Origins: app.Origins, Actions: app.Actions, SealKinds: app.SealKinds})
}
