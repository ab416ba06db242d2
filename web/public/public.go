package public

import (
	"context"
	"errors"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/web/httpx"
)

// Seals is cloudseal.Service as the public may ask it.
type Seals interface {
	// Trust is what an online verdict stands on.
	Trust(ctx context.Context) verify.Trust
	// Bundle makes a bundle with a freshly signed status list. It is asked for
	// no approvals here, so no evidence is in it.
	Bundle(ctx context.Context, approvals ...gm.Digest) (*verify.Bundle, error)
	// Seal gives a seal by its code; fault.Absent when there is none.
	Seal(ctx context.Context, code string) (*cloudseal.Seal, error)
	// History gives its events in their order.
	History(ctx context.Context, code string) ([]*cloudseal.Event, error)
}

// Limits are the numbers of the public calls, each with its reason. A zero
// field takes its default; a zero Rate takes its default as well.
type Limits struct {
	// Document bounds a document to verify. Default 32 MiB: the largest that can
	// be stamped, and its stamps.
	Document int
	// Seal bounds a seal by itself (.esl). Default 1 MiB: a picture at 600 dpi
	// and two certificates have a tenth of it.
	Seal int
	// Read is the time a file may take to arrive. Default 60 s: 32 MiB over a
	// mobile line of 5 Mbit/s.
	Read time.Duration
	// AtOnce is how many files are examined at once. Default 4: a file costs up
	// to its size in memory several times over.
	AtOnce int
	// Waiting is how many more may wait for their turn, each with its file in
	// memory; the next one is sent away. Default 8.
	Waiting int
	// Files bounds the files of one address. Default 30 a minute.
	Files httpx.Rate
	// Questions bounds the other calls of one address. Default 300 a minute.
	Questions httpx.Rate
	// TrustLife is how old the published status list may be. Default 1 min: a
	// stop is public after that, and asking more often costs no signature.
	TrustLife time.Duration
}

// DefaultLimits are the limits unless the configuration has others.
func DefaultLimits() Limits {
	return Limits{
		Document: 32 << 20, Seal: 1 << 20, Read: time.Minute, AtOnce: 4, Waiting: 8,
		Files:     httpx.Rate{Name: "files", Count: 30, Per: time.Minute},
		Questions: httpx.Rate{Name: "questions", Count: 300, Per: time.Minute},
		TrustLife: time.Minute,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.Document, l.Seal, l.AtOnce = orDefault(l.Document, d.Document), orDefault(l.Seal, d.Seal), orDefault(l.AtOnce, d.AtOnce)
	l.Waiting = orDefault(l.Waiting, d.Waiting)
	l.Read, l.TrustLife = orDefault(l.Read, d.Read), orDefault(l.TrustLife, d.TrustLife)
	l.Files, l.Questions = orDefault(l.Files, d.Files), orDefault(l.Questions, d.Questions)
	return l
}

func orDefault[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// BodyRules are the limits of bodies that the server must know before it reads
// one; they go into httpx.Deps.
func (l Limits) BodyRules() []httpx.BodyRule {
	l = l.withDefaults()
	return []httpx.BodyRule{{Method: fiber.MethodPost, Prefix: verifyPath, Max: l.Document, Read: l.Read}}
}

// Deps is what a Public is made of.
type Deps struct {
	Seals  Seals
	Limits Limits // zero fields take their defaults
	Now    func() time.Time
}

// crowded is when to come back after being sent away: a file is examined in less.
const crowded = 2 * time.Second

// Public serves everybody. It is safe for concurrent use.
type Public struct {
	seals     Seals
	limits    Limits
	now       func() time.Time
	files     *httpx.Limiter
	questions *httpx.Limiter
	room      *httpx.Pool // for files under examination
	trust     trustCache
	page      page
}

// New makes a Public.
func New(d Deps) (*Public, error) {
	if d.Seals == nil || d.Now == nil {
		return nil, errors.New("web/public: a dependency is missing")
	}
	page, err := newPage()
	if err != nil {
		return nil, err
	}
	l := d.Limits.withDefaults()
	return &Public{
		seals: d.Seals, limits: l, now: d.Now, page: page,
		files: httpx.NewLimiter(l.Files, d.Now), questions: httpx.NewLimiter(l.Questions, d.Now),
		room: httpx.NewPool(l.AtOnce, l.Waiting, crowded),
	}, nil
}

const verifyPath = "/v1/verify"

// Mount adds the routes to a site. It takes all that is left of the site for its
// page and goes last.
func (p *Public) Mount(site fiber.Router) {
	ask := p.brake(p.questions)
	site.Get(verifyPath, ask, p.accepts)
	site.Post(verifyPath, p.brake(p.files), p.verify)
	site.Get("/v1/trust", ask, p.bundle)
	site.Get("/v1/seals/:code/status", ask, p.status)
	site.Get("/.well-known/cseal-keys", ask, p.keys)
	site.Get("/ui/*", p.page.look)
	site.Get("/*", p.page.own)
}

// brake holds senders to a limit by address.
func (p *Public) brake(l *httpx.Limiter) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if err := l.Allow(httpx.Sender(c)); err != nil {
			return err
		}
		return c.Next()
	}
}
