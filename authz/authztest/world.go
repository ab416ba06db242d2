package authztest

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/passkey"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/cloudseal/gm"
)

// Issuer is the host name of the world's statements.
const Issuer = "seal.example.gov.cn"

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a fixed moment.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)} }

// Now gives the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Blinder makes keyed hashes with a fixed key.
type Blinder struct{}

// Blind implements authz.Blinder.
func (Blinder) Blind(class, value string) string {
	return gm.HMAC([]byte("test blind key "+class), []byte(value)).Hex()
}

// Stops records what the signer was told. Of what is told of one power the
// highest version holds, as with the signer.
type Stops struct {
	mu       sync.Mutex
	Stopped  map[string]bool
	versions map[string]int64
	Fail     error                           // returned instead, when set
	OnTheWay func(stopped bool, kind string) // runs before each takes effect, when set
}

// Stop implements authz.Stops.
func (s *Stops) Stop(_ context.Context, kind, id string, version int64) error {
	return s.set(kind, id, version, true)
}

// Lift implements authz.Stops.
func (s *Stops) Lift(_ context.Context, kind, id string, version int64) error {
	return s.set(kind, id, version, false)
}

func (s *Stops) set(kind, id string, version int64, stopped bool) error {
	if s.OnTheWay != nil {
		s.OnTheWay(stopped, kind)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Fail != nil {
		return s.Fail
	}
	if s.Stopped == nil {
		s.Stopped, s.versions = map[string]bool{}, map[string]int64{}
	}
	key := kind + ":" + id
	known := s.versions[key]
	switch {
	case version < 1:
		return fmt.Errorf("authztest: %s was told without a version", key)
	case version < known && stopped && !s.Stopped[key]:
		return fault.StateConflict
	case version > known, version == known && stopped:
		s.Stopped[key], s.versions[key] = stopped, version
	}
	return nil
}

// Has reports whether a power is stopped.
func (s *Stops) Has(kind, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Stopped[kind+":"+id]
}

// Codes is authz.Codes with the code always "000000".
type Codes struct{}

// Send implements authz.Codes.
func (Codes) Send(context.Context, authz.CodeRequest) error { return nil }

// Check implements authz.Codes.
func (Codes) Check(_ context.Context, _ authz.CodeRequest, code string) error {
	if code != "000000" {
		return fault.CodeWrong
	}
	return nil
}

// Tables declares authz's collections in memory.
func Tables(db *unittest.DB) authz.Tables {
	return authz.Tables{
		People:        unittest.Table[authz.Person](db, "people", unittest.Unique("idHash")),
		Organizations: unittest.Table[authz.Organization](db, "orgs", unittest.Unique("uscc")),
		Memberships:   unittest.Table[authz.Membership](db, "memberships", unittest.Plain("org"), unittest.Plain("person")),
		Devices:       unittest.Table[authz.Device](db, "devices", unittest.Unique("keyHash"), unittest.Plain("person")),
		Delegations: unittest.Table[authz.Delegation](db, "delegations",
			unittest.Plain("agent", "org", "app", "notAfter"), unittest.Plain("org")),
		Slots:       unittest.Table[authz.Slot](db, "slots", unittest.Unique("delegation", "n")),
		Operators:   unittest.Table[authz.Operator](db, "operators", unittest.Plain("state")),
		Enrolments:  unittest.Table[authz.Enrolment](db, "enrolments"),
		Acts:        unittest.Table[authz.Act](db, "acts"),
		Nonces:      unittest.Table[authz.Nonce](db, "nonces"),
		Invitations: unittest.Table[authz.Invitation](db, "invitations"),
		Presences:   unittest.Table[authz.Presence](db, "presences"),
		Tells:       unittest.Table[authz.Tell](db, "tells", unittest.Plain("done", "at")),
	}
}

// World is an authz.Service over an in-memory store, with sandbox providers.
type World struct {
	Clock     *Clock
	DB        *unittest.DB
	Tables    authz.Tables
	Deps      authz.Deps // of Service, for one that is made otherwise
	Audit     *audit.Log
	Registry  *registry.Sandbox
	Faces     *realperson.Sandbox
	Outbox    *notify.Outbox
	Stops     *Stops
	Authority *gm.PrivateKey
	Service   *authz.Service
}

// NewWorld makes a world without people.
func NewWorld(tb testing.TB) *World {
	tb.Helper()
	clock := NewClock()
	db := unittest.New(clock.Now)
	authority, err := gm.GenerateKey()
	if err != nil {
		tb.Fatal(err)
	}
	w := &World{
		Clock: clock, DB: db, Tables: Tables(db), Registry: registry.NewSandbox(nil, clock.Now), Faces: realperson.NewSandbox(clock.Now, true),
		Outbox: notify.NewOutbox("", clock.Now), Stops: &Stops{}, Authority: authority,
	}
	w.Audit = audit.New(audit.Deps{Work: db, Records: unittest.Table[audit.Record](db, "audit",
		unittest.Plain("chained", "at"), unittest.Unique("chain", "seq").Only("chained", true))})
	policy := authz.DefaultPolicy()
	policy.Tiers = append(policy.Tiers, authz.TierS)
	w.Deps = authz.Deps{
		Work: db, Tables: w.Tables, Registry: w.Registry, RealPerson: w.Faces, Notices: w.Outbox, Codes: Codes{},
		Authority: authority, Stops: w.Stops, Blinder: Blinder{},
		Passkeys: passkey.Checker{RPID: "app.example.gov.cn", Origins: []string{"https://app.example.gov.cn"}},
		Audit:    w.Audit, NonceKey: gm.Random(32), Issuer: Issuer, Limits: authz.DefaultLimits(), Policy: policy,
		Now: clock.Now, Log: slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
	if w.Service, err = authz.New(w.Deps); err != nil {
		tb.Fatal(err)
	}
	return w
}

// PIN is the PIN of every actor.
const PIN = "passw0rd1"

// Actor is a person with a device and its keys.
type Actor struct {
	authz.Caller
	Org        string
	Key        *gm.PrivateKey
	RequestKey *gm.PrivateKey
	Passkey    *Authenticator
	Share      []byte
	Enrolment  string // by which he came
}

// Applicant is a person the sandbox registry and face check know.
type Applicant struct {
	Kind       authz.EnrolKind
	USCC       string
	Name       string
	IDNumber   string
	Phone      string
	Tier       authz.Tier
	Invitation string
	Passkey    *Authenticator
	Lost       bool // his former devices are
}

// Enrol takes an applicant through registration.
func (w *World) Enrol(ctx context.Context, a Applicant) (*Actor, error) {
	w.Faces.Know(realperson.Identity{Name: a.Name, IDNumber: a.IDNumber})
	actor := &Actor{Passkey: a.Passkey}
	var err error
	if actor.Key, err = gm.GenerateKey(); err != nil {
		return nil, err
	}
	if actor.RequestKey, err = gm.GenerateKey(); err != nil {
		return nil, err
	}
	key, request := actor.Key.Public().SPKI(), actor.RequestKey.Public().SPKI()
	if a.Tier == "" {
		a.Tier = authz.TierW
	}
	r := authz.EnrolRequest{
		Kind: a.Kind, USCC: a.USCC, Invitation: a.Invitation, Lost: a.Lost,
		Applicant: authz.Applicant{Name: a.Name, IDNumber: a.IDNumber, Phone: a.Phone},
		Device:    authz.NewDevice{Name: "测试手机", Tier: a.Tier, Key: key, RequestKey: request},
	}
	if a.Passkey != nil {
		if r.Passkey, err = a.Passkey.Register(passkey.EnrolChallenge(key, request)); err != nil {
			return nil, err
		}
	}
	begun, err := w.Service.BeginEnrol(ctx, r)
	if err != nil {
		return nil, err
	}
	actor.Enrolment = begun.ID
	return actor, w.Finish(ctx, actor)
}

// Finish ends an actor's enrolment, or asks once more what came of it.
func (w *World) Finish(ctx context.Context, actor *Actor) error {
	lines := authz.EnrolProof(actor.Enrolment, actor.Key.Public().SPKI(), actor.RequestKey.Public().SPKI())
	f := authz.FinishRequest{Enrolment: actor.Enrolment, PhoneCode: "000000", Authorization: "000000", PIN: PIN}
	var err error
	if f.KeyProof, err = actor.Key.Sign(lines); err != nil {
		return err
	}
	if f.RequestProof, err = actor.RequestKey.Sign(lines); err != nil {
		return err
	}
	done, err := w.Service.FinishEnrol(ctx, f)
	if err != nil {
		return err
	}
	actor.Caller = authz.Caller{Person: done.Person, Device: done.Device}
	actor.Org, actor.Share = done.Org, done.Share
	return nil
}

// Sign signs a drafted act as the actor's device does.
func (w *World) Sign(ctx context.Context, a *Actor, act *authz.Act) (*authz.Act, error) {
	sig, err := a.Key.Sign(act.Statement.Bytes)
	if err != nil {
		return nil, err
	}
	var second []byte
	if a.Passkey != nil {
		if second, err = a.Passkey.Assert(passkey.Challenge(act.Statement.Bytes)); err != nil {
			return nil, err
		}
	}
	return w.Service.Sign(ctx, a.Caller, act.ID, sig, second)
}

// Known people and organization of the worlds.
var (
	Zhang = Applicant{Kind: authz.EnrolLegal, USCC: "91350100M000100Y43", Name: "张三", IDNumber: "11010519491231002X", Phone: "13800138000"}
	Li    = Applicant{Kind: authz.EnrolAgent, USCC: "91350100M000100Y43", Name: "李四", IDNumber: "440524188001010014", Phone: "13900139000"}
)

// OrgName is the name of Zhang's organization.
const OrgName = "示例科技有限公司"

// Found registers Zhang as legal representative.
func (w *World) Found(ctx context.Context) (*Actor, error) {
	w.Registry.Put(registry.Organization{
		USCC: Zhang.USCC, Name: OrgName, Legal: registry.Identity{Name: Zhang.Name, IDNumber: Zhang.IDNumber},
	})
	return w.Enrol(ctx, Zhang)
}

// Approve has the legal representative approve an agent's place.
func (w *World) Approve(ctx context.Context, legal *Actor, agent *Actor) error {
	act, err := w.Service.DraftAgentApproval(ctx, legal.Caller, authz.MembershipID(legal.Org, agent.Person.ID))
	if err != nil {
		return err
	}
	_, err = w.Sign(ctx, legal, act)
	return err
}

// Grant has the legal representative delegate; it gives the delegation's id.
func (w *World) Grant(ctx context.Context, legal, agent *Actor, app statement.App, seals []statement.Ref, limit int) (string, error) {
	now := w.Clock.Now()
	act, err := w.Service.DraftGrant(ctx, legal.Caller, authz.Grant{
		Org: legal.Org, Agent: agent.Person.ID, App: app, Actions: []authz.Action{authz.Bind, authz.Login, authz.Stamp}, Seals: seals,
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(30 * 24 * time.Hour), Max: limit,
	})
	if err != nil {
		return "", fmt.Errorf("draft: %w", err)
	}
	act, err = w.Sign(ctx, legal, act)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return act.Subject, nil
}
