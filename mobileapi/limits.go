package mobileapi

import (
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/web/httpx"
)

// Limits are the numbers the API holds to, each with its reason. A zero Rate
// allows everything.
type Limits struct {
	// Address bounds all requests of one address (IPv6: one /64). An office of
	// a hundred people behind one address stays below it.
	Address httpx.Rate
	// Device bounds all requests of one device: a person with his thumb on the
	// screen makes two a second at most.
	Device httpx.Rate
	// Person bounds all requests of one person, whatever devices he has: two in
	// use at once, so that more devices are not more allowance.
	Person httpx.Rate
	// Enrol bounds registrations begun or finished from one address, because
	// each sends messages that cost money and bother people.
	Enrol httpx.Rate
	// Codes bounds what one device may make the system send or ask: codes to a
	// legal representative, real-person sessions.
	Codes httpx.Rate
	// Documents bounds the documents that one device fetches to look at them: a
	// whole batch at once, and as much again in half a minute.
	Documents httpx.Rate
	// Body bounds a request; Picture the one that may carry a picture of an
	// impression (4 MiB, base64url).
	Body, Picture int
	// PictureTime is how long the larger one may take to arrive.
	PictureTime time.Duration
}

// DefaultLimits are the limits unless the configuration has others.
func DefaultLimits() Limits {
	return Limits{
		Address:     httpx.Rate{Name: "address", Count: 1200, Per: time.Minute, Burst: 300},
		Device:      httpx.Rate{Name: "device", Count: 120, Per: time.Minute, Burst: 60},
		Person:      httpx.Rate{Name: "person", Count: 240, Per: time.Minute, Burst: 120},
		Enrol:       httpx.Rate{Name: "enrol", Count: 30, Per: 10 * time.Minute},
		Codes:       httpx.Rate{Name: "codes", Count: 10, Per: 10 * time.Minute},
		Documents:   httpx.Rate{Name: "documents", Count: 1200, Per: time.Minute, Burst: 600},
		Body:        64 << 10,
		Picture:     6 << 20,
		PictureTime: 30 * time.Second,
	}
}

// brakes are the limiters made of Limits.
type brakes struct {
	address, device, person, enrol, codes, documents *httpx.Limiter
}

func newBrakes(l Limits, now func() time.Time) brakes {
	return brakes{
		address: httpx.NewLimiter(l.Address, now), device: httpx.NewLimiter(l.Device, now),
		person: httpx.NewLimiter(l.Person, now),
		enrol:  httpx.NewLimiter(l.Enrol, now), codes: httpx.NewLimiter(l.Codes, now),
		documents: httpx.NewLimiter(l.Documents, now),
	}
}

// BodyRules are the limits of bodies that the server must know before it reads
// one; they go into httpx.Deps.
func (l Limits) BodyRules() []httpx.BodyRule {
	return []httpx.BodyRule{{Method: fiber.MethodPost, Prefix: "/v1/organizations/", Max: l.Picture, Read: l.PictureTime}}
}
