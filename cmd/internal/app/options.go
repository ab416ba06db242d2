package app

import (
	"log/slog"
	"time"

	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo"

	"yunzhang.dev/cloudseal/impression"
)

// Options are what the configuration does not say: the clock and the log of
// tests, the world of the sandbox, points where tests stop the world.
type Options struct {
	World World
	Now   func() time.Time // default: time.Now
	Log   *slog.Logger     // default: as configured, to standard error
	// Checkpoint is called at the named points of a stamp.
	Checkpoint func(name string)
	// Unlimited lifts the rates of tickets and scans, for load tests and
	// benchmarks.
	Unlimited bool
	// Drawer draws the impressions of the sandbox's filing; nil: one of its own.
	// Tests that start many nodes share one, whose fonts are opened once.
	Drawer *impression.Drawer
	// Monitor is told every command to MongoDB, for tests that count them.
	Monitor *event.CommandMonitor
	// Dial makes every connection to MongoDB, for tests that break them.
	Dial mongo.Dial

	// spoil takes something away from the stores before the domains get them,
	// for tests that must notice it.
	spoil func(*store.Main)
	// outside are the providers of another node, for tests of several: outside is
	// one world.
	outside *providers
}
