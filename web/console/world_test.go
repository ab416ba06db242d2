package console_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/console"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/deviceproof"
	"yunzhang.dev/web/httpx/httpxtest"
)

// world is authz in memory behind the console, with an administrator, a clerk,
// a reviewer and an auditor, and one application that waits.
type world struct {
	*authztest.World
	t     *testing.T
	app   *fiber.App
	desk  *desk
	trail *trail

	admin, clerk, reviewer, auditor, legal *authztest.Actor
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: authztest.NewWorld(t), t: t, trail: &trail{}}
	w.desk = &desk{w: w}
	con, err := console.New(console.Deps{
		Authz: w.Service, Work: w.DB, Applications: w.desk, Systems: w.desk, Trail: w.trail, Idempotency: &httpxtest.Shelf{}, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.app = httpx.NewServer(httpx.Deps{Now: w.Clock.Now})
	con.Mount(w.app)
	if w.legal, err = w.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.admin = w.operator("", "管理员", "110101199003070038", authz.RoleBusiness)
	w.clerk = w.operator(w.admin.Person.ID, "受理员", "110101199003070054", authz.RoleClerk)
	w.reviewer = w.operator(w.admin.Person.ID, "审核员", "110101199003070070", authz.RoleReviewer)
	w.auditor = w.operator(w.admin.Person.ID, "审计员", "110101199003070097", authz.RoleAuditor)
	w.desk.put(&cloudseal.Application{
		Row: unit.Row{ID: "ap_1"}, Org: authztest.Zhang.USCC, OrgName: authztest.OrgName, State: cloudseal.Waiting, Kind: "statutory",
		Claim: statement.Signed{Bytes: []byte("claim")}, Uploaded: []byte("picture"), Applicant: w.legal.Person.ID,
	})
	return w
}

// phones are those of the operators, by the last digits of their ID.
func (w *world) operator(by, name, id string, roles ...string) *authztest.Actor {
	w.t.Helper()
	code, err := w.Service.Invite(w.t.Context(), by, roles)
	if err != nil {
		w.t.Fatal(err)
	}
	a, err := w.Enrol(w.t.Context(), authztest.Applicant{
		Kind: authz.EnrolOperator, Invitation: code, Name: name, IDNumber: id, Phone: "1380000" + id[14:],
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// desk is cloudseal and binding for these tests.
type desk struct {
	w       *world
	mu      sync.Mutex // guards what follows
	apps    []*cloudseal.Application
	systems []*binding.App
	given   []cloudseal.Defect
}

func (d *desk) put(a *cloudseal.Application) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.apps = append(d.apps, a)
}

func (d *desk) Applications(_ context.Context, state cloudseal.AppState, after string) (found []*cloudseal.Application, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range d.apps {
		if a.State == state && a.ID > after && len(found) < 2 { // pages of two
			found = append(found, a)
		}
	}
	return found, nil
}

func (d *desk) Accept(ctx context.Context, id, act string, defects ...cloudseal.Defect) (*cloudseal.Application, error) {
	return d.decide(ctx, id, act, authz.RoleClerk, cloudseal.Accepted, defects)
}

func (d *desk) Review(ctx context.Context, id, act string, defects ...cloudseal.Defect) (*cloudseal.Application, error) {
	return d.decide(ctx, id, act, authz.RoleReviewer, cloudseal.Issued, defects)
}

func (d *desk) decide(ctx context.Context, id, act, role string, next cloudseal.AppState, defects []cloudseal.Defect) (*cloudseal.Application, error) {
	var opinion string
	err := d.w.DB.Update(ctx, func(tx unit.Tx) error {
		taken, err := d.w.Service.Take(tx, act, role, id)
		if err != nil {
			return err
		}
		r, err := statement.ParseReview(taken.Statement.Bytes)
		opinion = r.Opinion
		return err
	})
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	a := d.apps[slices.IndexFunc(d.apps, func(a *cloudseal.Application) bool { return a.ID == id })]
	a.State, a.Code, d.given = next, "33010600000001", defects
	if opinion == statement.Reject {
		a.State = cloudseal.Rejected
	}
	return a, nil
}

func (d *desk) Register(_ context.Context, by string, n binding.NewApp) (*binding.App, *binding.AppKey, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a := &binding.App{Row: unit.Row{ID: "app_1"}, Name: n.Name, Origins: n.Origins, Actions: n.Actions, SealKinds: n.SealKinds}
	d.systems = append(d.systems, a)
	return a, &binding.AppKey{Row: unit.Row{ID: "k_1"}, Key: n.Key}, nil
}

func (d *desk) Systems(context.Context) ([]*binding.App, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.systems), nil
}

func (d *desk) StopApp(_ context.Context, by, app, reason string) error {
	return d.turn(app, authz.Frozen, binding.Stopped{By: by, Reason: reason})
}

func (d *desk) RestoreApp(_ context.Context, by, app, _ string) error {
	return d.turn(app, authz.Active, binding.Stopped{By: by})
}

func (d *desk) turn(app string, to authz.State, stopped binding.Stopped) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.systems, func(a *binding.App) bool { return a.ID == app })
	if i < 0 {
		return fault.Absent
	}
	d.systems[i].State, d.systems[i].Stopped = to, stopped
	return nil
}

type trail struct{ err error }

func (t *trail) Verify(context.Context) (audit.Head, error) {
	return audit.Head{Chain: "main", Seq: 7, Hash: gm.SM3([]byte("head"))}, t.err
}

func (t *trail) Alarms(context.Context, []any, int) ([]*audit.Record, error) {
	return []*audit.Record{{Action: "ticket.blocked", Object: "tk_1", Actor: "us_1", Decision: audit.Alarm, Detail: "not-started-by-me"}}, t.err
}

type answer struct {
	status int
	nonce  string
	body   []byte
}

// do sends a proved request as an operator; nil sends it without a proof.
func (w *world) do(a *authztest.Actor, method, path string, body any) answer {
	w.t.Helper()
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			w.t.Fatal(err)
		}
	}
	req := httptest.NewRequest(method, path, bytes.NewReader(raw))
	req.Header.Set("Content-Type", "application/json")
	key := base64.RawURLEncoding.EncodeToString(gm.Random(24))
	req.Header.Set(httpx.IdempotencyKey, key)
	if a != nil {
		nonce := w.Service.NewNonce()
		sig, err := a.RequestKey.Sign(authz.ProofLines(authz.Request{Method: method, Path: path, Body: gm.SM3(raw), Idempotency: key}, a.Device.ID, nonce))
		if err != nil {
			w.t.Fatal(err)
		}
		req.Header.Set("Authorization", deviceproof.Format(deviceproof.Proof{Device: a.Device.ID, Nonce: nonce, Signature: sig}))
	}
	res, err := w.app.Test(req, -1)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get(deviceproof.NonceHeader), b}
}

func into[T any](t *testing.T, a answer) (v T) {
	t.Helper()
	if a.status >= 300 {
		t.Fatalf("status %d: %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return v
}

func (w *world) refused(a answer, want *fault.Error) {
	w.t.Helper()
	var doc struct{ Code string }
	_ = json.Unmarshal(a.body, &doc)
	if doc.Code != want.Code || a.status != httpx.Status(want) {
		w.t.Errorf("status %d %s, want %s", a.status, a.body, want.Code)
	}
}

// order drafts an order, signs it and sends it; edit, if any, spoils the order
// that is sent with the signature.
func (w *world) order(a *authztest.Actor, o console.Order, edit ...func(*console.Order)) answer {
	w.t.Helper()
	drafted := w.do(a, "POST", "/v1/console/drafts", o)
	if drafted.status >= 300 {
		return drafted
	}
	d := into[console.Draft](w.t, drafted)
	sig, err := a.Key.Sign(d.Statement)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range edit {
		f(&o)
	}
	return w.do(a, "POST", "/v1/console/acts/"+d.ActID+"/sign", console.Signature{Order: o, SigSM2: sig})
}

// opinion is an order on the waiting application.
func opinion(act, opinion string, defects ...string) console.Order {
	return console.Order{Act: act, Application: "ap_1", Claim: gm.SM3([]byte("claim")), Opinion: opinion, Defects: defects}
}

func (w *world) state() cloudseal.AppState {
	w.desk.mu.Lock()
	defer w.desk.mu.Unlock()
	return w.desk.apps[0].State
}

func (w *world) later(d time.Duration) { w.Clock.Add(d) }
