package console

import (
	"context"
	"errors"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/web/httpx"
)

// Applications is cloudseal.Service as clerks and reviewers need it.
type Applications interface {
	// Applications lists those in a state, oldest first, behind the id after.
	Applications(ctx context.Context, state cloudseal.AppState, after string) ([]*cloudseal.Application, error)
	// Accept and Review perform the signed act on an application, once.
	Accept(ctx context.Context, application, act string, defects ...cloudseal.Defect) (*cloudseal.Application, error)
	Review(ctx context.Context, application, act string, defects ...cloudseal.Defect) (*cloudseal.Application, error)
}

// Systems is binding.Service as the business administrator needs it.
type Systems interface {
	// Register makes a declaration system with its first key; by is who did.
	Register(ctx context.Context, by string, n binding.NewApp) (*binding.App, *binding.AppKey, error)
	// Systems lists all of them by name, stopped ones too.
	Systems(ctx context.Context) ([]*binding.App, error)
	// StopApp and RestoreApp are the kill switch; when StopApp returns, the
	// application's open tickets have ended and nothing of it is stamped.
	StopApp(ctx context.Context, by, app, reason string) error
	RestoreApp(ctx context.Context, by, app, reason string) error
}

// Trail is audit.Log as auditor and business administrator need it.
type Trail interface {
	// Verify walks the whole chain and gives its head, or *audit.Broken.
	Verify(ctx context.Context) (audit.Head, error)
	// Alarms lists the records that somebody should look at, newest first.
	Alarms(ctx context.Context, after []any, limit int) ([]*audit.Record, error)
}

// Deps is what a Console is made of.
type Deps struct {
	Authz        *authz.Service
	Work         unit.Work
	Applications Applications
	Systems      Systems
	Trail        Trail
	Idempotency  httpx.Idempotency
	Version      string // of the program, for status
}

// Console serves operators. It is safe for concurrent use.
type Console struct{ d Deps }

// New makes a Console.
func New(d Deps) (*Console, error) {
	if d.Authz == nil || d.Work == nil || d.Applications == nil || d.Systems == nil || d.Trail == nil || d.Idempotency == nil {
		return nil, errors.New("web/console: a dependency is missing")
	}
	return &Console{d}, nil
}

// maxRequest bounds a request: an order with twenty defects is far below.
const maxRequest = 64 << 10

// Mount adds the routes to the app behind the socket.
func (con *Console) Mount(site fiber.Router) {
	v1 := site.Group("/v1/console", con.identify)
	once := httpx.Idempotent(con.d.Idempotency, func(c *fiber.Ctx) httpx.Client { return httpx.Client{Name: callerOf(c).Device.ID} })
	json := httpx.Body(maxRequest, fiber.MIMEApplicationJSON)
	v1.Get("/status", con.status)
	v1.Get("/applications", con.need(authz.RoleClerk, authz.RoleReviewer), con.list)
	v1.Get("/applications/:id", con.need(authz.RoleClerk, authz.RoleReviewer), con.show)
	v1.Get("/apps", con.need(authz.RoleBusiness, authz.RoleAuditor), con.apps)
	v1.Get("/alarms", con.need(authz.RoleBusiness, authz.RoleAuditor), con.alarms)
	v1.Post("/audit/verify", con.need(authz.RoleAuditor), con.walk)
	v1.Post("/drafts", json, once, con.draft)
	v1.Post("/acts/:id/sign", json, once, con.sign)
}
